/** Resources as that frontend knows them. Pure. */
import {
  allEnabled,
  type Broadcaster,
  type KeyAt,
  keyStatus,
  type LiveStream,
  type PlayableStream,
  type PublicEndpoints,
  playbackOf,
  statusOf
} from "@greenroom/core"
import { DateTime } from "effect"
import { stateShown } from "../routes/streamShown.ts"

const time = (at: DateTime.Utc | null): string | null => (at === null ? null : DateTime.formatIso(at))

export const broadcasterShown = (broadcaster: Broadcaster) => ({
  id: broadcaster.id,
  display_name: broadcaster.displayName,
  metadata: broadcaster.metadata,
  created_at: time(broadcaster.createdAt),
  updated_at: time(broadcaster.updatedAt)
})

const keyStatuses = {
  active: "active",
  in_use: "active",
  disabled: "revoked",
  revoked: "revoked",
  expired: "expired"
} as const

export const keyShown = ({ key, now }: KeyAt) => ({
  id: key.id,
  broadcaster_id: key.broadcasterId,
  status: keyStatuses[keyStatus(key, now)],
  created_at: time(key.createdAt),
  expires_at: time(key.expiresAt),
  revoked_at: time(key.revokedAt),
  last_used_at: time(key.lastUsedAt)
})

/** It never expects an absent URL: one that would be `null` elsewhere is the one that it would be, or empty without any public address. */
const urlsOf = (endpoints: PublicEndpoints, path: string) => {
  const { hls, webrtc } = playbackOf(endpoints, allEnabled, path, []).urls
  return { hls: hls ?? "", webrtc: webrtc ?? "" }
}

const streamOf = (stream: LiveStream, endpoints: PublicEndpoints) => {
  const { sourceType, startedAt, endedAt } = stateShown(stream)
  return {
    id: stream.id,
    stream_key_id: stream.streamKeyId,
    path: stream.path,
    status: statusOf(stream.state) === "inactive" ? "ended" : "active",
    started_at: time(startedAt),
    ended_at: time(endedAt),
    source_type: sourceType,
    source_id: stream.sourceId,
    metadata: stream.metadata,
    recording_ref: stream.recordingRef,
    urls: urlsOf(endpoints, stream.path)
  }
}

export const streamShown = ({ stream }: Pick<PlayableStream, "stream">, endpoints: PublicEndpoints) =>
  streamOf(stream, endpoints)
