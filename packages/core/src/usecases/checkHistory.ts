/** Compares stored sessions with the fold of their events, a page at a time. Reads only. */
import { Effect } from "effect"
import { compareWithFold } from "../domain/streams/StoredHistory.ts"
import type { StreamId } from "../domain/values/Ids.ts"
import { History } from "../ports/History.ts"

export interface HistoryProblem {
  readonly streamId: StreamId
  readonly detail: string
}

export const checkHistory = Effect.fn("checkHistory")(function* (after: StreamId | null, limit: number) {
  const history = yield* History
  const { items, next } = yield* history.page(after, limit)
  const problems = items.flatMap(({ id, ...stored }): ReadonlyArray<HistoryProblem> => {
    const found = compareWithFold(stored)
    return found.length === 0 ? [] : [{ streamId: id, detail: found.join("; ") }]
  })
  return { checked: items.length, problems, next }
})
