/**
 * What can happen to a publishing session, in the words of the log (`stream_events`). Every event is written in the statement
 * that changes the session's row, with the next number of its sequence; the row is the fold of its events.
 */
import { type DateTime, Predicate, Result, Schema } from "effect"

/** Why a session is being taken off the air. `never_ready` is an RTSP session that announced and then stood still. */
export const StopReason = Schema.Literals([
  "never_ready",
  "revoked",
  "expired",
  "disabled",
  "stopped",
  "broadcaster_deleted",
  "superseded"
])
export type StopReason = typeof StopReason.Type

export const EndReason = Schema.Literals([...StopReason.literals, "disconnected", "media_server_restarted"])
export type EndReason = typeof EndReason.Type

/** Every event there is. Encoded, all but `type` is its `data`, as the store keeps it and the API sends it. */
export const SessionChange = Schema.Union([
  Schema.Struct({ type: Schema.Literal("admitted") }),
  Schema.Struct({ type: Schema.Literal("ready"), sourceType: Schema.String }).pipe(
    Schema.encodeKeys({ sourceType: "source_type" })
  ),
  Schema.Struct({ type: Schema.Literal("stop_requested"), reason: StopReason }),
  Schema.Struct({ type: Schema.Literal("kicked") }),
  Schema.Struct({ type: Schema.Literal("ended"), reason: EndReason })
])
export type SessionChange = typeof SessionChange.Type
type StreamEventType = SessionChange["type"]

/** The compiler misses a type that is not here. */
const everyType: { readonly [T in StreamEventType]: true } = {
  admitted: true,
  ready: true,
  stop_requested: true,
  kicked: true,
  ended: true
}
/** Every kind of event. */
export const streamEventTypes = Object.keys(everyType) as ReadonlyArray<StreamEventType>

/** `seq` counts from 1 without a gap; order is `seq`, never `at`. */
export type StreamEvent = SessionChange & { readonly seq: number; readonly at: DateTime.Utc }

/** As it is stored and sent: `data` is `{source_type}` or `{reason}`, or nothing. */
export interface StoredEvent {
  readonly seq: number
  readonly at: DateTime.Utc
  readonly type: string
  readonly data: unknown
}

const encode = Schema.encodeSync(SessionChange)
const decode = Schema.decodeUnknownResult(SessionChange)

/** What an event has beside its type. */
export const eventData = (event: StreamEvent): Readonly<Record<string, string>> => {
  const { type: _, ...data } = encode(event)
  return data
}

/** The event, or what is wrong with it: a store may hold anything. */
export const readEvent = ({ seq, at, type, data }: StoredEvent): Result.Result<StreamEvent, string> =>
  Result.mapBoth(decode({ ...(Predicate.isObject(data) ? data : {}), type }), {
    onSuccess: (change): StreamEvent => ({ ...change, seq, at }),
    onFailure: () => `event ${seq} (${type}) is no event that there can be, or has other data: ${JSON.stringify(data)}`
  })
