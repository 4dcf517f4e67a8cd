/** Broadcasters, keys and streams as plain objects: times are `Date`, what is not there is `null`. */
import * as Core from "@greenroom/core"
import { DateTime } from "effect"

export const date = (at: DateTime.Utc): Date => new Date(DateTime.toEpochMillis(at))
const maybeDate = (at: DateTime.Utc | null): Date | null => (at === null ? null : date(at))

export interface Broadcaster {
  readonly id: string
  /** Your own id for them. */
  readonly externalId: string | null
  readonly displayName: string
  readonly contact: string | null
  readonly metadata: Readonly<Record<string, unknown>>
  /** Who may watch the streams of keys without a policy; `null`: as the option `playback` has it. */
  readonly playback: Core.PlaybackPolicy | null
  readonly createdAt: Date
  readonly updatedAt: Date
}

export interface StreamKey {
  readonly id: string
  readonly broadcasterId: string
  readonly broadcaster: { readonly id: string; readonly displayName: string; readonly deleted: boolean }
  readonly label: string | null
  /** The first seven characters of the value, which is kept nowhere. */
  readonly prefix: string
  /** The path it is limited to, or a prefix with `/**`; `null`: any. */
  readonly path: string | null
  /** Who may watch its streams; `null`: as its broadcaster has it. */
  readonly playback: Core.PlaybackPolicy | null
  readonly enabled: boolean
  readonly createdAt: Date
  readonly expiresAt: Date | null
  readonly revokedAt: Date | null
  /** When it will be revoked, because it was rotated. */
  readonly revokesAt: Date | null
  readonly rotatedTo: string | null
  readonly rotatedFrom: string | null
  /** The path on which it may not publish, and until when. */
  readonly block: { readonly path: string; readonly until: Date } | null
  readonly lastUsedAt: Date | null
  readonly activeStreamId: string | null
}

export interface StreamKeyWithStatus extends StreamKey {
  readonly status: Core.KeyStatus
}

export interface Stream {
  readonly id: string
  readonly keyId: string
  readonly broadcaster: { readonly id: string; readonly displayName: string }
  readonly path: string
  readonly protocol: string | null
  readonly status: Core.StreamStatus
  readonly title: string | null
  readonly description: string | null
  readonly metadata: Readonly<Record<string, unknown>>
  readonly recordingRef: string | null
  readonly startedAt: Date
  readonly readyAt: Date | null
  readonly endedAt: Date | null
  readonly endReason: Core.EndReason | null
  /** It is being taken off the air. */
  readonly stopping: Core.StopReason | null
  readonly tracks: ReadonlyArray<Core.Track>
  /** Who may watch it: everybody, or who has a playback token. */
  readonly playback: Core.PlaybackPolicy
  readonly viewers: number
  readonly inboundBytes: number
  /** What plays now; all `null` while there is nothing to play. */
  readonly urls: Core.PlaybackUrls
  /** Why a URL is `null`. */
  readonly unplayable: Core.Unplayable
  /** When the media server last confirmed this. */
  readonly asOf: Date | null
}

export const broadcasterShape = ({ createdAt, updatedAt, ...rest }: Core.Broadcaster): Broadcaster => ({
  ...rest,
  createdAt: date(createdAt),
  updatedAt: date(updatedAt)
})

const blockShape = (block: Core.PathBlock | null): StreamKey["block"] =>
  block === null ? null : { path: block.path, until: date(block.until) }

/** As it was at `now`. */
export const keyShape = (key: Core.StreamKey, now: DateTime.Utc): StreamKey => ({
  id: key.id,
  broadcasterId: key.broadcasterId,
  broadcaster: { id: key.broadcasterId, ...key.broadcaster },
  label: key.label,
  prefix: key.keyPrefix,
  path: key.path,
  playback: key.playback,
  enabled: key.enabled,
  createdAt: date(key.createdAt),
  expiresAt: maybeDate(key.expiresAt),
  revokedAt: maybeDate(Core.revocationOf(key, now).revokedAt),
  revokesAt: maybeDate(Core.revocationOf(key, now).revokesAt),
  rotatedTo: key.rotatedTo,
  rotatedFrom: key.rotatedFrom,
  block: blockShape(Core.activeBlock(key, now)),
  lastUsedAt: maybeDate(key.lastUsedAt),
  activeStreamId: key.activeStreamId
})

export const keyShapeAt = (key: Core.StreamKey, now: DateTime.Utc): StreamKeyWithStatus => ({
  ...keyShape(key, now),
  status: Core.keyStatus(key, now)
})

export const streamShape = ({ stream, policy, urls, unplayable }: Core.PlayableStream): Stream => {
  const { state, observation } = stream
  return {
    id: stream.id,
    keyId: stream.streamKeyId,
    broadcaster: stream.broadcaster,
    path: stream.path,
    protocol: stream.protocol,
    status: Core.statusOf(state),
    title: stream.title,
    description: stream.description,
    metadata: stream.metadata,
    recordingRef: stream.recordingRef,
    startedAt: date(state.startedAt),
    readyAt: state._tag === "Connecting" ? null : maybeDate(state.readyAt),
    endedAt: state._tag === "Inactive" ? date(state.endedAt) : null,
    endReason: state._tag === "Inactive" ? state.reason : null,
    stopping: state._tag === "Inactive" ? null : (state.ending?.reason ?? null),
    tracks: observation.tracks,
    playback: policy,
    viewers: observation.viewerCount,
    inboundBytes: observation.inboundBytes,
    urls,
    unplayable,
    asOf: maybeDate(stream.stateAsOf)
  }
}
