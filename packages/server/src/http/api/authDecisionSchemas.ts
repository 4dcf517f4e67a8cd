/** A decision of the log, as the API has it. */
import {
  BroadcasterId,
  DecisionId,
  decisionOutcomes,
  faultReasons,
  KEY_PREFIX_LENGTH,
  Protocol,
  refusalReasons,
  StreamId,
  StreamKeyId,
  Timestamp
} from "@greenroom/core"
import { Schema } from "effect"
import { Count, exampleIds, named, nullable, pageOf, wire } from "./wire.ts"

export const decisionReasons = [...refusalReasons, ...faultReasons] as const

const exampleDecision = "e2b5e3a4-95a9-4c0b-8a77-3d0f5a6c1b20"

export const decisionExample = {
  id: exampleDecision,
  at: "2026-11-21T01:33:14.640Z",
  last_at: "2026-11-21T01:33:58.102Z",
  count: 12,
  outcome: "refuse",
  reason: "stream_key_in_use",
  rule: "stream_key_in_use",
  detail: "Stream key sk_EXAM… is publishing on live/studio-1 already",
  remedy:
    "Stop the other encoder, or take its stream off the air with DELETE /streams/{id}; give each encoder a key of its own.",
  action: "publish",
  path: "live/studio-1",
  protocol: "rtmp",
  ip: "203.0.113.7",
  user_agent: "FMLE/3.0 (compatible; FMSc/1.0)",
  facts: {
    key: { id: exampleIds.key, status: "valid", path: "live/studio-1", expires_at: null, revoked_at: null },
    held_by: [
      {
        stream_id: exampleIds.stream,
        path: "live/studio-1",
        protocol: "rtmp",
        since: "2026-11-21T01:20:01.000Z",
        stopping: false,
        same_key: true
      }
    ],
    path_owned_by_other: false
  },
  key_prefix: "sk_EXAM",
  stream_key_id: exampleIds.key,
  stream_id: null,
  broadcaster_id: exampleIds.broadcaster,
  instance: "media-1:4711:6b0c5c1e-0a57-4a0e-9a86-58b1a2a0b7c4"
}

const keyFacts = wire({
  id: StreamKeyId,
  status: Schema.Literals(["revoked", "expired", "disabled", "valid"]),
  path: nullable(Schema.String).annotate({ description: "What the key is limited to" }),
  expiresAt: nullable(Timestamp),
  revokedAt: nullable(Timestamp)
})

const holder = wire({
  streamId: StreamId,
  path: Schema.String,
  protocol: nullable(Protocol),
  since: Timestamp.annotate({ description: "When its publisher was admitted" }),
  stopping: Schema.Boolean.annotate({ description: "It is being taken off the air" }),
  sameKey: Schema.Boolean.annotate({ description: "It publishes with the key that was sent" })
})

export const facts = wire({
  key: nullable(keyFacts).annotate({ description: "`null`: no key of this service was sent" }),
  heldBy: Schema.Array(holder).annotate({ description: "The streams that have the key or the path" }),
  pathOwnedByOther: Schema.Boolean.annotate({
    description: "The path is the ingest path of another broadcaster's key"
  })
})

export const AuthDecision = wire(
  {
    id: DecisionId,
    at: Timestamp.annotate({ description: "When it was given first" }),
    lastAt: Timestamp.annotate({ description: "When it was given last" }),
    count: Count.annotate({ description: "How often it was given: equal decisions within a minute are one" }),
    outcome: Schema.Literals(decisionOutcomes).annotate({
      description: "`unavailable`: the database did not answer, which the media server takes for a refusal"
    }),
    reason: nullable(Schema.String).annotate({ description: "The `code` of the refusal; `null` when it was none" }),
    rule: Schema.String.annotate({ description: "Which rule decided; narrower than the reason" }),
    detail: Schema.String.annotate({ description: "What was found, in one sentence" }),
    remedy: nullable(Schema.String).annotate({ description: "What to do about it, in one sentence" }),
    action: Schema.String,
    path: nullable(Schema.String).annotate({
      description: "Without any stream key. `null`: there is none, or different ones were merged"
    }),
    protocol: nullable(Schema.String),
    ip: nullable(Schema.String).annotate({ description: "The client's address, as the media server sees it" }),
    userAgent: nullable(Schema.String),
    facts: nullable(facts).annotate({ description: "What the database knew; `null` where it was not asked" }),
    keyPrefix: nullable(Schema.String).annotate({
      description: `The first ${KEY_PREFIX_LENGTH} characters of what was sent as a key, also of an unknown key, and of one in the wrong place`
    }),
    streamKeyId: nullable(StreamKeyId),
    streamId: nullable(StreamId).annotate({ description: "The stream of an admitted publisher" }),
    broadcasterId: nullable(BroadcasterId),
    instance: Schema.String.annotate({ description: "Which process of Greenroom decided" })
  },
  named("AuthDecision", decisionExample)
)

export const AuthDecisionPage = pageOf(
  "auth_decisions",
  AuthDecision,
  named("AuthDecisionPage", { auth_decisions: [decisionExample], count: 1, next_cursor: null })
)
