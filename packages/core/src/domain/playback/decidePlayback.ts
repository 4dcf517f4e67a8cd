/**
 * Who may watch: the pure decision, from the token as it was verified and what is known of the path. Nothing here asks the store, so viewers are
 * let in while it is down. Whether a session may go on is `whyMustLeave`, by the same rules.
 */
import { Schema } from "effect"
import type { RefusalRule } from "../access/admissionRules.ts"
import { coversPath, type PathFacts } from "./coversPath.ts"
import { isInNetwork } from "./networks.ts"
import {
  CLOCK_SKEW_SECONDS,
  grantOf,
  ISSUER_AHEAD_MAX_SECONDS,
  type PlaybackAction,
  PlaybackTokenId,
  type TokenClaims,
  type TokenGrant
} from "./PlaybackToken.ts"
import { type Revocations, whyRevoked } from "./Revocations.ts"

/** Why a text is no token of this deployment. */
export const verificationFailures = [
  "malformed",
  "too_long",
  "wrong_algorithm",
  "unknown_key",
  "bad_signature",
  "bad_claims"
] as const
export type VerificationFailure = (typeof verificationFailures)[number]

/** A token as far as its signature goes; its times, its path and the rest are not looked at yet. */
export type VerifiedToken =
  | { readonly _tag: "Verified"; readonly claims: TokenClaims; readonly signingKeyId: string }
  | { readonly _tag: "NotVerified"; readonly failure: VerificationFailure }

/** What a viewer asks, and what it has shown. */
export interface PlaybackAsk {
  readonly action: PlaybackAction
  readonly path: string
  readonly ip: string | null
  /** `null`: it has no token. */
  readonly token: {
    readonly verified: VerifiedToken
    readonly isHidden: boolean
  } | null
  /** Every name that the client gives the session, whether or not it has shown a token. */
  readonly names: ReadonlyArray<string>
  /** It becomes a session, whose token lists show by its user name or query alone. */
  readonly hasToBeNamed: boolean
}

export type PlaybackDecision =
  /** `grant`: of the token by which it is let in, or which it has shown where none is needed. */
  | { readonly _tag: "Allow"; readonly rule: "open_to_viewers" | "playback_token"; readonly grant: TokenGrant | null }
  | { readonly _tag: "Refuse"; readonly rule: RefusalRule; readonly detail: string; readonly quiet: boolean }

const no = (rule: RefusalRule, detail: string, quiet = false): PlaybackDecision => ({
  _tag: "Refuse",
  rule,
  detail,
  quiet
})

const failureText: { readonly [F in VerificationFailure]: readonly [RefusalRule, string] } = {
  malformed: ["playback_token_malformed", "What was sent as the playback token is no signed token"],
  too_long: ["playback_token_malformed", "The playback token has more characters than any that there can be"],
  wrong_algorithm: ["playback_token_algorithm", "The playback token is not signed with EdDSA"],
  unknown_key: [
    "playback_token_unknown_key",
    "The playback token is signed with a key that this service does not know"
  ],
  bad_signature: [
    "playback_token_signature",
    "The signature of the playback token is wrong: the token was changed, or cut"
  ],
  bad_claims: ["playback_token_claims", "The playback token is signed well, and its claims are not as they have to be"]
}

type Shown = NonNullable<PlaybackAsk["token"]>
type Checked =
  | { readonly _tag: "Good"; readonly grant: TokenGrant }
  | Extract<PlaybackDecision, { readonly _tag: "Refuse" }>

const isoOf = (seconds: number): string => new Date(seconds * 1000).toISOString()

const checkTimes = ({ id, notBefore, expiresAt, issuedAt }: TokenClaims, now: number): PlaybackDecision | null => {
  // Otherwise no revocation of its viewer would be after it.
  if (issuedAt > now + ISSUER_AHEAD_MAX_SECONDS)
    return no("playback_token_claims", `Playback token ${id} is issued (iat) at ${isoOf(issuedAt)}, which is to come`)
  if (now >= expiresAt + CLOCK_SKEW_SECONDS)
    return no("playback_token_expired", `Playback token ${id} has expired at ${isoOf(expiresAt)}`)
  if (notBefore !== null && now < notBefore - CLOCK_SKEW_SECONDS) {
    return no("playback_token_early", `Playback token ${id} is good from ${isoOf(notBefore)} on`)
  }
  return null
}

const checkNames = (
  { id }: TokenClaims,
  { isHidden }: Shown,
  { names, hasToBeNamed }: PlaybackAsk
): PlaybackDecision | null => {
  if (names.some((name) => name !== id)) {
    return no(
      "playback_token_misnamed",
      `The user name or v of the URL is not ${id}, which is the id of the playback token`
    )
  }
  return isHidden && hasToBeNamed && names.length === 0
    ? no("playback_token_unnamed", `The URL does not have v=${id}, so the session would not show whose it is`)
    : null
}

const isFrom = (ips: ReadonlyArray<string>, ip: string | null): boolean =>
  ips.length === 0 || ips.some((network) => ip !== null && isInNetwork(ip, network))

/**
 * Whether a session may be by the token, but for what `whyMustLeave` looks at. Not by its address: behind a proxy lists may show another than the auth
 * call had. `now`: seconds since 1970.
 */
export const allowsSession = (
  { actions, notBefore }: Pick<TokenClaims, "actions" | "notBefore">,
  now: number
): boolean => actions.includes("read") && (notBefore === null || now >= notBefore - CLOCK_SKEW_SECONDS)

const checkUse = (
  { id, actions, ips, coverage }: TokenClaims,
  ask: PlaybackAsk,
  facts: PathFacts
): PlaybackDecision | null => {
  if (!actions.includes(ask.action)) return no("playback_token_action", `Playback token ${id} is not for ${ask.action}`)
  if (!isFrom(ips, ask.ip)) {
    return no("playback_token_address", `Playback token ${id} may not be used from ${ask.ip ?? "an unknown address"}`)
  }
  return coversPath(coverage, ask.path, facts)
    ? null
    : no("playback_token_path", `Playback token ${id} is not for ${ask.path}`)
}

const checkRevoked = (
  grant: TokenGrant,
  facts: PathFacts,
  revocations: Revocations,
  now: number
): PlaybackDecision | null => {
  const revoked = whyRevoked(revocations, grant, facts.broadcasterId, now)
  if (revoked === null) return null
  return revoked === "token"
    ? no("playback_token_revoked", `Playback token ${grant.tokenId} is revoked`)
    : no("viewer_revoked", `Viewer ${grant.viewerId} is revoked`)
}

/** The grant of a token that is good for what is asked. `now`: in seconds since 1970. */
const checkToken = (
  shown: Shown,
  ask: PlaybackAsk,
  facts: PathFacts,
  revocations: Revocations,
  now: number
): Checked => {
  const { verified } = shown
  if (verified._tag === "NotVerified") {
    const [rule, detail] = failureText[verified.failure]
    return { _tag: "Refuse", rule, detail, quiet: false }
  }
  const { claims, signingKeyId } = verified
  const grant = grantOf(claims, signingKeyId)
  const refusal =
    checkTimes(claims, now) ??
    checkRevoked(grant, facts, revocations, now) ??
    checkNames(claims, shown, ask) ??
    checkUse(claims, ask, facts)
  return refusal?._tag === "Refuse" ? refusal : { _tag: "Good", grant }
}

const NOT_ITS_OWN = "The user name or v of the URL is the id of a playback token that was not sent"

const isTokenId = Schema.is(PlaybackTokenId)

/** Lists show the names of a session: where no token is needed, too, what is the id of a token has to be that of one that it has. */
const areProven = ({ names, token }: PlaybackAsk): boolean =>
  names.filter(isTokenId).every((name) => token?.verified._tag === "Verified" && token.verified.claims.id === name)

/** Pure and total. `now`: seconds since 1970, by this process's clock. */
export const decidePlayback = (
  ask: PlaybackAsk,
  facts: PathFacts,
  revocations: Revocations,
  now: number
): PlaybackDecision => {
  const checked = ask.token === null ? null : checkToken(ask.token, ask, facts, revocations, now)
  if (facts.policy === "public") {
    if (!areProven(ask)) return no("playback_token_misnamed", NOT_ITS_OWN)
    return { _tag: "Allow", rule: "open_to_viewers", grant: checked?._tag === "Good" ? checked.grant : null }
  }
  // RTSP clients, and browsers, always ask once without.
  if (checked === null) return no("playback_token_needed", `A playback token is needed to watch ${ask.path}`, true)
  return checked._tag === "Good" ? { _tag: "Allow", rule: "playback_token", grant: checked.grant } : checked
}

/** Why a session that was let in must not go on; `null` when it may. */
export type WhyMustLeave =
  | "no_token"
  | "token_expired"
  | "token_revoked"
  | "viewer_revoked"
  | "signing_key_gone"
  | "not_covered"

/** By the rules by which viewers are let in, without those of one moment. `hasKey`: whether the key still verifies. Pure and total. */
export const whyMustLeave = (
  grant: TokenGrant | null,
  path: string,
  facts: PathFacts,
  revocations: Revocations,
  hasKey: (signingKeyId: string) => boolean,
  now: number
): WhyMustLeave | null => {
  if (facts.policy === "public") return null
  if (grant === null) return "no_token"
  const revoked = whyRevoked(revocations, grant, facts.broadcasterId, now)
  if (revoked !== null) return revoked === "token" ? "token_revoked" : "viewer_revoked"
  if (now >= grant.expiresAt + CLOCK_SKEW_SECONDS) return "token_expired"
  if (!hasKey(grant.signingKeyId)) return "signing_key_gone"
  return coversPath(grant.coverage, path, facts) ? null : "not_covered"
}
