/** The playback tokens in memory, and what was revoked. */
import {
  type BroadcasterId,
  CLOCK_AHEAD_MAX_MS,
  type PlaybackToken,
  type PlaybackTokenId,
  PlaybackTokens,
  type RevokedToken,
  type RevokedViewer,
  type SigningKeyId,
  tokenRevocationEnds,
  type ViewerId,
  viewerRevocationEnds
} from "@greenroom/core"
import { type DateTime, Effect, Option } from "effect"
import { logOther } from "./eventLog.ts"
import { atomically, jsonCopy, type MemoryState, MemoryStore } from "./MemoryStore.ts"
import { pageOf } from "./newestFirst.ts"

type Port = PlaybackTokens["Service"]

/** The unit of `keepDays`. */
const DAY_MS = 86_400_000

/** As tokens have it: seconds since 1970. */
const secondsOf = (at: DateTime.Utc): number => at.epochMilliseconds / 1_000

const isOfRemovedKey = ({ signingKeys }: MemoryState, { signingKeyId }: PlaybackToken): boolean =>
  (signingKeys.get(signingKeyId as SigningKeyId)?.removedAt ?? null) !== null

const known = (store: MemoryState): ReadonlyArray<PlaybackToken> =>
  [...store.playbackTokens.values()].filter((token) => !isOfRemovedKey(store, token))

const findIn = (store: MemoryState, id: PlaybackTokenId): Option.Option<PlaybackToken> =>
  Option.filter(Option.fromNullishOr(store.playbackTokens.get(id)), (token) => !isOfRemovedKey(store, token))

const addTo = ({ playbackTokens }: MemoryState, token: Omit<PlaybackToken, "revokedAt">): boolean => {
  if (playbackTokens.has(token.id)) return false
  playbackTokens.set(token.id, { ...token, metadata: jsonCopy(token.metadata), revokedAt: null })
  return true
}

const revokedToken = ({ id, expiresAt }: PlaybackToken): RevokedToken => ({ id, expiresAt: secondsOf(expiresAt) })

const revokeIn =
  (store: MemoryState): Port["revoke"] =>
  (id) =>
    atomically((now) =>
      Option.map(findIn(store, id), (token) => {
        if (token.revokedAt !== null) return token
        const revoked = { ...token, revokedAt: now }
        store.playbackTokens.set(id, revoked)
        const { viewerId, broadcasterId } = revoked
        const data = { ...revokedToken(revoked), viewerId }
        const subject = `playback_token:${id}`
        logOther(store, { type: "playback_token.revoked", at: now, subject, broadcasterId, streamSeq: null, data })
        return revoked
      })
    )

const placeOf = (viewerId: ViewerId, broadcasterId: BroadcasterId | null): string => `${viewerId} ${broadcasterId}`

/** The time of a second revocation is later than that of the first, also within one millisecond. */
const revokeViewerIn =
  (store: MemoryState): Port["revokeViewer"] =>
  ({ viewerId, broadcasterId, until }) =>
    atomically((now) => {
      const place = placeOf(viewerId, broadcasterId)
      const before = store.viewerRevocations.get(place)
      const issued = known(store)
        .filter((token) => token.viewerId === viewerId)
        .map(({ createdAt }) => createdAt.epochMilliseconds)
        .filter((millis) => millis <= now.epochMilliseconds + CLOCK_AHEAD_MAX_MS)
      const last = before === undefined ? 0 : Math.round(before.at * 1_000) + 1
      const millis = Math.max(now.epochMilliseconds, last, ...issued)
      const revoked: RevokedViewer = {
        viewerId,
        broadcasterId,
        at: millis / 1_000,
        until: until === null ? null : secondsOf(until)
      }
      store.viewerRevocations.set(place, revoked)
      let tokens = 0
      for (const token of known(store)) {
        const isMeant = token.viewerId === viewerId && (broadcasterId === null || token.broadcasterId === broadcasterId)
        const isOver = token.expiresAt.epochMilliseconds <= now.epochMilliseconds
        if (!isMeant || isOver || token.revokedAt !== null) continue
        store.playbackTokens.set(token.id, { ...token, revokedAt: now })
        tokens += 1
      }
      const subject = `viewer_id:${viewerId}`
      logOther(store, { type: "viewer.revoked", at: now, subject, broadcasterId, streamSeq: null, data: revoked })
      return { revoked, tokens }
    })

const pruneIn =
  (store: MemoryState): Port["prune"] =>
  (keepDays, limit) =>
    atomically((now) => {
      if (keepDays < 1 || limit < 1) throw new Error("playback tokens are kept for a day at least")
      const cutoff = now.epochMilliseconds - keepDays * DAY_MS
      const old = [...store.playbackTokens.values()]
        .filter((token) => token.expiresAt.epochMilliseconds < cutoff || isOfRemovedKey(store, token))
        .slice(0, limit)
      for (const { id } of old) store.playbackTokens.delete(id)
      const over = [...store.viewerRevocations]
        .filter(([, revoked]) => viewerRevocationEnds(revoked) <= secondsOf(now))
        .slice(0, limit)
      for (const [place] of over) store.viewerRevocations.delete(place)
      return old.length + over.length
    })

export const make: Effect.Effect<Port, never, MemoryStore> = Effect.map(MemoryStore, (store) =>
  PlaybackTokens.of({
    create: (token) => atomically(() => addTo(store, token)),
    recordSeen: (tokens) =>
      atomically(() => {
        for (const token of tokens) addTo(store, token)
      }),
    find: (id) => atomically(() => findIn(store, id)),
    findAll: (ids) => atomically(() => [...new Set(ids)].flatMap((id) => Option.toArray(findIn(store, id)))),
    list: ({ viewerId, broadcasterId }, page) =>
      atomically((now) => {
        const listed = known(store)
          .filter((token) => viewerId === undefined || token.viewerId === viewerId)
          .filter((token) => broadcasterId === undefined || token.broadcasterId === broadcasterId)
        return pageOf(page, now, listed, (token) => ({ at: token.createdAt, id: token.id }))
      }),
    revoke: revokeIn(store),
    revokeViewer: revokeViewerIn(store),
    revocations: atomically((now) => ({
      tokens: known(store)
        .filter(({ revokedAt }) => revokedAt !== null)
        .map(revokedToken)
        .filter((token) => tokenRevocationEnds(token) > secondsOf(now)),
      viewers: [...store.viewerRevocations.values()].filter((one) => viewerRevocationEnds(one) > secondsOf(now))
    })),
    prune: pruneIn(store)
  })
)
