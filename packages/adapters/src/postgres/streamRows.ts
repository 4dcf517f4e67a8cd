/** Rows of `streams` as the domain's values: sessions alone, and streams joined with their broadcaster. */
import {
  BroadcasterId,
  type Ending,
  EndReason,
  type LiveStream,
  Protocol,
  type SessionState,
  StopReason,
  type StoredSession,
  type StreamDetails,
  StreamId,
  StreamKeyId
} from "@greenroom/core"
import { Schema } from "effect"
import { playbackOf } from "./migrations/0024_who_may_watch.ts"
import type { Names } from "./names.ts"
import { At, JsonObject, MaybeAt, MaybeExternalId, MaybePlayback, MaybeText, WholeNumber } from "./rows.ts"

const session = {
  id: StreamId,
  stream_key_id: StreamKeyId,
  path: Schema.String,
  source_id: Schema.String,
  protocol: Schema.NullOr(Protocol),
  started_at: At,
  ready_at: MaybeAt,
  source_type: MaybeText,
  stop_reason: Schema.NullOr(StopReason),
  stop_requested_at: MaybeAt,
  kicked_at: MaybeAt
}

/** An open session: the columns of `sessionColumns`. */
export const SessionRow = Schema.Struct(session)
type SessionRow = typeof SessionRow.Type

export const sessionColumns = `s.id, s.stream_key_id, s.path, s.source_id, s.protocol, s.started_at, s.ready_at,
  s.source_type, s.stop_reason, s.stop_requested_at, s.kicked_at`

type Json = { readonly [name: string]: unknown }

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)

/** Checked and not copied, which takes a third of the time of a row: `JsonObject` copies each member. */
const PlainObject = Schema.declare(isObject)
const Track = Schema.declare(
  (value: unknown): value is { readonly codec: string } & Json => isObject(value) && typeof value.codec === "string"
)

/** A stream, open or ended, with its broadcaster's name: the columns of `streamColumns`. */
export const StreamRow = Schema.Struct({
  ...session,
  ended_at: MaybeAt,
  end_reason: Schema.NullOr(EndReason),
  title: MaybeText,
  description: MaybeText,
  metadata: PlainObject,
  recording_ref: MaybeText,
  tracks: Schema.Array(Track),
  viewer_count: Schema.Int,
  inbound_bytes: WholeNumber,
  state_as_of: MaybeAt,
  broadcaster_id: BroadcasterId,
  broadcaster_name: Schema.String,
  playback: MaybePlayback
})
type StreamRow = typeof StreamRow.Type

/** The key of a stream `s`, found by its id: a join would read all keys where the planner takes the streams to be many. */
export const keyOfStream = (n: Names): string =>
  `(select playback, source_key_id, xmin from ${n.stream_keys} where id = s.stream_key_id offset 0)`

/** Of a stream `s`, its broadcaster `b` and its key `k`. */
export const streamColumns = (
  n: Names
): string => `${sessionColumns}, s.ended_at, s.end_reason, s.title, s.description, s.metadata,
  s.recording_ref, s.tracks, s.viewer_count, s.inbound_bytes, s.state_as_of,
  b.id as broadcaster_id, b.display_name as broadcaster_name, ${playbackOf(n)} as playback`

const endingOf = (row: SessionRow): Ending | null =>
  row.stop_reason === null || row.stop_requested_at === null
    ? null
    : { reason: row.stop_reason, requestedAt: row.stop_requested_at, kickedAt: row.kicked_at }

const openState = (row: SessionRow): StoredSession["state"] =>
  row.ready_at === null || row.source_type === null
    ? { _tag: "Connecting", startedAt: row.started_at, ending: endingOf(row) }
    : {
        _tag: "Active",
        startedAt: row.started_at,
        readyAt: row.ready_at,
        sourceType: row.source_type,
        ending: endingOf(row)
      }

const stateOf = (row: StreamRow): SessionState =>
  row.ended_at === null || row.end_reason === null
    ? openState(row)
    : {
        _tag: "Inactive",
        startedAt: row.started_at,
        readyAt: row.ready_at,
        sourceType: row.source_type,
        ending: endingOf(row),
        endedAt: row.ended_at,
        reason: row.end_reason
      }

export const storedSession = (row: SessionRow): StoredSession => ({
  streamId: row.id,
  streamKeyId: row.stream_key_id,
  path: row.path,
  source: { protocol: row.protocol, id: row.source_id },
  state: openState(row)
})

export const liveStream = (row: StreamRow): LiveStream => ({
  id: row.id,
  streamKeyId: row.stream_key_id,
  broadcaster: { id: row.broadcaster_id, displayName: row.broadcaster_name },
  path: row.path,
  protocol: row.protocol,
  sourceId: row.source_id,
  playback: row.playback,
  title: row.title,
  description: row.description,
  metadata: row.metadata,
  recordingRef: row.recording_ref,
  state: stateOf(row),
  observation: { tracks: row.tracks, viewerCount: row.viewer_count, inboundBytes: row.inbound_bytes },
  stateAsOf: row.state_as_of
})

/** A stream with all of its broadcaster: the columns of `detailsColumns`. */
export const DetailsRow = Schema.Struct({
  now: At,
  ...StreamRow.fields,
  broadcaster_external_id: MaybeExternalId,
  broadcaster_contact: MaybeText,
  broadcaster_metadata: JsonObject,
  broadcaster_playback: MaybePlayback,
  broadcaster_created_at: At,
  broadcaster_updated_at: At
})

export const detailsColumns = (
  n: Names
): string => `clock_timestamp()::timestamptz(3) as now, ${streamColumns(n)}, b.external_id as broadcaster_external_id,
  b.contact as broadcaster_contact, b.metadata as broadcaster_metadata, b.playback as broadcaster_playback, b.created_at as broadcaster_created_at, b.updated_at as broadcaster_updated_at`

export const streamDetails = (row: typeof DetailsRow.Type): StreamDetails => ({
  stream: liveStream(row),
  broadcaster: {
    id: row.broadcaster_id,
    externalId: row.broadcaster_external_id,
    displayName: row.broadcaster_name,
    contact: row.broadcaster_contact,
    metadata: row.broadcaster_metadata,
    playback: row.broadcaster_playback,
    createdAt: row.broadcaster_created_at,
    updatedAt: row.broadcaster_updated_at
  },
  now: row.now
})
