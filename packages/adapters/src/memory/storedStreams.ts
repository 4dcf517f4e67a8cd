/** Applies events to stored sessions, and converts sessions to the types of the ports. */
import {
  applyEvent,
  type Broadcaster,
  type LiveStream,
  occupiesKeyAndPath,
  type PlaybackPolicy,
  type SessionChange,
  type SessionFacts,
  type StoredSession,
  type StreamDetails,
  type StreamId,
  type StreamKey,
  type StreamKeyId,
  TAKEOVERS_MOST
} from "@greenroom/core"
import { type DateTime, Result } from "effect"
import { logTransition } from "./eventLog.ts"
import type { MemoryState, StoredBroadcaster, StoredKey, StoredStream } from "./MemoryStore.ts"

/** Applies the change as the next event, if the state machine permits it. Returns whether it did. */
export const applyChange = (store: MemoryState, id: StreamId, change: SessionChange, at: DateTime.Utc): boolean => {
  const stream = store.streams.get(id)
  if (stream === undefined) return false
  const event = { ...change, seq: stream.events.length + 1, at }
  const next = applyEvent(stream.state, event)
  if (Result.isFailure(next)) return false
  const changed = { ...stream, state: next.success, events: [...stream.events, event] }
  store.streams.set(id, changed)
  logTransition(store, changed, event)
  if (next.success._tag === "Inactive") store.unended.delete(id)
  return true
}

const isOpen = (
  stream: StoredStream
): stream is StoredStream & { readonly state: Exclude<StoredStream["state"], { readonly _tag: "Inactive" }> } =>
  stream.state._tag !== "Inactive"

/** All open streams, in the order of their admission. */
export const openStreams = (store: MemoryState) => [...store.unended].map((id) => store.streams.get(id)!).filter(isOpen)

export const occupies = ({ state }: StoredStream): boolean => occupiesKeyAndPath(state)

export const streamOfKey = (store: MemoryState, id: StreamKeyId): StoredStream | null =>
  openStreams(store).find((stream) => stream.streamKeyId === id && occupies(stream)) ?? null

export const streamOnPath = (store: MemoryState, path: string): StoredStream | null =>
  openStreams(store).find((stream) => stream.path === path && occupies(stream)) ?? null

/** When the key was last taken over, newest first. */
export const takeoversOf = (store: MemoryState, id: StreamKeyId): ReadonlyArray<DateTime.Utc> => {
  const times: Array<DateTime.Utc> = []
  for (const { streamKeyId, state } of store.streams.values())
    if (streamKeyId === id && state.ending?.reason === "superseded") times.push(state.ending.requestedAt)
  return times.toSorted((one, other) => other.epochMilliseconds - one.epochMilliseconds).slice(0, TAKEOVERS_MOST)
}

export const streamOfSource = (store: MemoryState, sourceId: string): StoredStream | null => {
  const id = store.streamBySource.get(sourceId)
  return id === undefined ? null : (store.streams.get(id) ?? null)
}

export const storedSession = (stream: ReturnType<typeof openStreams>[number]): StoredSession => ({
  streamId: stream.id,
  streamKeyId: stream.streamKeyId,
  path: stream.path,
  source: { protocol: stream.protocol, id: stream.sourceId },
  state: stream.state
})

export const sessionFacts = (stream: StoredStream): SessionFacts => ({
  streamId: stream.id,
  streamKeyId: stream.streamKeyId,
  path: stream.path,
  source: { protocol: stream.protocol, id: stream.sourceId },
  startedAt: stream.state.startedAt,
  ended: stream.state._tag === "Inactive",
  stopping: stream.state.ending !== null
})

export const liveStream = (store: MemoryState, stream: StoredStream): LiveStream => {
  const { streamKeyId, events: _, earlierBytes: __, ...rest } = stream
  const { id, displayName } = broadcasterOf(store, stream)
  return { ...rest, streamKeyId, broadcaster: { id, displayName }, playback: playbackOfKey(store, streamKeyId) }
}

/** Of the key (a worker's has that of its source), else of its broadcaster. */
export const playbackOfKey = (store: MemoryState, id: StreamKeyId): PlaybackPolicy | null => {
  const key = store.keys.get(id)!
  const source = key.sourceKeyId === undefined ? undefined : store.keys.get(key.sourceKeyId)
  return key.playback ?? source?.playback ?? store.broadcasters.get(key.broadcasterId)!.playback
}

/** All that a stream is shown with: its broadcaster, its key, and that of a worker's source. */
export const ownersOf = (store: MemoryState, stream: StoredStream): ReadonlyArray<object> => {
  const key = store.keys.get(stream.streamKeyId)!
  const source = key.sourceKeyId === undefined ? undefined : store.keys.get(key.sourceKeyId)
  return [broadcasterOf(store, stream), key, ...(source === undefined ? [] : [source])]
}

/** The stream's broadcaster, deleted or not. */
export const broadcasterOf = (store: MemoryState, stream: StoredStream) =>
  store.broadcasters.get(store.keys.get(stream.streamKeyId)!.broadcasterId)!

export const broadcaster = ({ deletedAt: _, ...shown }: StoredBroadcaster): Broadcaster => shown

export const streamDetails = (store: MemoryState, stream: StoredStream, now: DateTime.Utc): StreamDetails => ({
  stream: liveStream(store, stream),
  broadcaster: broadcaster(broadcasterOf(store, stream)),
  now
})

/** A key as the API shows it. */
export const shownKey = (
  store: MemoryState,
  { hash: _, admitsUntil: __, expiredEventAt: ___, sourceKeyId: ____, ...key }: StoredKey
): StreamKey => {
  const { displayName, deletedAt } = store.broadcasters.get(key.broadcasterId)!
  const owner = { displayName, deleted: deletedAt !== null }
  return { ...key, broadcaster: owner, activeStreamId: streamOfKey(store, key.id)?.id ?? null }
}
