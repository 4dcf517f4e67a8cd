/**
 * The rules by which auth calls are decided, in one table: the reason that a rule gives, the check of `POST /auth/check` that it is, what it means and
 * what to do about it. Problem documents, the decision log, the check and the error pages read it. A rule named like a reason is that reason's rule
 * where no narrower one is known. The sentence with the values of a case stands where the case is found.
 */
import type { RefusalReason } from "./AuthDecision.ts"

/** What `POST /auth/check` reports one by one, in the order in which a publisher passes them. */
export const accessChecks = [
  "hook_secret",
  "action",
  "protocol",
  "path",
  "credential",
  "key",
  "key_status",
  "key_path",
  "path_owner",
  "key_block",
  "host_rule",
  "in_use",
  "playback_policy",
  "playback_token",
  "playback_use",
  "database"
] as const
export type AccessCheck = (typeof accessChecks)[number]

/** Reasons for which a call got no decision of the core, and was refused all the same. */
export const faultReasons = ["hook_secret", "store_unavailable"] as const
export type FaultReason = (typeof faultReasons)[number]
export type DecisionReason = RefusalReason | FaultReason

export interface AdmissionRule {
  readonly reason: DecisionReason
  readonly check: AccessCheck
  /** What has happened, in one or two sentences. */
  readonly meaning: string
  /** One plain sentence of what to do. */
  readonly remedy: string
}

const rule = <const R extends DecisionReason>(reason: R, check: AccessCheck, meaning: string, remedy: string) => ({
  reason,
  check,
  meaning,
  remedy
})

const USE_ITS_URLS = "Use one of the URLs that POST /playback-tokens gave, as it is."

const SEND_AS_PASSWORD =
  "Put the key behind the stream's name, as in NAME?user=any&pass=KEY, or send it as the password."

const own = {
  invalid_stream_key: rule(
    "invalid_stream_key",
    "key",
    "The credential that the encoder sent is no stream key of this service.",
    "Copy the whole key again (it begins with sk_ and has 46 characters), and issue a new one if it is lost: keys are shown once."
  ),
  stream_key_in_use: rule(
    "stream_key_in_use",
    "in_use",
    "A stream key admits one publisher at a time, and another connection is publishing with it; the media server was asked whether that one is still there.",
    "Stop the other encoder, or take its stream off the air with DELETE /streams/{id}; give each encoder a key of its own."
  ),
  stream_key_revoked: rule(
    "stream_key_revoked",
    "key_status",
    "The key was revoked, by itself or with its broadcaster. That is for good.",
    "Issue a new stream key."
  ),
  stream_key_expired: rule(
    "stream_key_expired",
    "key_status",
    "The key's expiry has passed.",
    "Move the expiry with PATCH /stream-keys/{id} (expires_at), or issue a new key."
  ),
  stream_key_disabled: rule(
    "stream_key_disabled",
    "key_status",
    "The key has been suspended.",
    "Let the key publish again with PATCH /stream-keys/{id} and enabled: true."
  ),
  stream_key_blocked: rule(
    "stream_key_blocked",
    "key_block",
    "The key's stream on this path was stopped with block_seconds, so that its encoder does not come straight back.",
    "Wait until the time in the detail, or lift the block with PATCH /stream-keys/{id} and blocked_until: null."
  ),
  stream_key_contested: rule(
    "stream_key_contested",
    "in_use",
    "Where ON_DUPLICATE_PUBLISH is takeover, a newcomer takes the key from the encoder that has it. Encoders took it from each other three times within 10 seconds, so for a minute the one on the air stays.",
    "Stop one of the two encoders, or issue a key for each with POST /stream-keys."
  ),
  path_not_allowed: rule(
    "path_not_allowed",
    "key_path",
    "The path is malformed, holds a stream key, is outside the limits of this key, or belongs to another broadcaster's key.",
    "Publish on the path that the key's ingest instructions name, and send the key as the password, never in the path: paths are public."
  ),
  path_in_use: rule(
    "path_in_use",
    "in_use",
    "Another publisher is on this path already, with another key.",
    "Choose another path, or take the other stream off the air with DELETE /streams/{id}."
  ),
  protocol_not_supported: rule(
    "protocol_not_supported",
    "protocol",
    "The media server lets publishers in over a protocol whose connections it does not list, or that this version of Greenroom does not know. Such a publisher could not be taken off the air, so it is not admitted.",
    "Publish over RTMP, RTSP, SRT or WebRTC."
  ),
  refused_by_host: rule(
    "refused_by_host",
    "host_rule",
    "The key is good. The application that embeds this service has a rule of its own (`mayPublish`), and it refused this publisher, failed, or did not answer within 300 ms.",
    "The detail is the application's own sentence: ask its operator."
  ),
  unauthorized: rule(
    "unauthorized",
    "credential",
    "The call came without the credentials that its action needs.",
    "Send the credentials that the action needs: a stream key to publish, the API secret for api, metrics and pprof."
  ),
  playback_token_needed: rule(
    "playback_token_needed",
    "playback_token",
    "The stream is not public, and the player sent no playback token. RTSP clients and browsers ask once without one and then again with it: only when no second call followed is it the reason.",
    `Issue a token with POST /playback-tokens, and play one of its URLs; or make the stream public with PATCH /stream-keys/{id} and playback: "public".`
  ),
  playback_token_invalid: rule(
    "playback_token_invalid",
    "playback_token",
    "What the player sent is no playback token of this service.",
    USE_ITS_URLS
  ),
  playback_token_early: rule(
    "playback_token_early",
    "playback_token",
    "The token is good from a later time on (not_before).",
    "Wait until the time in the detail, or issue a token without not_before."
  ),
  playback_token_expired: rule(
    "playback_token_expired",
    "playback_token",
    "The token's time is over.",
    "Issue a new token with POST /playback-tokens."
  ),
  playback_token_revoked: rule(
    "playback_token_revoked",
    "playback_token",
    "The token was revoked. That is for good.",
    "Issue a new token with POST /playback-tokens, if the viewer may watch again."
  ),
  viewer_revoked: rule(
    "viewer_revoked",
    "playback_token",
    "All tokens of this viewer that had been issued were revoked, or the viewer is kept out for a while.",
    "Issue a new token when the time of the revocation (until) is over."
  ),
  playback_not_allowed: rule(
    "playback_not_allowed",
    "playback_use",
    "The token is good, and not for what the player asks for.",
    "Issue a token for this path with POST /playback-tokens."
  ),
  hook_secret: rule(
    "hook_secret",
    "hook_secret",
    "The media server's call came without the hook secret, or with a wrong one.",
    "Put the hook secret (HOOK_SECRET) into the media server's configuration, as in authHTTPAddress: http://mediamtx:SECRET@host:8080/auth."
  ),
  store_unavailable: rule(
    "store_unavailable",
    "database",
    "The database gave no answer within the time of an auth call, so nothing was admitted.",
    "Look at GET /health and at the database; encoders that try again get in when it answers."
  )
} as const satisfies { readonly [R in DecisionReason]: AdmissionRule & { readonly reason: R } }

const narrower = {
  no_key: rule(
    "unauthorized",
    "credential",
    "The encoder sent no key. An RTSP client asks once without one and then again with it: only when no second call followed is it the reason.",
    `Give the encoder its stream key. ${SEND_AS_PASSWORD}`
  ),
  api_secret_needed: rule(
    "unauthorized",
    "credential",
    "The actions api, metrics and pprof of the media server are for the operator alone.",
    "Send the API secret as the password."
  ),
  unknown_action: rule(
    "unauthorized",
    "action",
    "The media server asked about an action that Greenroom does not know.",
    "Use a MediaMTX that this release supports (docs/mediamtx.md)."
  ),
  key_misplaced: rule(
    "invalid_stream_key",
    "credential",
    "A stream key was sent in a way in which it cannot count: in front of the stream's name, or beside another key.",
    SEND_AS_PASSWORD
  ),
  key_in_path: rule(
    "path_not_allowed",
    "path",
    "The stream key stands in the path, which each viewer sees.",
    `Take the key out of the path, and issue a new one if viewers may have seen it. ${SEND_AS_PASSWORD}`
  ),
  path_malformed: rule(
    "path_not_allowed",
    "path",
    "The path has a form that is not taken.",
    "Use a path of letters, digits, _ - and . between single slashes, such as live/studio-1."
  ),
  path_outside_limit: rule(
    "path_not_allowed",
    "key_path",
    "The path is outside of what the key is limited to.",
    "Publish on the path that the key's ingest instructions name (GET /stream-keys/{id}/ingest), or issue a key for this path."
  ),
  path_of_worker: rule(
    "path_not_allowed",
    "path_owner",
    "The path is the output of Greenroom's own media worker.",
    "Publish on the path that ends in /in, or on another one."
  ),
  path_of_other: rule(
    "path_not_allowed",
    "path_owner",
    "The path is the ingest path of another broadcaster's key, which is not revoked.",
    "Publish on the path that this key's ingest instructions name."
  ),
  worker_key_used: rule(
    "stream_key_expired",
    "key_status",
    "A worker's key is good for one connection, within seconds.",
    "Nothing: the worker gets a new key when it is started again."
  ),
  connection_had_stream: rule(
    "stream_key_in_use",
    "in_use",
    "The connection had a stream already, which has ended or is being stopped.",
    "Let the encoder connect anew."
  ),
  playback_token_malformed: rule(
    "playback_token_invalid",
    "playback_token",
    "What stands where a playback token should be is no signed token, or was cut on its way.",
    USE_ITS_URLS
  ),
  playback_token_algorithm: rule(
    "playback_token_invalid",
    "playback_token",
    "The token is signed with another algorithm than EdDSA (Ed25519), or not at all.",
    "Sign tokens with EdDSA, or let POST /playback-tokens sign them."
  ),
  playback_token_unknown_key: rule(
    "playback_token_invalid",
    "playback_token",
    "The token is signed with a key that this service does not have: it is of another deployment, or the key was removed.",
    "Issue a token here, or add the key with POST /signing-keys."
  ),
  playback_token_signature: rule(
    "playback_token_invalid",
    "playback_token",
    "The token's signature is wrong: it was changed, or cut.",
    USE_ITS_URLS
  ),
  playback_token_claims: rule(
    "playback_token_invalid",
    "playback_token",
    "The token is signed well, and its claims are not those of a playback token.",
    "Write the claims as docs/viewers.md has them."
  ),
  playback_token_misnamed: rule(
    "playback_token_invalid",
    "playback_token",
    "The user name, or v in the URL, is the id of another token: the session would be listed as another viewer's.",
    USE_ITS_URLS
  ),
  playback_token_unnamed: rule(
    "playback_token_invalid",
    "playback_token",
    "The token came in a header, and the URL does not have v: the session would not show whose it is.",
    "Add ?v= and the token's id (jti) to the URL, as in the URLs that POST /playback-tokens gives."
  ),
  playback_token_path: rule(
    "playback_not_allowed",
    "playback_use",
    "The token is for another path, stream or broadcaster.",
    "Issue a token for this path with POST /playback-tokens."
  ),
  playback_token_action: rule(
    "playback_not_allowed",
    "playback_use",
    "The token is for watching live, and a recording was asked for, or the other way.",
    'Issue a token with actions: ["read", "playback"].'
  ),
  playback_token_address: rule(
    "playback_not_allowed",
    "playback_use",
    "The token may be used from some networks alone (ips), and the player is in none of them.",
    "Issue a token with the player's network in ips, or without ips. Behind a proxy, let MediaMTX trust it (hlsTrustedProxies, webrtcTrustedProxies)."
  ),
  answer_was_lost: rule(
    "stream_key_in_use",
    "in_use",
    "The first answer to this connection was lost, and its stream is being ended.",
    "Let the encoder connect anew."
  )
} as const satisfies Readonly<Record<string, AdmissionRule>>

/** Every rule by its name. */
export const admissionRules: { readonly [R in RuleName]: AdmissionRule } = { ...own, ...narrower }

export type RuleName = keyof typeof own | keyof typeof narrower
/** The names of all rules. */
export const ruleNames = Object.keys(admissionRules) as ReadonlyArray<RuleName>

type ReasonOf<R extends RuleName> = R extends keyof typeof own
  ? (typeof own)[R]["reason"]
  : R extends keyof typeof narrower
    ? (typeof narrower)[R]["reason"]
    : never

/** The rules by which the core itself refuses. */
export type RefusalRule = { [R in RuleName]: ReasonOf<R> extends RefusalReason ? R : never }[RuleName]

export const reasonOf = (rule: RefusalRule): RefusalReason => admissionRules[rule].reason as RefusalReason

/** Of a rule's name that may come from another release of this service. */
export const remedyOf = (rule: string | null): string | null =>
  rule !== null && Object.hasOwn(admissionRules, rule) ? admissionRules[rule as RuleName].remedy : null

/** The rules by which a client is let in. */
export const allowRules = [
  "admitted",
  "admitted_before",
  "key_is_good",
  "open_to_viewers",
  "playback_token",
  "api_secret"
] as const
export type AllowRule = (typeof allowRules)[number]
