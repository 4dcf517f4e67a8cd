/** The streams in memory, as users read and annotate them. */
import { type StreamDetails, Streams, statusOf } from "@greenroom/core"
import { type DateTime, Effect, Layer, Option } from "effect"
import { broadcaster } from "./MemoryBroadcasters.ts"
import { atomically, jsonCopy, MemoryStore, type StoredStream } from "./MemoryStore.ts"
import { pageOf } from "./newestFirst.ts"
import { broadcasterOf, liveStream, openStreams } from "./storedStreams.ts"

const make = Effect.map(MemoryStore, (store) => {
  const details = (stream: StoredStream, now: DateTime.Utc): StreamDetails => ({
    stream: liveStream(store, stream),
    broadcaster: broadcaster(broadcasterOf(store, stream)),
    now
  })

  return Streams.of({
    list: ({ status, broadcasterId, streamKeyId, path }, page) =>
      atomically((now) => {
        const listed = (status.includes("inactive") ? [...store.streams.values()] : openStreams(store))
          .filter(
            (stream) =>
              status.includes(statusOf(stream.state)) &&
              (streamKeyId === undefined || stream.streamKeyId === streamKeyId) &&
              (path === undefined || stream.path === path)
          )
          .map((stream) => liveStream(store, stream))
          .filter(({ broadcaster: { id } }) => broadcasterId === undefined || id === broadcasterId)
        return pageOf(page, now, listed, (item) => ({ at: item.state.startedAt, id: item.id }))
      }),
    find: (id) =>
      atomically((now) => Option.map(Option.fromNullishOr(store.streams.get(id)), (stream) => details(stream, now))),
    annotate: (id, { title, description, metadata, recordingRef }) =>
      atomically((now) =>
        Option.map(Option.fromNullishOr(store.streams.get(id)), (old) => {
          const annotated: StoredStream = {
            ...old,
            title: title === undefined ? old.title : title,
            description: description === undefined ? old.description : description,
            metadata: metadata === undefined ? old.metadata : jsonCopy(metadata),
            recordingRef: recordingRef === undefined ? old.recordingRef : recordingRef
          }
          store.streams.set(id, annotated)
          return details(annotated, now)
        })
      ),
    events: (id, afterSeq, limit) =>
      atomically(() => (store.streams.get(id)?.events ?? []).slice(afterSeq, afterSeq + limit)),
    unendedOf: (owner) =>
      atomically(() =>
        openStreams(store)
          .filter((stream) =>
            "streamKeyId" in owner
              ? stream.streamKeyId === owner.streamKeyId
              : broadcasterOf(store, stream).id === owner.broadcasterId
          )
          .map(({ id }) => id)
      )
  })
})

export const layer: Layer.Layer<Streams, never, MemoryStore> = Layer.effect(Streams, make)
