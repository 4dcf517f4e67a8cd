/**
 * What can happen to a publishing session, in the words of the log (`stream_events`). Every event is written in the statement
 * that changes the session's row, with the next number of its sequence; the row is the fold of its events.
 */
import { type DateTime, Schema } from "effect"

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

export const StreamEventType = Schema.Literals(["admitted", "ready", "stop_requested", "kicked", "ended"])
export type StreamEventType = typeof StreamEventType.Type

export type SessionChange =
  | { readonly type: "admitted" }
  | { readonly type: "ready"; readonly sourceType: string }
  | { readonly type: "stop_requested"; readonly reason: StopReason }
  | { readonly type: "kicked" }
  | { readonly type: "ended"; readonly reason: EndReason }

/** `seq` counts from 1 without a gap; order is `seq`, never `at`. */
export type StreamEvent = SessionChange & { readonly seq: number; readonly at: DateTime.Utc }
