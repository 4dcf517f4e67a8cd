/** Domain values as the wire shows them. Pure; no secret passes here but an issued key, which its one answer must hold. */
import {
  type Broadcaster,
  eventData,
  type IngestInstructions,
  type KeyAt,
  keyStatus,
  type LiveStream,
  millisBetween,
  type Page,
  type PlayableStream,
  type Position,
  pipelinePath,
  type StreamEvent,
  statusOf,
  type Track,
  type WorkerRecord
} from "@greenroom/core"
import { Redacted, Schema } from "effect"
import { EventCursor, ListCursor } from "../api/Cursor.ts"

const writeCursor = Schema.encodeSync(ListCursor)
const writeEventCursor = Schema.encodeSync(EventCursor)

const cursorOf = (next: Position | null): string | null => (next === null ? null : writeCursor(next))

export const broadcasterToWire = (broadcaster: Broadcaster) => ({
  id: broadcaster.id,
  display_name: broadcaster.displayName,
  contact: broadcaster.contact,
  metadata: broadcaster.metadata,
  created_at: broadcaster.createdAt,
  updated_at: broadcaster.updatedAt
})

export const keyToWire = ({ key, now }: KeyAt) => ({
  id: key.id,
  key_prefix: key.keyPrefix,
  broadcaster_id: key.broadcasterId,
  label: key.label,
  path: key.path,
  status: keyStatus(key, now),
  active_stream_id: key.activeStreamId,
  created_at: key.createdAt,
  expires_at: key.expiresAt,
  revoked_at: key.revokedAt,
  last_used_at: key.lastUsedAt
})

export const issuedKeyToWire = (at: KeyAt, value: Redacted.Redacted<string>, ingest: IngestInstructions) => ({
  ...keyToWire(at),
  key_value: Redacted.value(value),
  ingest
})

/** What the session's state says; a stream that has ended is being taken off the air no more. */
const stateToWire = ({ state }: LiveStream) => ({
  status: statusOf(state),
  source_type: state._tag === "Connecting" ? null : state.sourceType,
  started_at: state.startedAt,
  ready_at: state._tag === "Connecting" ? null : state.readyAt,
  ended_at: state._tag === "Inactive" ? state.endedAt : null,
  end_reason: state._tag === "Inactive" ? state.reason : null,
  ending:
    state._tag === "Inactive" || state.ending === null
      ? null
      : { reason: state.ending.reason, requested_at: state.ending.requestedAt }
})

const secondsOnAir = ({ stream: { state }, now }: PlayableStream): number =>
  Math.max(0, Math.floor(millisBetween(state.startedAt, state._tag === "Inactive" ? state.endedAt : now) / 1000))

const textOrNull = (value: unknown): string | null =>
  typeof value === "string" || typeof value === "number" ? String(value) : null
const wholeOrNull = (value: unknown): number | null => (Number.isSafeInteger(value) ? (value as number) : null)
const flagOrNull = (value: unknown): boolean | null => (typeof value === "boolean" ? value : null)

/** The properties that MediaMTX gives its codecs, all of them in every track. Profiles and levels are numbers with some codecs. */
const trackToWire = (track: Track) => ({
  codec: track.codec,
  profile: textOrNull(track.profile),
  level: textOrNull(track.level),
  tier: wholeOrNull(track.tier),
  width: wholeOrNull(track.width),
  height: wholeOrNull(track.height),
  sample_rate: wholeOrNull(track.sampleRate),
  channel_count: wholeOrNull(track.channelCount),
  bit_depth: wholeOrNull(track.bitDepth),
  mu_law: flagOrNull(track.muLaw)
})

const commonToWire = (view: PlayableStream) => ({
  id: view.stream.id,
  stream_key_id: view.stream.streamKeyId,
  path: view.stream.path,
  ...stateToWire(view.stream),
  title: view.stream.title,
  description: view.stream.description,
  metadata: view.stream.metadata,
  protocol: view.stream.protocol,
  source_id: view.stream.sourceId,
  duration_seconds: secondsOnAir(view),
  recording_ref: view.stream.recordingRef,
  viewer_count: view.stream.observation.viewerCount,
  tracks: view.stream.observation.tracks.map(trackToWire),
  inbound_bytes: view.stream.observation.inboundBytes,
  urls: view.urls,
  state_as_of: view.stream.stateAsOf
})

export const streamToWire = (view: PlayableStream) => {
  const { id, displayName } = view.stream.broadcaster
  return { ...commonToWire(view), broadcaster: { id, display_name: displayName } }
}

export const streamDetailsToWire = (view: PlayableStream & { readonly broadcaster: Broadcaster }) => {
  const { id, displayName, contact, metadata } = view.broadcaster
  return { ...commonToWire(view), broadcaster: { id, display_name: displayName, contact, metadata } }
}

export const eventToWire = (event: StreamEvent) => ({
  seq: event.seq,
  type: event.type,
  at: event.at,
  data: eventData(event)
})

export const workerToWire = (worker: WorkerRecord) => ({
  stream_id: worker.id,
  state: worker.state,
  reason: worker.reason,
  attempt: worker.attempt,
  input_path: pipelinePath(worker.id, "in"),
  output_path: pipelinePath(worker.id, "out"),
  input_stream_id: worker.inputStreamId,
  output_stream_id: worker.outputStreamId,
  retry_at: worker.retryAt,
  host: worker.mark?.host ?? null,
  pid: worker.mark?.pid ?? null,
  created_at: worker.createdAt,
  state_since: worker.stateSince,
  updated_at: worker.updatedAt
})

/** What a list has beside its items: `{<plural>, count, next_cursor}`. */
export const envelopeOf = <A>(page: Page<A>) => ({ count: page.items.length, next_cursor: cursorOf(page.next) })

/** `events` were read one beyond `limit`, to learn whether there are more. */
export const eventPageOf = (events: ReadonlyArray<StreamEvent>, limit: number) => {
  const shown = events.slice(0, limit)
  const last = shown.at(-1)
  return {
    shown,
    envelope: {
      count: shown.length,
      next_cursor: events.length > limit && last !== undefined ? writeEventCursor(last.seq) : null
    }
  }
}
