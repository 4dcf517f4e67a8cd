/** An event as a line for people. It is read as JSON, because a newer service may have types that this release does not know. Pure. */
import { DateTime, Option } from "effect"
import { clockTime, NOTHING, orNothing, printable } from "./format.ts"

type Fields = Readonly<Record<string, unknown>>

const fieldsOf = (value: unknown): Fields => (typeof value === "object" && value !== null ? (value as Fields) : {})
const text = (value: unknown): string => (typeof value === "string" ? printable(value) : NOTHING)

const why = (of: Fields): string => {
  const reason = of.end_reason ?? fieldsOf(of.ending).reason ?? of.reason
  return typeof reason === "string" ? `(${printable(reason)})` : ""
}

/** What the event is about, in words that a person knows it by. */
const about = (type: string, of: Fields): ReadonlyArray<string> => {
  switch (type.split(".")[0]) {
    case "stream":
      return [text(of.path), text(of.protocol), text(fieldsOf(of.broadcaster).display_name), text(of.id), why(of)]
    case "key":
      return [`${text(of.key_prefix)}…`, text(of.label), text(of.path), text(of.id)]
    case "broadcaster":
      return [text(of.display_name), text(of.id)]
    case "worker":
      return [text(of.stream_id), text(of.state), why(of)]
    case "viewer":
      return [text(of.path), text(of.protocol), text(of.viewer_id), text(of.id), why(of)]
    case "playback_token":
      return [text(of.id), text(of.viewer_id)]
    case "webhook_endpoint":
      return [text(of.url), text(of.id), why(of)]
    default:
      return [text(of.id)]
  }
}

/** `01:33:16Z  stream.active           live/studio-1  rtmp  Studio One  5f0a3a1c-…`. */
export const eventLine = (type: string, data: unknown): string => {
  const event = fieldsOf(data)
  const at = typeof event.at === "string" ? DateTime.make(event.at) : Option.none()
  const when = Option.match(at, { onNone: () => NOTHING, onSome: (time) => clockTime(DateTime.toUtc(time)) })
  const what = about(type, fieldsOf(event.data)).filter((part) => part !== "")
  return [when, printable(type).padEnd(22), ...what].join("  ")
}

/** Of the event `reset`. */
export const resetRemark = (data: unknown): string => {
  const { reason, oldest } = fieldsOf(data)
  return `Events are lost (${orNothing(text(reason))}): going on from now. --after ${text(oldest)} reads those that are left.`
}
