/**
 * An answer to an auth call as the decision log keeps it: which rule decided, on which facts. It has no secret: of a key its public beginning, and
 * paths and user agents without keys. Equal answers within a minute are one record with a count.
 */
import { type DateTime, Schema } from "effect"
import { Protocol } from "../streams/Protocol.ts"
import { type BroadcasterId, type DecisionId, StreamId, StreamKeyId } from "../values/Ids.ts"
import { Timestamp } from "../values/Timestamp.ts"
import type { KeyRef } from "./AuthDecision.ts"
import type { AllowRule, DecisionReason, RuleName } from "./admissionRules.ts"
import type { AdmissionFacts, SessionFacts } from "./decideAdmission.ts"
import { whyInvalid } from "./StreamKey.ts"

/** `unavailable`: there was no decision, because the store did not answer; the media server took that for a refusal. */
export const decisionOutcomes = ["allow", "refuse", "unavailable"] as const
export type DecisionOutcome = (typeof decisionOutcomes)[number]

/** What the store knew when the decision was made. */
export const DecisionFacts = Schema.Struct({
  /** `null`: no key of this service was sent. */
  key: Schema.NullOr(
    Schema.Struct({
      id: StreamKeyId,
      status: Schema.Literals(["revoked", "expired", "disabled", "valid"]),
      path: Schema.NullOr(Schema.String),
      expiresAt: Schema.NullOr(Timestamp),
      revokedAt: Schema.NullOr(Timestamp)
    })
  ),
  /** The open sessions that have the key or the path. */
  heldBy: Schema.Array(
    Schema.Struct({
      streamId: StreamId,
      path: Schema.String,
      protocol: Schema.NullOr(Protocol),
      since: Timestamp,
      stopping: Schema.Boolean,
      /** It publishes with the key that was sent; otherwise it has the path alone, and may be another broadcaster's. */
      sameKey: Schema.Boolean
    })
  ),
  pathOwnedByOther: Schema.Boolean
})
export type DecisionFacts = typeof DecisionFacts.Type

const holderOf = (
  { streamId, streamKeyId, path, source, startedAt, stopping }: SessionFacts,
  key: KeyRef | null
): DecisionFacts["heldBy"][number] => ({
  streamId,
  path,
  protocol: source.protocol,
  since: startedAt,
  stopping,
  sameKey: streamKeyId === key?.id
})

/** Without what is not of the key's broadcaster for sure. */
export const ownFacts = (facts: DecisionFacts): DecisionFacts => ({
  ...facts,
  heldBy: facts.heldBy.filter(({ sameKey }) => sameKey)
})

export const decisionFactsOf = (facts: AdmissionFacts): DecisionFacts => {
  const { key, keySession, pathSession } = facts
  const sessions = [keySession, pathSession].filter((session) => session !== null)
  return {
    key:
      key === null
        ? null
        : {
            id: key.id,
            status: whyInvalid(key, facts.now) ?? "valid",
            path: key.path,
            expiresAt: key.expiresAt,
            revokedAt: key.revokedAt
          },
    heldBy: sessions
      .filter((session, index) => sessions.findIndex((other) => other.streamId === session.streamId) === index)
      .map((session) => holderOf(session, key)),
    pathOwnedByOther: facts.pathOwnedByOther
  }
}

/** What a decision is, apart from when and how often it was given. */
export interface DecisionContent {
  /** `publish`, `read`, …, as the media server named it. */
  readonly action: string
  readonly path: string | null
  readonly protocol: string | null
  /** Of the client, as the media server sees it. */
  readonly ip: string | null
  readonly userAgent: string | null
  readonly outcome: DecisionOutcome
  /** `null` when the client was let in. */
  readonly reason: DecisionReason | null
  readonly rule: RuleName | AllowRule
  /** One sentence. */
  readonly detail: string
  readonly facts: DecisionFacts | null
  /** `sk_` and four characters, of a key that may be unknown and may have stood in the wrong place. */
  readonly keyPrefix: string | null
  /** Of a known key. */
  readonly streamKeyId: StreamKeyId | null
  /** The stream of an admitted publisher. */
  readonly streamId: StreamId | null
}

/** `reason` and `rule` are texts: a newer release that writes to the same log may know others. */
export interface RecordedDecision extends Omit<DecisionContent, "reason" | "rule"> {
  readonly reason: string | null
  readonly rule: string
  readonly id: DecisionId
  /** When it was given first, and last. */
  readonly at: DateTime.Utc
  readonly lastAt: DateTime.Utc
  /** How often it was given. */
  readonly count: number
  /** Of the key, when the key is known. */
  readonly broadcasterId: BroadcasterId | null
  /** Which process decided. */
  readonly instance: string
}

/** Which decisions: all that have each of these. */
export interface DecisionFilter {
  readonly path?: string
  readonly keyPrefix?: string
  readonly reasons?: ReadonlyArray<DecisionReason>
  readonly outcomes?: ReadonlyArray<DecisionOutcome>
  readonly ip?: string
  /** Given at this time or later. */
  readonly since?: DateTime.Utc
  readonly broadcasterId?: BroadcasterId
}

/** So many decisions are kept, of all instances together. */
export const DECISIONS_KEPT = 10_000
