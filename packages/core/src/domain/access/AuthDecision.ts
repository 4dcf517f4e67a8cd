/**
 * The answer to an auth call. A refusal is a value with one clear sentence, because MediaMTX writes our answer into its own log
 * and that line is what the broadcaster's operator reads. It shows nothing of the key but its public beginning.
 */
import type { PlaybackTokenId, TokenGrant, ViewerId } from "../playback/PlaybackToken.ts"
import type { BroadcasterId, StreamId, StreamKeyId } from "../values/Ids.ts"
import { type RefusalRule, reasonOf } from "./admissionRules.ts"
import type { AdmissionFacts } from "./decideAdmission.ts"
import { withoutKeys } from "./StreamPath.ts"

/** Every reason with which a publisher, a viewer or an operator is refused. */
export const refusalReasons = [
  "invalid_stream_key",
  "stream_key_in_use",
  "stream_key_revoked",
  "stream_key_expired",
  "stream_key_disabled",
  "stream_key_blocked",
  "stream_key_contested",
  "path_not_allowed",
  "path_in_use",
  "protocol_not_supported",
  "refused_by_host",
  "unauthorized",
  "playback_token_needed",
  "playback_token_invalid",
  "playback_token_early",
  "playback_token_expired",
  "playback_token_revoked",
  "viewer_revoked",
  "playback_not_allowed"
] as const
export type RefusalReason = (typeof refusalReasons)[number]

/** Which key was meant, for the log: known ones by id and prefix. */
export interface KeyRef {
  readonly id: StreamKeyId
  readonly prefix: string
}

/** What is known of a viewer that was refused. */
export interface RefusedViewer {
  /** The stream on the path, and whose that is. */
  readonly streamId: StreamId | null
  readonly broadcasterId: BroadcasterId | null
  /** Of a token whose signature was good. */
  readonly tokenId: PlaybackTokenId | null
  readonly viewerId: ViewerId | null
}

export interface Refusal {
  readonly _tag: "Refuse"
  readonly reason: RefusalReason
  /** Which rule decided: it has the remedy. */
  readonly rule: RefusalRule
  /** One sentence for people. */
  readonly detail: string
  readonly key: KeyRef | null
  /** RTSP clients always ask once without credentials: nothing to write above debug. */
  readonly quiet: boolean
  /** What the store answered, where it was asked about a publisher. */
  readonly facts: AdmissionFacts | null
  /** Of a viewer alone. */
  readonly viewer: RefusedViewer | null
}

export type AuthDecision =
  | { readonly _tag: "AllowPublisher"; readonly streamId: StreamId; readonly key: KeyRef; readonly again: boolean }
  /** A check of a key: no stream came of it. */
  | { readonly _tag: "Good"; readonly key: KeyRef }
  | { readonly _tag: "Allow" }
  /** `grant`: of the token that the viewer has shown. */
  | {
      readonly _tag: "AllowViewer"
      readonly rule: "open_to_viewers" | "playback_token"
      readonly grant: TokenGrant | null
    }
  | Refusal

export const allowPublisher = ({
  streamId,
  key,
  again
}: Omit<Extract<AuthDecision, { readonly _tag: "AllowPublisher" }>, "_tag">): AuthDecision => ({
  _tag: "AllowPublisher",
  streamId,
  key,
  again
})

/** By a rule; a reason is the name of a rule, too. */
export const refuse = (rule: RefusalRule, detail: string, key: KeyRef | null = null, quiet = false): Refusal => ({
  _tag: "Refuse",
  reason: reasonOf(rule),
  rule,
  detail: withoutKeys(detail),
  key,
  quiet,
  facts: null,
  viewer: null
})

/** A refusal with the facts on which it was decided; any other answer as it is. */
export const withFacts = <D extends { readonly _tag: string }>(decision: D, facts: AdmissionFacts): D =>
  decision._tag === "Refuse" ? { ...decision, facts } : decision
