/**
 * Whether a stored session is what its events make of it. What a store holds is taken as it is, because it is the store that is in
 * doubt: words that are none, columns that contradict each other, numbers that are missing. The fold is `foldEvents`, the same that
 * moves sessions.
 */
import { DateTime, Result, Schema } from "effect"
import type { StreamId } from "../values/Ids.ts"
import { foldEvents, type SessionState } from "./LiveStream.ts"
import { EndReason, StopReason, type StreamEvent } from "./StreamEvent.ts"

/** What a session's row says of its state, column by column. */
export interface StateColumns {
  readonly startedAt: DateTime.Utc
  readonly readyAt: DateTime.Utc | null
  readonly sourceType: string | null
  readonly stopReason: string | null
  readonly stopRequestedAt: DateTime.Utc | null
  readonly kickedAt: DateTime.Utc | null
  readonly endedAt: DateTime.Utc | null
  readonly endReason: string | null
}

/** `lastSeq`: the number that the row says its last event has. */
export interface StoredRow extends StateColumns {
  readonly lastSeq: number
}

/** An event as it is written; `data` is `{source_type}` or `{reason}`, or nothing. */
export interface StoredEvent {
  readonly seq: number
  readonly at: DateTime.Utc
  readonly type: string
  readonly data: unknown
}

/** `row` is `null` when there are events of a stream that is not there. */
export interface StoredHistory {
  readonly id: StreamId
  readonly row: StoredRow | null
  /** In the order of their numbers. */
  readonly events: ReadonlyArray<StoredEvent>
}

export const columnsOf = (state: SessionState): StateColumns => ({
  startedAt: state.startedAt,
  readyAt: state._tag === "Connecting" ? null : state.readyAt,
  sourceType: state._tag === "Connecting" ? null : state.sourceType,
  stopReason: state.ending?.reason ?? null,
  stopRequestedAt: state.ending?.requestedAt ?? null,
  kickedAt: state.ending?.kickedAt ?? null,
  endedAt: state._tag === "Inactive" ? state.endedAt : null,
  endReason: state._tag === "Inactive" ? state.reason : null
})

/** What an event says beside its type, as it is written. */
export const eventData = (event: StreamEvent): Readonly<Record<string, string>> =>
  event.type === "ready" ? { source_type: event.sourceType } : "reason" in event ? { reason: event.reason } : {}

export const storedEvent = (event: StreamEvent): StoredEvent => {
  const { seq, at, type } = event
  return { seq, at, type, data: eventData(event) }
}

const ready = Schema.decodeUnknownResult(Schema.Struct({ source_type: Schema.String }))
const stopped = Schema.decodeUnknownResult(Schema.Struct({ reason: StopReason }))
const ended = Schema.decodeUnknownResult(Schema.Struct({ reason: EndReason }))

/** The event that is written there, or what is wrong with it. The inverse of `storedEvent`. */
export const readEvent = ({ seq, at, type, data }: StoredEvent): Result.Result<StreamEvent, string> => {
  const unreadable = () => `event ${seq} (${type}) says what no such event says: ${JSON.stringify(data)}`
  switch (type) {
    case "admitted":
    case "kicked":
      return Result.succeed({ seq, at, type })
    case "ready":
      return Result.mapBoth(ready(data), {
        onSuccess: ({ source_type }): StreamEvent => ({ seq, at, type, sourceType: source_type }),
        onFailure: unreadable
      })
    case "stop_requested":
      return Result.mapBoth(stopped(data), {
        onSuccess: ({ reason }): StreamEvent => ({ seq, at, type, reason }),
        onFailure: unreadable
      })
    case "ended":
      return Result.mapBoth(ended(data), {
        onSuccess: ({ reason }): StreamEvent => ({ seq, at, type, reason }),
        onFailure: unreadable
      })
    default:
      return Result.fail(`event ${seq} is of no known type: ${type}`)
  }
}

const shown = (value: DateTime.Utc | string | null): string =>
  value === null ? "nothing" : typeof value === "string" ? value : DateTime.formatIso(value)

const columnNames: { readonly [C in keyof StateColumns]: string } = {
  startedAt: "started_at",
  readyAt: "ready_at",
  sourceType: "source_type",
  stopReason: "stop_reason",
  stopRequestedAt: "stop_requested_at",
  kickedAt: "kicked_at",
  endedAt: "ended_at",
  endReason: "end_reason"
}

const differences = (row: StateColumns, folded: StateColumns): ReadonlyArray<string> =>
  (Object.keys(columnNames) as ReadonlyArray<keyof StateColumns>).flatMap((column) => {
    const [has, made] = [shown(row[column]), shown(folded[column])]
    return has === made ? [] : [`${columnNames[column]} is ${has}, its events make it ${made}`]
  })

/** Everything that is wrong with it, a sentence each; none when the row is the fold of its events. Total. */
export const compareWithFold = ({ row, events }: Omit<StoredHistory, "id">): ReadonlyArray<string> => {
  if (row === null) return [`the stream is not there, events of it are: ${events.length}`]
  const counted =
    row.lastSeq === events.length ? [] : [`last_seq is ${row.lastSeq}, events there are: ${events.length}`]
  const read = events.map(readEvent)
  const unreadable = read.filter(Result.isFailure).map(({ failure }) => failure)
  if (unreadable.length > 0) return [...counted, ...unreadable]
  const folded = foldEvents(read.filter(Result.isSuccess).map(({ success }) => success))
  return Result.isFailure(folded)
    ? [...counted, `its events are no history: ${folded.failure.why}`]
    : [...counted, ...differences(row, columnsOf(folded.success))]
}
