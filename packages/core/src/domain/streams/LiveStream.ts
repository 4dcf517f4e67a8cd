/**
 * A publishing session and its state machine. (The entity is `LiveStream` because Effect has a `Stream`.) `applyEvent` is the one
 * function that decides what an event does to a session: use cases, both repositories' tests, the simulation and the consistency
 * check all go by it. What the media server merely reports (tracks, readers, bytes) is an observation, no state.
 */
import { type DateTime, Result } from "effect"
import type { PlaybackPolicy } from "../playback/PlaybackPolicy.ts"
import type { BroadcasterId, StreamId, StreamKeyId } from "../values/Ids.ts"
import type { Metadata } from "../values/Metadata.ts"
import { lineOf, linesOf } from "../values/PlainText.ts"
import type { Protocol } from "./Protocol.ts"
import type { EndReason, StopReason, StreamEvent } from "./StreamEvent.ts"

export const Title = lineOf(255)
export const Description = linesOf(5000)
export const RecordingRef = lineOf(1000).annotate({ description: "Where the recording lies, in your words" })

export interface Ending {
  readonly reason: StopReason
  readonly requestedAt: DateTime.Utc
  readonly kickedAt: DateTime.Utc | null
}

export type SessionState =
  | { readonly _tag: "Connecting"; readonly startedAt: DateTime.Utc; readonly ending: Ending | null }
  | {
      readonly _tag: "Active"
      readonly startedAt: DateTime.Utc
      readonly readyAt: DateTime.Utc
      readonly sourceType: string
      readonly ending: Ending | null
    }
  | {
      readonly _tag: "Inactive"
      readonly startedAt: DateTime.Utc
      readonly readyAt: DateTime.Utc | null
      readonly sourceType: string | null
      readonly ending: Ending | null
      readonly endedAt: DateTime.Utc
      readonly reason: EndReason
    }

export type StreamStatus = "connecting" | "active" | "inactive"
/** From admission to the end. */
export const streamStatuses: ReadonlyArray<StreamStatus> = ["connecting", "active", "inactive"]

/** What people see of a session's state. */
export const statusOf = (state: SessionState): StreamStatus =>
  state._tag === "Connecting" ? "connecting" : state._tag === "Active" ? "active" : "inactive"

/** Whether the session keeps others off its key and its path: it is open and not superseded. The store's `occupies_key_and_path` is its twin. */
export const occupiesKeyAndPath = (state: SessionState): boolean =>
  state._tag !== "Inactive" && state.ending?.reason !== "superseded"

/** An event that the state does not allow; `why` is a sentence for the log. */
export interface IllegalEvent {
  readonly why: string
}

const illegal = (why: string): Result.Result<never, IllegalEvent> => Result.fail({ why })

/**
 * The reason with which a session ends when its id has left the media server's list: the stop that was asked for, else a restart
 * of the media server, else what its own state shows.
 */
export const endReasonOf = (
  state: Exclude<SessionState, { _tag: "Inactive" }>,
  cause: "left" | "media_server_restarted"
): EndReason =>
  state.ending !== null
    ? state.ending.reason
    : cause === "media_server_restarted"
      ? "media_server_restarted"
      : state._tag === "Active"
        ? "disconnected"
        : "never_ready"

/** The state after the event, or why the event cannot be. `null` is the state of what is not yet there. Total. */
export const applyEvent = (
  state: SessionState | null,
  event: StreamEvent
): Result.Result<SessionState, IllegalEvent> => {
  if (state === null) {
    return event.type === "admitted"
      ? Result.succeed({ _tag: "Connecting", startedAt: event.at, ending: null })
      : illegal(`${event.type} before admitted`)
  }
  if (state._tag === "Inactive") return illegal(`${event.type} after the end`)
  switch (event.type) {
    case "admitted":
      return illegal("admitted twice")
    case "ready":
      return state._tag === "Active"
        ? illegal("ready twice")
        : Result.succeed({ ...state, _tag: "Active", readyAt: event.at, sourceType: event.sourceType })
    case "stop_requested":
      return state.ending !== null
        ? illegal("a second stop: the first reason stays")
        : Result.succeed({ ...state, ending: { reason: event.reason, requestedAt: event.at, kickedAt: null } })
    case "kicked":
      if (state.ending === null) return illegal("kicked without a stop")
      return state.ending.kickedAt !== null
        ? illegal("kicked twice")
        : Result.succeed({ ...state, ending: { ...state.ending, kickedAt: event.at } })
    case "ended": {
      const reasons = [endReasonOf(state, "left"), endReasonOf(state, "media_server_restarted")]
      if (!reasons.includes(event.reason)) return illegal(`ended as ${event.reason} instead of ${reasons[0]}`)
      const seen = state._tag === "Active" ? state : { readyAt: null, sourceType: null }
      return Result.succeed({
        _tag: "Inactive",
        startedAt: state.startedAt,
        readyAt: seen.readyAt,
        sourceType: seen.sourceType,
        ending: state.ending,
        endedAt: event.at,
        reason: event.reason
      })
    }
  }
}

/** The state after all of the events, which must be numbered 1, 2, 3, …; or why they cannot be a session's history. */
export const foldEvents = (events: ReadonlyArray<StreamEvent>): Result.Result<SessionState, IllegalEvent> => {
  let state: SessionState | null = null
  for (const [index, event] of events.entries()) {
    if (event.seq !== index + 1) return illegal(`event ${index + 1} has the number ${event.seq}`)
    const next: Result.Result<SessionState, IllegalEvent> = applyEvent(state, event)
    if (Result.isFailure(next)) return next
    state = next.success
  }
  return state === null ? illegal("no events") : Result.succeed(state)
}

/** A track as the media server describes it; `codec` in MediaMTX's words (`H264`, `MPEG-4 Audio`, `Opus`, …). */
export interface Track {
  readonly codec: string
  readonly [property: string]: unknown
}

/** What the media server last showed of the stream. */
export interface Observation {
  readonly tracks: ReadonlyArray<Track>
  readonly viewerCount: number
  /** Bytes that the publisher has sent, since it became ready. */
  readonly inboundBytes: number
}

export interface LiveStream {
  readonly id: StreamId
  readonly streamKeyId: StreamKeyId
  readonly broadcaster: { readonly id: BroadcasterId; readonly displayName: string }
  readonly path: string
  readonly protocol: Protocol | null
  readonly sourceId: string
  readonly title: string | null
  readonly description: string | null
  readonly metadata: Metadata
  readonly recordingRef: string | null
  /** Who may watch: of its key, else of its broadcaster, of a worker's output that of its source; `null`: none of them has it. */
  readonly playback: PlaybackPolicy | null
  readonly state: SessionState
  readonly observation: Observation
  /** When the media server last confirmed the row; `null` before it was first seen. */
  readonly stateAsOf: DateTime.Utc | null
}
