/**
 * The claims of a playback token as its JSON has them: `jti`, `exp`, `iat`, `nbf` and `sub` are those of RFC 7519, the rest is ours and short, because
 * a token has 440 characters. An application that signs its own tokens writes the same.
 */
import { Option, Schema } from "effect"
import { PathLimitText, StreamPath } from "../access/StreamPath.ts"
import { BroadcasterId, StreamId } from "../values/Ids.ts"
import { Network } from "./networks.ts"
import {
  type Coverage,
  EXPIRES_IN,
  MAX_SESSIONS_MOST,
  NETWORKS_MAX,
  type PlaybackAction,
  PlaybackTokenId,
  playbackActions,
  type TokenClaims,
  ViewerId
} from "./PlaybackToken.ts"

/** Every path. It has to be written, so that no token is for everything by mistake. */
export const EVERY_PATH = "**"

/** `live/*`, `live/**`, or `**` for every path. */
export const PathPattern = Schema.String.annotate({ examples: ["live/*", "live/**", "**"] }).check(
  Schema.makeFilter((text) =>
    text === EVERY_PATH || (/\/\*{1,2}$/.test(text) && Schema.is(PathLimitText)(text))
      ? undefined
      : "Expected a pattern such as live/* (one more segment) or live/** (any depth), or ** for every path"
  )
)

const Seconds = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 99_999_999_999 }))

/** As signed. Exactly one of `path`, `stream`, `broadcaster` and `pattern` is there. */
const SignedClaims = Schema.Struct({
  jti: PlaybackTokenId,
  iat: Seconds,
  exp: Seconds,
  nbf: Schema.optionalKey(Seconds),
  sub: Schema.optionalKey(ViewerId),
  path: Schema.optionalKey(StreamPath),
  stream: Schema.optionalKey(StreamId),
  broadcaster: Schema.optionalKey(BroadcasterId),
  pattern: Schema.optionalKey(PathPattern),
  /** Absent: `["read"]`. */
  act: Schema.optionalKey(Schema.NonEmptyArray(Schema.Literals(playbackActions))),
  max: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: MAX_SESSIONS_MOST }))),
  ips: Schema.optionalKey(Schema.Array(Network).check(Schema.isMinLength(1), Schema.isMaxLength(NETWORKS_MAX)))
})
type SignedClaims = typeof SignedClaims.Type

const read: PlaybackAction = "read"
const isReadAlone = (actions: ReadonlyArray<PlaybackAction>): boolean => actions.length === 1 && actions[0] === read

const coverageClaims = (coverage: Coverage): Partial<Record<"path" | "stream" | "broadcaster" | "pattern", string>> => {
  switch (coverage._tag) {
    case "Path":
      return { path: coverage.path }
    case "Stream":
      return { stream: coverage.streamId }
    case "Broadcaster":
      return { broadcaster: coverage.broadcasterId }
    case "Pattern":
      return { pattern: coverage.pattern }
  }
}

/** What is to be signed: nothing that is the default. */
export const signedClaims = (claims: TokenClaims): Readonly<Record<string, unknown>> => ({
  jti: claims.id,
  iat: claims.issuedAt,
  exp: claims.expiresAt,
  ...(claims.notBefore === null ? {} : { nbf: claims.notBefore }),
  ...(claims.viewerId === null ? {} : { sub: claims.viewerId }),
  ...coverageClaims(claims.coverage),
  ...(isReadAlone(claims.actions) ? {} : { act: claims.actions }),
  ...(claims.maxSessions === null ? {} : { max: claims.maxSessions }),
  ...(claims.ips.length === 0 ? {} : { ips: claims.ips })
})

const coverageOf = ({ path, stream, broadcaster, pattern }: SignedClaims): Coverage | null => {
  const found: ReadonlyArray<Coverage> = [
    ...(path === undefined ? [] : [{ _tag: "Path", path } as const]),
    ...(stream === undefined ? [] : [{ _tag: "Stream", streamId: stream } as const]),
    ...(broadcaster === undefined ? [] : [{ _tag: "Broadcaster", broadcasterId: broadcaster } as const]),
    ...(pattern === undefined ? [] : [{ _tag: "Pattern", pattern } as const])
  ]
  return found.length === 1 ? found[0]! : null
}

const decode = Schema.decodeUnknownOption(SignedClaims)

/** The claims of a token whose signature is good; `None` when they are not as they have to be. Unknown claims are let be. Total. */
export const readClaims = (payload: unknown): Option.Option<TokenClaims> =>
  Option.flatMap(decode(payload), (signed) => {
    const coverage = coverageOf(signed)
    // What was revoked of a viewer is kept for as long as a token may live.
    if (coverage === null || signed.exp - signed.iat > EXPIRES_IN.most) return Option.none()
    return Option.some({
      id: signed.jti,
      coverage,
      viewerId: signed.sub ?? null,
      actions: signed.act ?? [read],
      issuedAt: signed.iat,
      notBefore: signed.nbf ?? null,
      expiresAt: signed.exp,
      maxSessions: signed.max ?? null,
      ips: signed.ips ?? []
    })
  })
