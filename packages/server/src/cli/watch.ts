/**
 * `greenroom streams watch`: lists the streams when something has happened (`streamNews.ts`) and reports what has changed. When the service is away, that is reported once,
 * and once more when it is back. How changes are shown is a `Report` (`watchReports.ts`). A stream that begins and ends between two lists
 * is not seen; `streams events` has the history of a stream.
 */
import type { BroadcasterId, StreamId, StreamKeyId, StreamPath } from "@greenroom/core"
import { monotonicMillis } from "@greenroom/core/internal"
import { Effect, Result, type Scope } from "effect"
import { ListCursor } from "../http/api/Cursor.ts"
import { type ApiClient, both, call } from "./ApiClient.ts"
import type { CommandFailed } from "./CommandFailed.ts"
import { type Change, difference, type Seen, standingOf } from "./changes.ts"
import { listAll } from "./listAll.ts"
import { makeStreamNews } from "./streamNews.ts"
import { passing } from "./tailEvents.ts"

/** The most streams that are watched at once: the newest. */
const WATCH_MAX = 2000

export interface Filter {
  readonly broadcasterId?: BroadcasterId
  readonly streamKeyId?: StreamKeyId
  readonly path?: StreamPath
}

export interface Report {
  readonly looked: (streams: ReadonlyArray<Seen>, changes: ReadonlyArray<Change>) => Effect.Effect<void>
  /** After every list that failed; `seconds` since the `first` of them. */
  readonly away: (why: string, trouble: { readonly first: boolean; readonly seconds: number }) => Effect.Effect<void>
  readonly back: (seconds: number) => Effect.Effect<void>
}

/** How a stream ended that is no longer listed; nothing when it has not ended. */
const farewell = (id: StreamId) =>
  call(({ streams }) => streams.get({ params: { id }, responseMode: both })).pipe(
    Effect.map(
      (seen): ReadonlyArray<Change> => (seen.value.endedAt === null ? [] : [{ change: standingOf(seen.value), seen }])
    ),
    Effect.catch((failure) => (failure.failure === "notFound" ? Effect.succeed([]) : Effect.fail(failure)))
  )

const look = Effect.fnUntraced(function* (filter: Filter, before: ReadonlyMap<StreamId, Seen>) {
  const { items, wires } = yield* listAll("streams", ListCursor, WATCH_MAX, (page) =>
    call(({ streams }) =>
      streams.list({ query: { status: ["connecting", "active"], ...filter, ...page }, responseMode: both })
    )
  )
  const now = items.map((value, index): Seen => ({ value, wire: wires[index] }))
  const { changes, left } = difference(before, now)
  const gone = yield* Effect.forEach(left, farewell, { concurrency: 4 })
  return { now, changes: [...gone.flat(), ...changes] }
})

/** Never ends by itself. The first list must succeed: a wrong address is no outage. */
export const watch = Effect.fnUntraced(function* (
  filter: Filter,
  report: Report
): Effect.fn.Return<never, CommandFailed, ApiClient | Scope.Scope> {
  const { broadcasterId, path } = filter
  const nextLook = yield* makeStreamNews({
    ...(broadcasterId === undefined ? {} : { broadcasterId }),
    ...(path === undefined ? {} : { path })
  })
  let before: ReadonlyMap<StreamId, Seen> | null = null
  let awaySince: number | null = null
  for (;;) {
    const looked: Result.Result<Effect.Success<ReturnType<typeof look>>, CommandFailed> = yield* Effect.result(
      look(filter, before ?? new Map())
    )
    const millis = yield* monotonicMillis
    if (Result.isFailure(looked)) {
      if (before === null || !passing.includes(looked.failure.failure)) return yield* looked.failure
      const first = awaySince === null
      awaySince ??= millis
      yield* report.away(looked.failure.sentence, { first, seconds: Math.round((millis - awaySince) / 1000) })
    } else {
      if (awaySince !== null) yield* report.back(Math.round((millis - awaySince) / 1000))
      awaySince = null
      before = new Map(looked.success.now.map((seen) => [seen.value.id, seen]))
      yield* report.looked(looked.success.now, looked.success.changes)
    }
    yield* nextLook
  }
})
