/**
 * Playback tokens: create, list, describe, revoke. A token's text leaves `createPlaybackToken` once, `Redacted` or in its URLs. Verifying one
 * asks no store; what the store has is for people.
 */
import { DateTime, Effect, Option, Redacted, Schema } from "effect"
import { StreamPath } from "../domain/access/StreamPath.ts"
import { playbackTokenImage } from "../domain/audit/images.ts"
import { Network } from "../domain/playback/networks.ts"
import {
  type Coverage,
  EXPIRES_IN,
  MAX_SESSIONS_MOST,
  NETWORKS_MAX,
  type PlaybackAction,
  type PlaybackToken,
  PlaybackTokenId,
  playbackActions,
  TOKEN_MAX_LENGTH,
  type TokenClaims,
  type TokenText,
  ViewerId
} from "../domain/playback/PlaybackToken.ts"
import { PathPattern } from "../domain/playback/tokenClaims.ts"
import { noTokenUrls, srtExcess, tokenUrls } from "../domain/playback/tokenUrls.ts"
import { BroadcasterId, StreamId } from "../domain/values/Ids.ts"
import { Metadata } from "../domain/values/Metadata.ts"
import type { Timestamp } from "../domain/values/Timestamp.ts"
import { PlaybackAccess } from "../playback/PlaybackAccess.ts"
import { Broadcasters } from "../ports/Broadcasters.ts"
import { MediaServer } from "../ports/MediaServer.ts"
import type { PageRequest } from "../ports/Page.ts"
import { type PlaybackTokenFilter, PlaybackTokens } from "../ports/PlaybackTokens.ts"
import { Streams } from "../ports/Streams.ts"
import { TokenSigner } from "../ports/TokenSigner.ts"
import { Viewers } from "../ports/Viewers.ts"
import { Instant, textPageFields } from "./argumentSchemas.ts"
import { type AuditedChange, audited } from "./audited.ts"
import { CurrentCaller } from "./CurrentCaller.ts"
import { checkArguments } from "./InvalidArgument.ts"
import { Endpoints } from "./manageStreams.ts"
import { signingKeyPair } from "./signingKeyPair.ts"
import { visibleToCaller, withinCallersLimit } from "./visibleToCaller.ts"

const CoverageSchema = Schema.Union([
  Schema.TaggedStruct("Path", { path: StreamPath }),
  Schema.TaggedStruct("Stream", { streamId: StreamId }),
  Schema.TaggedStruct("Broadcaster", { broadcasterId: BroadcasterId }),
  Schema.TaggedStruct("Pattern", { pattern: PathPattern })
])
const Actions = Schema.NonEmptyArray(Schema.Literals(playbackActions))
const ofToken = { id: PlaybackTokenId }
const check = {
  create: checkArguments("createPlaybackToken", {
    coverage: CoverageSchema,
    viewerId: Schema.NullOr(ViewerId),
    expiresInSeconds: Schema.Int.check(Schema.isBetween({ minimum: EXPIRES_IN.least, maximum: EXPIRES_IN.most })),
    notBefore: Schema.NullOr(Instant),
    maxSessions: Schema.NullOr(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: MAX_SESSIONS_MOST }))),
    ips: Schema.Array(Network).check(Schema.isMaxLength(NETWORKS_MAX)),
    actions: Actions,
    metadata: Metadata
  }),
  list: checkArguments("listPlaybackTokens", {
    viewerId: Schema.optionalKey(ViewerId),
    broadcasterId: Schema.optionalKey(BroadcasterId),
    ...textPageFields
  }),
  describe: checkArguments("describePlaybackToken", ofToken),
  revoke: checkArguments("revokePlaybackToken", ofToken)
}

const visible = visibleToCaller<PlaybackToken>(({ broadcasterId }) => broadcasterId)

const change = (before: PlaybackToken | null, after: PlaybackToken): AuditedChange => ({
  resourceId: after.id,
  broadcasterId: after.broadcasterId,
  before: before === null ? null : playbackTokenImage(before),
  after: playbackTokenImage(after)
})

export interface NewPlaybackToken {
  readonly coverage: Coverage
  readonly viewerId: ViewerId | null
  /** 60 s to 30 days. */
  readonly expiresInSeconds: number
  readonly notBefore: Timestamp | null
  readonly maxSessions: number | null
  readonly ips: ReadonlyArray<string>
  readonly actions: readonly [PlaybackAction, ...ReadonlyArray<PlaybackAction>]
  readonly metadata: Metadata
}

/** What a token is for, as it is known: where it plays, and whose it is. */
interface Target {
  readonly path: string | null
  readonly broadcasterId: BroadcasterId | null
}

/** `null`: there is no such thing, or it is not the caller's. */
const findTarget = Effect.fnUntraced(function* (coverage: Coverage) {
  const { only } = yield* CurrentCaller
  const target = yield* targetOf(coverage)
  return target === null || (only !== null && target.broadcasterId !== only) ? null : target
})

const targetOf = Effect.fnUntraced(function* (coverage: Coverage) {
  const found = (path: string | null, broadcasterId: BroadcasterId | null): Target => ({ path, broadcasterId })
  switch (coverage._tag) {
    case "Path": {
      const owner = yield* (yield* Viewers).pathFacts(coverage.path)
      return found(coverage.path, Option.isSome(owner) ? owner.value.broadcasterId : null)
    }
    case "Stream": {
      const details = yield* (yield* Streams).find(coverage.streamId)
      return Option.isNone(details) ? null : found(details.value.stream.path, details.value.broadcaster.id)
    }
    case "Broadcaster": {
      const broadcaster = yield* (yield* Broadcasters).find(coverage.broadcasterId)
      return Option.isNone(broadcaster) ? null : found(null, coverage.broadcasterId)
    }
    case "Pattern":
      return found(null, null)
  }
})

/** What of a token is too long, and by how many characters. */
export interface TokenTooLong {
  readonly _tag: "TooLong"
  readonly what: "token" | "srt_streamid"
  readonly excess: number
  /** What it is made of that can be shorter, longest first, in characters. */
  readonly parts: ReadonlyArray<{ readonly field: "path" | "pattern" | "viewer_id" | "ips"; readonly length: number }>
}

const partsOf = ({ coverage, viewerId, ips }: TokenClaims): TokenTooLong["parts"] =>
  [
    { field: "path" as const, length: coverage._tag === "Path" ? coverage.path.length : 0 },
    { field: "pattern" as const, length: coverage._tag === "Pattern" ? coverage.pattern.length : 0 },
    { field: "viewer_id" as const, length: viewerId?.length ?? 0 },
    { field: "ips" as const, length: ips.join(",").length }
  ]
    .filter(({ length }) => length > 0)
    .sort((one, other) => other.length - one.length)

const tooLong = (claims: TokenClaims, token: TokenText, path: string | null, hasSrt: boolean): TokenTooLong | null => {
  const excess = Redacted.value(token).length - TOKEN_MAX_LENGTH
  const parts = partsOf(claims)
  if (excess > 0) return { _tag: "TooLong", what: "token", excess, parts }
  const srt = path === null || !hasSrt ? 0 : srtExcess(path, claims.id, token)
  return srt > 0 ? { _tag: "TooLong", what: "srt_streamid", excess: srt, parts } : null
}

/** `NoKey`: without ENCRYPTION_KEY there is nothing to sign with. A limited caller issues tokens for what is its broadcaster's alone. */
export const createPlaybackToken = Effect.fn("createPlaybackToken")(function* (given: NewPlaybackToken) {
  const { coverage, expiresInSeconds, metadata, ...checked } = yield* check.create({ ...given })
  const now = yield* DateTime.now
  const expiresAt = DateTime.add(now, { seconds: expiresInSeconds })
  if (checked.notBefore !== null && DateTime.isGreaterThanOrEqualTo(checked.notBefore, expiresAt)) {
    return { _tag: "NotBeforeTooLate" } as const
  }
  const target = yield* findTarget(coverage)
  if (target === null) return { _tag: "UnknownTarget", coverage } as const
  const pair = yield* Effect.catchTag(signingKeyPair, "SecretUnreadable", () => Effect.succeed(null))
  if (pair === null) return { _tag: "NoKey" } as const
  const signer = yield* TokenSigner
  const claims: TokenClaims = {
    ...checked,
    id: (yield* signer.tokenId) as PlaybackTokenId,
    coverage,
    issuedAt: now.epochMilliseconds / 1000,
    notBefore: checked.notBefore === null ? null : checked.notBefore.epochMilliseconds / 1000,
    expiresAt: expiresAt.epochMilliseconds / 1000
  }
  const token = yield* signer.sign(claims, pair.id, pair)
  const endpoints = yield* Endpoints
  const enabled = yield* (yield* MediaServer).enabled
  const excess = tooLong(claims, token, target.path, endpoints.srt !== null && enabled.srt)
  if (excess !== null) return excess
  const stored: PlaybackToken = {
    ...checked,
    id: claims.id,
    issuer: "greenroom",
    signingKeyId: pair.id,
    coverage,
    broadcasterId: target.broadcasterId,
    metadata,
    createdAt: now,
    expiresAt,
    revokedAt: null
  }
  const creating = Effect.flatMap(PlaybackTokens, (tokens) => tokens.create(stored))
  yield* audited("playback_token.create", creating, () => change(null, stored))
  const plays = target.path !== null && checked.actions.includes("read")
  const urls = plays ? tokenUrls(endpoints, enabled, target.path, claims.id, token) : noTokenUrls
  return { _tag: "Created", stored, token, urls } as const
})

/** Newest first, without their texts. */
export const listPlaybackTokens = Effect.fn("listPlaybackTokens")(function* (
  filter: PlaybackTokenFilter,
  page: PageRequest
) {
  const { limit, after, ...checked } = yield* check.list({ ...filter, ...page })
  const tokens = yield* PlaybackTokens
  return yield* tokens.list(yield* withinCallersLimit(checked), { limit, after })
})

/** `None` when there is no such token. */
export const describePlaybackToken = Effect.fn("describePlaybackToken")(function* (given: PlaybackTokenId) {
  const { id } = yield* check.describe({ id: given })
  return yield* visible(yield* (yield* PlaybackTokens).find(id))
})

/** For good. The sessions that it has let in are kicked. `None` when there is no such token. */
export const revokePlaybackToken = Effect.fn("revokePlaybackToken")(function* (given: PlaybackTokenId) {
  const { id } = yield* check.revoke({ id: given })
  const tokens = yield* PlaybackTokens
  const revoking = Effect.gen(function* () {
    const before = yield* visible(yield* tokens.find(id))
    if (Option.isNone(before)) return { before: null, after: Option.none<PlaybackToken>() }
    return { before: before.value, after: yield* tokens.revoke(id) }
  })
  const { after } = yield* audited("playback_token.revoke", revoking, ({ before, after }) =>
    Option.isNone(after) ? null : change(before, after.value)
  )
  if (Option.isSome(after)) {
    const expiresAt = after.value.expiresAt.epochMilliseconds / 1000
    yield* (yield* PlaybackAccess).add({ tokens: [{ id, expiresAt }] })
  }
  return after
})
