/**
 * Answers lists of streams. An answer is kept with the version at which its list was read, and is given again while the version is the
 * same: then a list costs one short read, whatever its length. Otherwise the list is read again, and only the rows that have changed are
 * encoded. The version is read after the question came, so no answer is older than its question; its durations are by at most a second.
 */
import { countStreams, type PlayableStream, type StreamId, type StreamStatus } from "@greenroom/core"
import {
  inTurns,
  isSameVersion,
  type ListVersion,
  listSince,
  listVersion,
  withinCallersLimit
} from "@greenroom/core/internal"
import { DateTime, Effect } from "effect"
import { LIMIT_DEFAULT } from "../api/Input.ts"
import type { StreamQuery } from "../api/StreamsApi.ts"
import { coalesce } from "../routes/coalesce.ts"
import { pageRequest, storeFailureToDefect, withCursor } from "../routes/handling.ts"
import { KeptLists } from "./KeptLists.ts"
import type { ListSlots } from "./ListSlots.ts"
import { type ListAnswer, listAnswer } from "./listAnswer.ts"
import { bodyAt, ROWS_A_TURN, type WrittenList, type WrittenRow, writeRow, writtenList } from "./writtenList.ts"

type Query = typeof StreamQuery.Type

/** For how long an answer's durations stand, by the database's clock. */
const DURATIONS_STAND_MS = 1_000

interface Kept {
  readonly version: ListVersion
  readonly list: WrittenList
  /** The database's clock, to which the durations are counted. */
  readonly at: number
  readonly bytes: number
  readonly answer: ListAnswer
}

/** Those on the air are few and wanted whole; what has ended is history, and read by pages. */
const unlimited = (status: ReadonlyArray<StreamStatus>) => (status.includes("inactive") ? LIMIT_DEFAULT : null)

/** The message of an empty list. That no stream is live is true only when all that are live were asked for. */
const emptiness = ({ status = ["active"], limit: _, total: __, cursor, ...filters }: Query): string => {
  if (cursor !== undefined) return "No further stream matches."
  return Object.keys(filters).length > 0 || !status.includes("active") || status.includes("inactive")
    ? "No stream matches."
    : "No stream is live."
}

const read = ({ status = ["active"], limit, cursor, total: _, ...filter }: Query, since: ListVersion | null) =>
  listSince({ status, ...filter }, pageRequest({ limit, cursor }, unlimited(status)), since)

type Found = Effect.Success<ReturnType<typeof read>>

/** The rows in the list's order; `null` when one that has not changed was not kept: on a page, rows move up. */
const rowsOf = (
  items: Found["items"],
  kept: WrittenList["rows"]
): Map<StreamId, WrittenRow | PlayableStream> | null => {
  const rows = new Map<StreamId, WrittenRow | PlayableStream>()
  for (const { id, view } of items) {
    const row = view ?? kept.get(id)
    if (row === undefined) return null
    rows.set(id, row)
  }
  return rows
}

const readRows = (
  query: Query,
  kept: Kept | undefined
): Effect.Effect<
  { readonly found: Found; readonly rows: ReadonlyMap<StreamId, WrittenRow | PlayableStream> },
  Effect.Error<ReturnType<typeof read>>,
  Effect.Services<ReturnType<typeof read>>
> =>
  Effect.flatMap(read(query, kept?.version ?? null), (found) => {
    const rows = rowsOf(found.items, kept?.list.rows ?? new Map())
    return rows === null ? readRows(query, undefined) : Effect.succeed({ found, rows })
  })

const encodeChanged = (rows: ReadonlyMap<StreamId, WrittenRow | PlayableStream>) =>
  Effect.map(
    inTurns(
      [...rows],
      (part) => part.map(([id, row]): [StreamId, WrittenRow] => [id, "text" in row ? row : writeRow(row)]),
      ROWS_A_TURN
    ),
    (parts) => new Map(parts.flat())
  )

/** Nothing, or the length of the whole list, which is counted where it was asked for. */
const totalOf = ({ status = ["active"], limit: _, cursor: __, total, ...filter }: Query) =>
  total === "true" ? Effect.map(countStreams({ status, ...filter }), (total) => ({ total })) : Effect.succeed({})

const endOf = (query: Query, found: Found, total: { readonly total?: number }): string => {
  const message = found.items.length === 0 ? { message: emptiness(query) } : {}
  const { next_cursor } = withCursor(found)
  return `],${JSON.stringify({ count: found.items.length, next_cursor, ...message, ...total }).slice(1)}`
}

const isSameList = (
  list: WrittenList,
  rows: ReadonlyMap<StreamId, WrittenRow | PlayableStream>,
  end: string
): boolean => {
  if (list.end !== end || list.rows.size !== rows.size) return false
  const now = [...rows.values()]
  return [...list.rows.values()].every((row, index) => row === now[index])
}

/** The answer with this list, of this version: the kept one while its durations stand. */
const answerWith = (
  kept: Kept | undefined,
  version: ListVersion,
  list: WrittenList,
  now: DateTime.Utc
): Effect.Effect<Kept> => {
  const at = DateTime.toEpochMillis(now)
  if (kept?.list === list && at >= kept.at && at < kept.at + DURATIONS_STAND_MS)
    return Effect.succeed({ ...kept, version })
  return Effect.map(bodyAt(list, at), (body) => ({
    version,
    list,
    at,
    // The rows, the answer that is made of them, and the same compressed, at the most.
    bytes: 3 * body.length,
    answer: listAnswer(body, list.tag)
  }))
}

const readAgain = Effect.fnUntraced(function* (query: Query, kept: Kept | undefined) {
  const { found, rows } = yield* readRows(query, kept)
  const end = endOf(query, found, yield* totalOf(query))
  const list =
    kept !== undefined && isSameList(kept.list, rows, end)
      ? kept.list
      : yield* writtenList(yield* encodeChanged(rows), end)
  return yield* answerWith(kept, found.version, list, found.now)
})

/** What answers a question, for one listener. */
export const makeStreamLists = (slots: ListSlots["Service"]) => {
  const lists = new KeptLists<Kept>()
  const versionNow = coalesce((_: null) => storeFailureToDefect(listVersion))
  const refreshed = (query: Query, kept: Kept | undefined) => slots.run(storeFailureToDefect(readAgain(query, kept)))

  const answer = coalesce((query: Query) =>
    Effect.suspend(() => {
      const question = JSON.stringify(query)
      const kept = lists.get(question)
      const answer =
        kept === undefined
          ? refreshed(query, undefined)
          : Effect.flatMap(versionNow(null), ({ version, now }) =>
              isSameVersion(version, kept.version) ? answerWith(kept, version, kept.list, now) : refreshed(query, kept)
            )
      return Effect.map(answer, (list) => {
        lists.keep(question, list)
        return list.answer
      })
    })
  )
  // Answers are kept by their question, so the caller's limit is in it.
  return (query: Query) => Effect.flatMap(withinCallersLimit(query), answer)
}
