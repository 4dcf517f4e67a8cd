/** Random questions of viewers: tokens around every boundary of their claims, paths with and without streams, and what was revoked. */
import {
  type BroadcasterId,
  type Coverage,
  noRevocations,
  type PathFacts,
  type PlaybackAsk,
  type PlaybackTokenId,
  type Revocations,
  type StreamId,
  type TokenClaims,
  type VerifiedToken,
  type ViewerId,
  verificationFailures
} from "@greenroom/core"
import { Arbitrary } from "effect"
import { boolean, broadcasterId, element, oneOf, streamId } from "./arbitraries.ts"

/** Seconds since 1970. */
export const NOW_SECONDS = 1_764_000_000
export const ID = "x7Kd02mQpL9vTz41" as PlaybackTokenId
export const OTHER_ID = "AAAAAAAAAAAAAAAA" as PlaybackTokenId
export const VIEWER = "user-1" as ViewerId

export const paths = element(["live/a", "live/b", "live/a/b", "cam", "other/a"])
const streams = element<StreamId>([streamId(1), streamId(2)])
const owners = element<BroadcasterId>([broadcasterId(1), broadcasterId(2)])

export const coverages: Arbitrary.Arbitrary<Coverage> = oneOf<Coverage>([
  Arbitrary.map(paths, (path): Coverage => ({ _tag: "Path", path })),
  Arbitrary.map(streams, (streamId): Coverage => ({ _tag: "Stream", streamId })),
  Arbitrary.map(owners, (broadcasterId): Coverage => ({ _tag: "Broadcaster", broadcasterId })),
  Arbitrary.map(element(["live/*", "live/**", "**", "cam/*"]), (pattern): Coverage => ({ _tag: "Pattern", pattern }))
])

/** Around now, and around the 5 s by which clocks may differ. */
const moments = element([0, -1, 1, -4.999, -5, -5.001, 4.999, 5, 5.001, -3_600, 3_600])
const at = Arbitrary.map(moments, (seconds) => NOW_SECONDS + seconds)

export const claims: Arbitrary.Arbitrary<TokenClaims> = Arbitrary.map(
  Arbitrary.all({
    coverage: coverages,
    viewerId: element([null, VIEWER, "user-2" as ViewerId]),
    actions: element([["read"], ["playback"], ["read", "playback"]] as const),
    issuedAt: element([NOW_SECONDS - 10, NOW_SECONDS - 60, NOW_SECONDS + 60, NOW_SECONDS + 60.001]),
    notBefore: oneOf<number | null>([element([null]), at]),
    expiresAt: oneOf([element([NOW_SECONDS + 60]), at]),
    maxSessions: element([null, 1]),
    ips: element([[], ["192.0.2.0/24"], ["2001:db8::/32", "198.51.100.7"]])
  }),
  (drawn): TokenClaims => ({ ...drawn, id: ID })
)

const verified: Arbitrary.Arbitrary<VerifiedToken> = oneOf<VerifiedToken>([
  Arbitrary.map(claims, (of): VerifiedToken => ({ _tag: "Verified", claims: of, signingKeyId: "k1" })),
  Arbitrary.map(claims, (of): VerifiedToken => ({ _tag: "Verified", claims: of, signingKeyId: "k1" })),
  Arbitrary.map(element(verificationFailures), (failure): VerifiedToken => ({ _tag: "NotVerified", failure }))
])

const shown: Arbitrary.Arbitrary<NonNullable<PlaybackAsk["token"]>> = Arbitrary.all({
  verified,
  isHidden: boolean
})

export const asks: Arbitrary.Arbitrary<PlaybackAsk> = Arbitrary.all({
  action: element(["read", "playback"] as const),
  path: paths,
  ip: element(["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::7", "203.0.113.1", null]),
  token: oneOf<PlaybackAsk["token"]>([shown, shown, element([null])]),
  names: element([[], [], [ID], [OTHER_ID], [ID, OTHER_ID], ["admin"]]),
  hasToBeNamed: boolean
})

export const facts: Arbitrary.Arbitrary<PathFacts> = Arbitrary.all({
  policy: element(["token", "public"] as const),
  broadcasterId: element([broadcasterId(1), broadcasterId(2), null]),
  streamId: element([streamId(1), streamId(2), null])
})

export const revocations: Arbitrary.Arbitrary<Revocations> = Arbitrary.map(
  Arbitrary.all({
    token: element([null, ID, OTHER_ID]),
    viewer: element([null, VIEWER]),
    of: element([null, broadcasterId(1)]),
    at: element([NOW_SECONDS - 30, NOW_SECONDS - 5]),
    until: element([null, NOW_SECONDS + 1, NOW_SECONDS])
  }),
  ({ token, viewer, of, at, until }): Revocations => ({
    tokens: token === null ? noRevocations.tokens : new Map([[token, { id: token, expiresAt: NOW_SECONDS + 60 }]]),
    viewers:
      viewer === null
        ? noRevocations.viewers
        : new Map([[viewer, [{ viewerId: viewer, broadcasterId: of, at, until }]]])
  })
)
