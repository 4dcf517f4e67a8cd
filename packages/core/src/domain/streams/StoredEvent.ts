/** An event as a store writes it, and back. A stored event may be anything, so reading it gives the event or what is wrong with it. */
import { type DateTime, Result, Schema } from "effect"
import { EndReason, StopReason, type StreamEvent } from "./StreamEvent.ts"

/** `data` is `{source_type}` or `{reason}`, or nothing. */
export interface StoredEvent {
  readonly seq: number
  readonly at: DateTime.Utc
  readonly type: string
  readonly data: unknown
}

/** What an event has beside its type. */
export const eventData = (event: StreamEvent): Readonly<Record<string, string>> =>
  event.type === "ready" ? { source_type: event.sourceType } : "reason" in event ? { reason: event.reason } : {}

const ready = Schema.decodeUnknownResult(Schema.Struct({ source_type: Schema.String }))
const stopped = Schema.decodeUnknownResult(Schema.Struct({ reason: StopReason }))
const ended = Schema.decodeUnknownResult(Schema.Struct({ reason: EndReason }))

/** The event, or what is wrong with it. */
export const readEvent = ({ seq, at, type, data }: StoredEvent): Result.Result<StreamEvent, string> => {
  const unreadable = () => `event ${seq} (${type}) has data that it cannot have: ${JSON.stringify(data)}`
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
