/** The viewers in memory, and whose each path is. */
import {
  ingestPath,
  type LoggedViewer,
  type OpenPath,
  type PathOwner,
  parseLimit,
  revocationOf,
  type Viewer,
  type ViewerFilter,
  Viewers
} from "@greenroom/core"
import { type DateTime, Effect, Option } from "effect"
import { logOther } from "./eventLog.ts"
import { holds } from "./MemoryLeases.ts"
import { atomically, type MemoryState, MemoryStore, type StoredStream } from "./MemoryStore.ts"
import { pageOf } from "./newestFirst.ts"
import { broadcasterOf, occupies, openStreams, playbackOfKey, streamOnPath } from "./storedStreams.ts"

const openPath = (store: MemoryState, stream: StoredStream): OpenPath => ({
  path: stream.path,
  broadcasterId: broadcasterOf(store, stream).id,
  streamId: stream.id,
  playback: playbackOfKey(store, stream.streamKeyId)
})

/** The newest unrevoked key whose ingest path it is. */
const keyWithPath = (store: MemoryState, path: string, now: DateTime.Utc): PathOwner | null => {
  const [key] = [...store.keys.values()]
    .filter((one) => one.admitsUntil === undefined && revocationOf(one, now).revokedAt === null)
    .filter((one) => ingestPath(one.path === null ? null : parseLimit(one.path), one.id) === path)
    .sort((a, b) => b.createdAt.epochMilliseconds - a.createdAt.epochMilliseconds || (a.id < b.id ? 1 : -1))
  if (key === undefined) return null
  return { broadcasterId: key.broadcasterId, streamId: null, playback: playbackOfKey(store, key.id) }
}

/** Of the newest stream that has ended there. */
const lastOn = (store: MemoryState, path: string): PathOwner | null => {
  const [stream] = [...store.streams.values()]
    .filter((one) => one.path === path && one.state._tag === "Inactive")
    .sort((a, b) => b.state.startedAt.epochMilliseconds - a.state.startedAt.epochMilliseconds || (a.id < b.id ? 1 : -1))
  if (stream === undefined) return null
  const { broadcasterId, playback } = openPath(store, stream)
  return { broadcasterId, streamId: null, playback }
}

const loggedViewer = (viewer: Viewer, why: LoggedViewer["why"]): LoggedViewer => ({
  id: viewer.id,
  viewerId: viewer.grant?.viewerId ?? null,
  tokenId: viewer.grant?.tokenId ?? null,
  path: viewer.path,
  streamId: viewer.streamId,
  protocol: viewer.protocol,
  ip: viewer.ip,
  userAgent: viewer.userAgent,
  since: viewer.since,
  why
})

const log = (store: MemoryState, viewer: Viewer, why: LoggedViewer["why"], at: DateTime.Utc): void =>
  logOther(store, {
    type: why === null ? "viewer.joined" : "viewer.left",
    at,
    subject: `viewer:${viewer.id}`,
    broadcasterId: viewer.broadcasterId,
    streamSeq: null,
    data: loggedViewer(viewer, why)
  })

const matching = (
  { viewers }: MemoryState,
  { path, streamId, viewerId, broadcasterId }: ViewerFilter
): ReadonlyArray<Viewer> =>
  [...viewers.values()].filter(
    (viewer) =>
      (path === undefined || viewer.path === path) &&
      (streamId === undefined || viewer.streamId === streamId) &&
      (viewerId === undefined || viewer.grant?.viewerId === viewerId) &&
      (broadcasterId === undefined || viewer.broadcasterId === broadcasterId)
  )

/** What is kept of a viewer, whatever else the given one has. */
const stored = (viewer: Viewer): Viewer => ({
  id: viewer.id,
  protocol: viewer.protocol,
  path: viewer.path,
  streamId: viewer.streamId,
  broadcasterId: viewer.broadcasterId,
  ip: viewer.ip,
  userAgent: viewer.userAgent,
  since: viewer.since,
  grant: viewer.grant,
  isCdn: viewer.isCdn
})

const recordIn =
  (store: MemoryState): Viewers["Service"]["record"] =>
  ({ joined, left }, holder) =>
    atomically((now) => {
      if (!holds(store, holder, now)) return false
      for (const { id, why } of left) {
        const viewer = store.viewers.get(id)
        if (viewer === undefined) continue
        store.viewers.delete(id)
        log(store, viewer, why, now)
      }
      for (const viewer of joined) {
        if (store.viewers.has(viewer.id)) continue
        store.viewers.set(viewer.id, stored(viewer))
        log(store, viewer, null, now)
      }
      return true
    })

export const make: Effect.Effect<Viewers["Service"], never, MemoryStore> = Effect.map(MemoryStore, (store) =>
  Viewers.of({
    paths: atomically(() =>
      openStreams(store)
        .filter(occupies)
        .map((stream) => openPath(store, stream))
    ),
    pathFacts: (path) =>
      atomically((now) => {
        const stream = streamOnPath(store, path)
        return Option.fromNullishOr(stream === null ? keyWithPath(store, path, now) : openPath(store, stream))
      }).pipe(
        Effect.map(
          Option.map(({ broadcasterId, streamId, playback }): PathOwner => ({ broadcasterId, streamId, playback }))
        )
      ),
    pastFacts: (path) => atomically(() => Option.fromNullishOr(lastOn(store, path))),
    open: atomically(() => [...store.viewers.values()]),
    record: recordIn(store),
    list: (filter, page) =>
      atomically((now) => pageOf(page, now, matching(store, filter), ({ since, id }) => ({ at: since, id }))),
    count: (filter) => atomically(() => matching(store, filter).length),
    find: (id) => atomically(() => Option.fromNullishOr(store.viewers.get(id))),
    recordRefused: (refusals) =>
      atomically((now) => {
        for (const refusal of refusals) {
          const subject = `path:${refusal.path}`
          const { broadcasterId } = refusal
          logOther(store, { type: "viewer.refused", at: now, subject, broadcasterId, streamSeq: null, data: refusal })
        }
      })
  })
)
