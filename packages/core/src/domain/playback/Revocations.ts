/**
 * What was revoked, as each instance holds it in memory: tokens by id, and viewers. Bounded by time: a token's entry is of no use once the token has
 * expired, a viewer's once no token from before it can be valid.
 */
import type { BroadcasterId } from "../values/Ids.ts"
import {
  CLOCK_SKEW_SECONDS,
  EXPIRES_IN,
  type PlaybackTokenId,
  type TokenGrant,
  type ViewerId
} from "./PlaybackToken.ts"

/** Times are in seconds since 1970. */
export interface RevokedToken {
  readonly id: PlaybackTokenId
  readonly expiresAt: number
}

export interface RevokedViewer {
  readonly viewerId: ViewerId
  /** Only on paths of this broadcaster; `null`: everywhere. */
  readonly broadcasterId: BroadcasterId | null
  /** Tokens that were issued at this time or before are not valid any more. */
  readonly at: number
  /** Until then, no token of the viewer is valid, whenever it was issued; `null`: new ones are. */
  readonly until: number | null
}

export interface Revocations {
  readonly tokens: ReadonlyMap<PlaybackTokenId, RevokedToken>
  /** At most one a viewer and broadcaster. */
  readonly viewers: ReadonlyMap<ViewerId, ReadonlyArray<RevokedViewer>>
}

/** Of none. */
export const noRevocations: Revocations = { tokens: new Map(), viewers: new Map() }

/** Until when the entry can matter. */
export const tokenRevocationEnds = ({ expiresAt }: Pick<RevokedToken, "expiresAt">): number =>
  expiresAt + CLOCK_SKEW_SECONDS
/** Until when the entry can matter: no token lives longer than `EXPIRES_IN.most`. */
export const viewerRevocationEnds = ({ at, until }: Pick<RevokedViewer, "at" | "until">): number =>
  Math.max(at + EXPIRES_IN.most + CLOCK_SKEW_SECONDS, until ?? 0)

/** Both as one: the later of two times, and a ban that lasts longer. */
export const mergeViewerRevocations = (one: RevokedViewer, other: RevokedViewer): RevokedViewer => ({
  ...one,
  at: Math.max(one.at, other.at),
  until: one.at > other.at ? one.until : other.at > one.at ? other.until : maxOf(one.until, other.until)
})

const maxOf = (one: number | null, other: number | null): number | null =>
  one === null ? other : other === null ? one : Math.max(one, other)

const withViewer = (known: ReadonlyArray<RevokedViewer>, added: RevokedViewer): ReadonlyArray<RevokedViewer> => {
  const before = known.find(({ broadcasterId }) => broadcasterId === added.broadcasterId)
  if (before === undefined) return [...known, added]
  return known.map((one) => (one === before ? mergeViewerRevocations(one, added) : one))
}

/** With what else was revoked. What cannot matter at `now` any more is left out. */
export const addRevocations = (
  before: Revocations,
  added: { readonly tokens?: ReadonlyArray<RevokedToken>; readonly viewers?: ReadonlyArray<RevokedViewer> },
  now: number
): Revocations => {
  const tokens = new Map([...before.tokens].filter(([, token]) => tokenRevocationEnds(token) > now))
  for (const token of added.tokens ?? []) if (tokenRevocationEnds(token) > now) tokens.set(token.id, token)
  const viewers = new Map<ViewerId, ReadonlyArray<RevokedViewer>>()
  for (const [id, all] of before.viewers) {
    const kept = all.filter((one) => viewerRevocationEnds(one) > now)
    if (kept.length > 0) viewers.set(id, kept)
  }
  for (const viewer of added.viewers ?? []) {
    if (viewerRevocationEnds(viewer) <= now) continue
    viewers.set(viewer.viewerId, withViewer(viewers.get(viewer.viewerId) ?? [], viewer))
  }
  return { tokens, viewers }
}

/** Why a good token may not be used on a path of the broadcaster; `null` when it may. `broadcasterId`: `null` when the path has no owner. */
export const whyRevoked = (
  { tokens, viewers }: Revocations,
  { tokenId, viewerId, issuedAt }: Pick<TokenGrant, "tokenId" | "viewerId" | "issuedAt">,
  broadcasterId: BroadcasterId | null,
  now: number
): "token" | "viewer" | null => {
  if (tokens.has(tokenId)) return "token"
  const revoked = viewerId === null ? undefined : viewers.get(viewerId)
  const isRevoked = revoked?.some(
    (one) =>
      (one.broadcasterId === null || one.broadcasterId === broadcasterId) &&
      (issuedAt <= one.at || (one.until !== null && now < one.until))
  )
  return isRevoked === true ? "viewer" : null
}
