/** The streams in memory, as users read and annotate them. */
import { type Page, type PageRequest, type StoreVersion, type StreamFilter, Streams, statusOf } from "@greenroom/core"
import { DateTime, Effect, Option } from "effect"
import { atomically, jsonCopy, MemoryStore, type StoredStream } from "./MemoryStore.ts"
import { pageOf } from "./newestFirst.ts"
import { broadcasterOf, liveStream, openStreams, ownersOf, streamDetails } from "./storedStreams.ts"

/**
 * Stored values are replaced and never changed, so a value that was there at a version has not changed since. Each version is new,
 * because nothing counts the writes.
 */
const makeVersions = () => {
  let newest = 0
  const firstSeen = new WeakMap<object, number>()
  const seenSince = (value: object): number => {
    const known = firstSeen.get(value) ?? newest
    firstSeen.set(value, known)
    return known
  }
  return {
    next: (): StoreVersion => String(++newest),
    /** Whether any of the values may be another than at the version. */
    haveChanged: (values: ReadonlyArray<object>, since: StoreVersion | null): boolean => {
      const seen = values.map(seenSince)
      return since === null || seen.some((version) => version > Number(since))
    }
  }
}

const wasLive = ({ state }: StoredStream, at: DateTime.Utc): boolean =>
  DateTime.isLessThanOrEqualTo(state.startedAt, at) &&
  (state._tag !== "Inactive" || DateTime.isGreaterThan(state.endedAt, at))

export const make: Effect.Effect<Streams["Service"], never, MemoryStore> = Effect.map(MemoryStore, (store) => {
  const versions = makeVersions()
  const matching = ({ status, broadcasterId, streamKeyId, path, at }: StreamFilter): ReadonlyArray<StoredStream> =>
    (status.includes("inactive") ? [...store.streams.values()] : openStreams(store)).filter(
      (stream) =>
        status.includes(statusOf(stream.state)) &&
        (streamKeyId === undefined || stream.streamKeyId === streamKeyId) &&
        (path === undefined || stream.path === path) &&
        (at === undefined || wasLive(stream, at)) &&
        (broadcasterId === undefined || broadcasterOf(store, stream).id === broadcasterId)
    )
  const pageAt = (now: DateTime.Utc, filter: StreamFilter, page: PageRequest): Page<StoredStream> =>
    pageOf(page, now, matching(filter), (item) => ({ at: item.state.startedAt, id: item.id }))

  return Streams.of({
    list: (filter, page) =>
      atomically((now) => {
        const found = pageAt(now, filter, page)
        return { ...found, items: found.items.map((stream) => liveStream(store, stream)) }
      }),
    count: (filter) => Effect.sync(() => matching(filter).length),
    listSince: (filter, page, since) =>
      atomically((now) => {
        const version = versions.next()
        const found = pageAt(now, filter, page)
        const items = found.items.map((stream) => ({
          id: stream.id,
          stream: versions.haveChanged([stream, ...ownersOf(store, stream)], since) ? liveStream(store, stream) : null
        }))
        return { ...found, items, version }
      }),
    version: atomically((now) => ({ version: versions.next(), now })),
    find: (id) =>
      atomically((now) =>
        Option.map(Option.fromNullishOr(store.streams.get(id)), (stream) => streamDetails(store, stream, now))
      ),
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
          return streamDetails(store, annotated, now)
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
