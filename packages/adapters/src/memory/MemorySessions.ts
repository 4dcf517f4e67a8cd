/** The sessions in memory. A change that `applyEvent` refuses is not made. */
import { endReasonOf, Sessions, type StopReason, whyInvalid } from "@greenroom/core"
import { type DateTime, Effect } from "effect"
import { holds } from "./MemoryLeases.ts"
import { atomically, MemoryStore, type StoredStream } from "./MemoryStore.ts"
import { applyChange, broadcasterOf, openStreams, storedSession, streamOfSource } from "./storedStreams.ts"

export const make: Effect.Effect<Sessions["Service"], never, MemoryStore> = Effect.map(MemoryStore, (store) => {
  const open = () => openStreams(store).map(storedSession)

  /** The first reason to stop the stream that follows from its key and its broadcaster. */
  const dueReason = (stream: StoredStream, now: DateTime.Utc): StopReason | null =>
    broadcasterOf(store, stream).deletedAt !== null
      ? "broadcaster_deleted"
      : whyInvalid(store.keys.get(stream.streamKeyId)!, now)

  return Sessions.of({
    open: atomically((now) => ({ now, open: open() })),
    after: (listed) =>
      atomically((now) => ({
        now,
        open: open(),
        formerlyAdmitted: new Set(listed.filter((id) => streamOfSource(store, id)?.state._tag === "Inactive"))
      })),
    requestStopsForInvalidKeys: atomically((now) => {
      const due = openStreams(store).map(({ id }) => ({ id, reason: dueReason(store.streams.get(id)!, now) }))
      return due.filter(
        ({ id, reason }) => reason !== null && applyChange(store, id, { type: "stop_requested", reason }, now)
      ).length
    }),
    requestStop: (streamId, reason, by) =>
      atomically(
        (now) => holds(store, by, now) && applyChange(store, streamId, { type: "stop_requested", reason }, now)
      ),
    markReady: (ready, by) =>
      atomically((now) => {
        if (!holds(store, by, now)) return
        for (const { streamId, sourceType } of ready) applyChange(store, streamId, { type: "ready", sourceType }, now)
      }),
    markKicked: (streamIds, by) =>
      atomically((now) => {
        if (!holds(store, by, now)) return
        for (const streamId of streamIds) applyChange(store, streamId, { type: "kicked" }, now)
      }),
    end: (streamIds, cause, by) =>
      atomically((now) => {
        if (!holds(store, by, now)) return []
        return streamIds.filter((id) => {
          const state = store.streams.get(id)?.state
          return (
            state !== undefined &&
            state._tag !== "Inactive" &&
            applyChange(store, id, { type: "ended", reason: endReasonOf(state, cause) }, now)
          )
        })
      }),
    observe: (observations, by) =>
      atomically((now) => {
        if (!holds(store, by, now)) return
        for (const { streamId, observation } of observations) {
          const stream = store.streams.get(streamId)
          if (stream === undefined || stream.state._tag === "Inactive") continue
          const before = stream.observation.inboundBytes
          const earlierBytes = stream.earlierBytes + (observation.inboundBytes < before ? before : 0)
          store.streams.set(streamId, { ...stream, observation, earlierBytes, stateAsOf: now })
        }
      }),
    stillOpen: (streamIds) => atomically(() => open().filter(({ streamId }) => streamIds.includes(streamId))),
    bySource: (sourceIds) => atomically(() => open().filter(({ source }) => sourceIds.includes(source.id)))
  })
})
