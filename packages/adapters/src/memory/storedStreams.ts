/** What the memory repositories do with stored sessions: move one by an event, and show it as the ports want it. */
import {
  applyEvent,
  type LiveStream,
  occupiesKeyAndPath,
  type SessionChange,
  type SessionFacts,
  type StoredSession,
  type StreamId,
  type StreamKeyId
} from "@greenroom/core"
import { type DateTime, Result } from "effect"
import type { MemoryState, StoredStream } from "./MemoryStore.ts"

/** Applies the event, numbered next, if the state machine allows it. Whether it did. */
export const move = (store: MemoryState, id: StreamId, happening: SessionChange, at: DateTime.Utc): boolean => {
  const stream = store.streams.get(id)
  if (stream === undefined) return false
  const event = { ...happening, seq: stream.events.length + 1, at }
  const next = applyEvent(stream.state, event)
  if (Result.isFailure(next)) return false
  store.streams.set(id, { ...stream, state: next.success, events: [...stream.events, event] })
  if (next.success._tag === "Inactive") store.unended.delete(id)
  return true
}

const isUnended = (
  stream: StoredStream
): stream is StoredStream & { readonly state: Exclude<StoredStream["state"], { readonly _tag: "Inactive" }> } =>
  stream.state._tag !== "Inactive"

/** All unended streams, admitted first to last. */
export const unendedStreams = (store: MemoryState) =>
  [...store.unended].map((id) => store.streams.get(id)!).filter(isUnended)

const occupies = ({ state }: StoredStream): boolean => occupiesKeyAndPath(state)

export const streamOfKey = (store: MemoryState, id: StreamKeyId): StoredStream | null =>
  unendedStreams(store).find((stream) => stream.streamKeyId === id && occupies(stream)) ?? null

export const streamOnPath = (store: MemoryState, path: string): StoredStream | null =>
  unendedStreams(store).find((stream) => stream.path === path && occupies(stream)) ?? null

export const streamOfSource = (store: MemoryState, sourceId: string): StoredStream | null => {
  const id = store.streamBySource.get(sourceId)
  return id === undefined ? null : (store.streams.get(id) ?? null)
}

export const storedSession = (stream: ReturnType<typeof unendedStreams>[number]): StoredSession => ({
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
  return { ...rest, streamKeyId, broadcaster: { id, displayName } }
}

/** The stream's broadcaster, deleted or not. */
export const broadcasterOf = (store: MemoryState, stream: StoredStream) =>
  store.broadcasters.get(store.keys.get(stream.streamKeyId)!.broadcasterId)!
