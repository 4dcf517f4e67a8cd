/** Rows of streams as the domain has them, and the one way in which a row changes its state: an event that the state machine allows. */
import {
  applyEvent,
  type BroadcasterId,
  type EndReason,
  eventData,
  type LiveStream,
  type PlaybackPolicy,
  type Protocol,
  type SessionChange,
  type SessionFacts,
  type SessionState,
  type StopReason,
  type StoredSession,
  type StreamId,
  type StreamKeyId
} from "@greenroom/core"
import { type DateTime, Result } from "effect"
import { dateOf, maybeDateOf, maybeMillisOf, millisOf } from "./page.ts"
import type { Tables } from "./Sqlite.ts"

export interface StreamRow {
  readonly id: string
  readonly stream_key_id: string
  readonly broadcaster_id: string
  readonly path: string
  readonly protocol: string | null
  readonly source_id: string
  readonly title: string | null
  readonly description: string | null
  readonly metadata: string
  readonly recording_ref: string | null
  readonly started_at: number
  readonly ready_at: number | null
  readonly source_type: string | null
  readonly stop_reason: string | null
  readonly stop_requested_at: number | null
  readonly kicked_at: number | null
  readonly ended_at: number | null
  readonly end_reason: string | null
  readonly tracks: string
  readonly viewer_count: number
  readonly inbound_bytes: number
  readonly earlier_bytes: number
  readonly state_as_of: number | null
  readonly version: number
}

export const stateOf = (row: StreamRow): SessionState => {
  const startedAt = dateOf(row.started_at)
  const readyAt = maybeDateOf(row.ready_at)
  const sourceType = row.source_type
  const ending =
    row.stop_reason === null
      ? null
      : {
          reason: row.stop_reason as StopReason,
          requestedAt: dateOf(row.stop_requested_at!),
          kickedAt: maybeDateOf(row.kicked_at)
        }
  if (row.ended_at !== null) {
    const endedAt = dateOf(row.ended_at)
    return { _tag: "Inactive", startedAt, readyAt, sourceType, ending, endedAt, reason: row.end_reason as EndReason }
  }
  return readyAt === null || sourceType === null
    ? { _tag: "Connecting", startedAt, ending }
    : { _tag: "Active", startedAt, readyAt, sourceType, ending }
}

export const findStream = ({ one }: Tables, id: StreamId): StreamRow | null =>
  one<StreamRow>("select * from streams where id = ?", id)

export const writeEvent = ({ run }: Tables, id: string, seq: number, change: SessionChange, at: DateTime.Utc): void => {
  const data = JSON.stringify(eventData({ ...change, seq, at }))
  run(
    "insert into stream_events (stream_id, seq, type, at, data) values (?, ?, ?, ?, ?)",
    id,
    seq,
    change.type,
    millisOf(at),
    data
  )
}

/** Writes the change as the stream's next event, if the state machine allows it. Whether it did. */
export const applyChange = (tables: Tables, id: StreamId, change: SessionChange, at: DateTime.Utc): boolean => {
  const row = findStream(tables, id)
  if (row === null) return false
  const last = tables.one<{ readonly seq: number }>(
    "select max(seq) as seq from stream_events where stream_id = ?",
    id
  )!
  const seq = last.seq + 1
  const next = applyEvent(stateOf(row), { ...change, seq, at })
  if (Result.isFailure(next)) return false
  const state = next.success
  const seen = state._tag === "Connecting" ? { readyAt: null, sourceType: null } : state
  const end = state._tag === "Inactive" ? state : { endedAt: null, reason: null }
  tables.run(
    `update streams set ready_at = ?, source_type = ?, stop_reason = ?, stop_requested_at = ?, kicked_at = ?, ended_at = ?,
       end_reason = ?, version = ? where id = ?`,
    ...[maybeMillisOf(seen.readyAt), seen.sourceType, state.ending?.reason ?? null],
    ...[maybeMillisOf(state.ending?.requestedAt ?? null), maybeMillisOf(state.ending?.kickedAt ?? null)],
    ...[maybeMillisOf(end.endedAt), end.reason, tables.version, id]
  )
  writeEvent(tables, id, seq, change, at)
  return true
}

const sourceOf = (row: StreamRow) => ({ protocol: row.protocol as Protocol | null, id: row.source_id })

export const storedSession = (row: StreamRow): StoredSession | null => {
  const state = stateOf(row)
  if (state._tag === "Inactive") return null
  const [streamId, streamKeyId] = [row.id as StreamId, row.stream_key_id as StreamKeyId]
  return { streamId, streamKeyId, path: row.path, source: sourceOf(row), state }
}

export const sessionFacts = (row: StreamRow): SessionFacts => ({
  streamId: row.id as StreamId,
  streamKeyId: row.stream_key_id as StreamKeyId,
  path: row.path,
  source: sourceOf(row),
  startedAt: dateOf(row.started_at),
  ended: row.ended_at !== null,
  stopping: row.stop_reason !== null
})

export const liveStream = (
  row: StreamRow & { readonly display_name: string; readonly playback: string | null }
): LiveStream => ({
  id: row.id as StreamId,
  streamKeyId: row.stream_key_id as StreamKeyId,
  broadcaster: { id: row.broadcaster_id as BroadcasterId, displayName: row.display_name },
  path: row.path,
  protocol: row.protocol as Protocol | null,
  sourceId: row.source_id,
  playback: row.playback as PlaybackPolicy | null,
  title: row.title,
  description: row.description,
  metadata: JSON.parse(row.metadata),
  recordingRef: row.recording_ref,
  state: stateOf(row),
  observation: {
    tracks: JSON.parse(row.tracks),
    viewerCount: row.viewer_count,
    inboundBytes: row.inbound_bytes
  },
  stateAsOf: maybeDateOf(row.state_as_of)
})
