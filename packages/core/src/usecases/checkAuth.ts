/**
 * "Why can my encoder not connect?" in one call: what the media server would make of an encoder's settings, what `/auth` would answer, check by check,
 * and what it has answered lately. Nothing is written or reserved, no pass is requested, and the decision log does not get the question.
 */
import { Effect } from "effect"
import { type AuthCall, type AuthRequest, type Incomplete, readAuthCall } from "../domain/access/AuthRequest.ts"
import { type AccessOutcome, accessReport, type CheckResult, type ParsedCall } from "../domain/access/accessReport.ts"
import { admissionRules } from "../domain/access/admissionRules.ts"
import { type EncoderSettings, encoderCall } from "../domain/access/encoderCall.ts"
import { findCredential } from "../domain/access/findCredential.ts"
import {
  type DecisionFacts,
  decisionFactsOf,
  ownFacts,
  type RecordedDecision
} from "../domain/access/RecordedDecision.ts"
import { withoutKeys } from "../domain/access/StreamPath.ts"
import type { BroadcasterId, StreamKeyId } from "../domain/values/Ids.ts"
import { storable } from "../domain/values/PlainText.ts"
import { CurrentCaller } from "./CurrentCaller.ts"
import { foreseeAdmission, type KeyAndPath } from "./foreseeAdmission.ts"
import { InvalidArgument } from "./InvalidArgument.ts"
import { listAuthDecisions } from "./listAuthDecisions.ts"

/** What is to be checked: an encoder's settings, MediaMTX's own call, or a key and a path. */
export type AuthQuestion =
  | EncoderSettings
  | { readonly _tag: "Call"; readonly call: AuthCall }
  | { readonly _tag: "Key"; readonly streamKeyId: StreamKeyId; readonly path: string }

export interface AuthCheck {
  readonly parsed: ParsedCall
  readonly checks: ReadonlyArray<CheckResult>
  readonly decision: "allow" | "refuse"
  readonly reason: string | null
  readonly rule: string | null
  readonly detail: string | null
  readonly remedy: string | null
  readonly streamKeyId: StreamKeyId | null
  readonly facts: DecisionFacts | null
  /** The last refusals on this path or of this key, newest first. */
  readonly recent: ReadonlyArray<RecordedDecision>
}

const RECENT_MAX = 10
const REFUSED = ["refuse", "unavailable"] as const

const invalid = (field: string, expected: string) =>
  new InvalidArgument({ operation: "checkAuth", faults: [{ path: [field], expected }] })

type Ask = Exclude<AuthRequest, { readonly _tag: "Operate" }> | KeyAndPath

interface Read {
  readonly ask: Ask
  readonly parsed: ParsedCall
}

const NOT_FOR_SECRETS = "Expected publish, read or playback: the API secret is not checked here"

/** The request of a call, or what is wrong with it. */
const askOf = (read: AuthRequest | Incomplete): Effect.Effect<Ask, InvalidArgument> => {
  if (read._tag === "Incomplete") return Effect.fail(invalid("id", read.detail))
  return read._tag === "Operate" ? Effect.fail(invalid("action", NOT_FOR_SECRETS)) : Effect.succeed(read)
}

const readCall = (call: AuthCall): Effect.Effect<Read, InvalidArgument> =>
  Effect.map(askOf(readAuthCall(call)), (ask) => ({
    ask,
    parsed: {
      protocol:
        call.protocol === undefined || call.protocol === "" ? null : storable(withoutKeys(call.protocol)).slice(0, 64),
      action: ask._tag === "Other" ? "other" : (call.action ?? "other"),
      path: storable(withoutKeys(call.path)),
      credential: findCredential(call)
    }
  }))

const read = (question: AuthQuestion): Effect.Effect<Read, InvalidArgument> => {
  switch (question._tag) {
    case "Call":
      return readCall(question.call)
    case "Key": {
      const { streamKeyId, path } = question
      const credential = { foundIn: null, keyPrefix: null }
      const parsed = { protocol: null, action: "publish", path: storable(withoutKeys(path)), credential }
      return Effect.succeed({ ask: { _tag: "KeyAndPath", streamKeyId, path }, parsed })
    }
    default: {
      const call = encoderCall(question)
      return "_tag" in call ? Effect.fail(invalid(call.field, call.expected)) : readCall(call)
    }
  }
}

const recentOf = Effect.fnUntraced(function* (path: string, keyPrefix: string | null) {
  const page = { limit: RECENT_MAX, after: null }
  const lists = yield* Effect.all([
    path === ""
      ? Effect.succeed([])
      : Effect.map(listAuthDecisions({ path, outcomes: REFUSED }, page), ({ items }) => items),
    keyPrefix === null
      ? Effect.succeed([])
      : Effect.map(listAuthDecisions({ keyPrefix, outcomes: REFUSED }, page), ({ items }) => items)
  ])
  const byId = new Map(lists.flat().map((decision) => [decision.id, decision]))
  return [...byId.values()]
    .sort((a, b) => b.lastAt.epochMilliseconds - a.lastAt.epochMilliseconds || (a.id < b.id ? 1 : -1))
    .slice(0, RECENT_MAX)
})

const factsIn = (outcome: AccessOutcome) =>
  outcome._tag === "Publish" ? outcome.facts : outcome._tag === "Refuse" ? outcome.refusal.facts : null

/** What the caller may see of the facts: all, or what is of its own broadcaster. */
const visibleFacts = (outcome: AccessOutcome, only: BroadcasterId | null): DecisionFacts | null => {
  const facts = factsIn(outcome)
  if (facts === null) return null
  if (only === null) return decisionFactsOf(facts)
  return facts.key?.broadcasterId === only ? ownFacts(decisionFactsOf(facts)) : null
}

/**
 * What `/auth` would answer now. Fails with `InvalidArgument` for settings with which no encoder gets as far as the auth call, and for the id of a key
 * that is not there; with `StoreUnavailable` where `/auth` would be a 503.
 */
export const checkAuth = Effect.fn("checkAuth")(function* (question: AuthQuestion) {
  const { ask, parsed } = yield* read(question)
  const { only } = yield* CurrentCaller
  const outcome = yield* foreseeAdmission(ask)
  const key = factsIn(outcome)?.key ?? null
  if (ask._tag === "KeyAndPath" && (key === null || (only !== null && key.broadcasterId !== only))) {
    const isKnown = outcome._tag === "Refuse" && outcome.refusal.facts === null
    if (!isKnown) return yield* invalid("streamKeyId", "Expected the id of a stream key that exists")
  }
  const refusal = outcome._tag === "Refuse" ? outcome.refusal : null
  const credential = { ...parsed.credential, keyPrefix: parsed.credential.keyPrefix ?? key?.prefix ?? null }
  const facts = visibleFacts(outcome, only)
  const check: AuthCheck = {
    parsed: { ...parsed, credential },
    checks: accessReport(parsed, outcome),
    decision: refusal === null ? "allow" : "refuse",
    reason: refusal?.reason ?? null,
    rule: refusal?.rule ?? null,
    detail: refusal?.detail ?? null,
    remedy: refusal === null ? null : admissionRules[refusal.rule].remedy,
    streamKeyId: facts?.key?.id ?? null,
    facts,
    recent: yield* recentOf(parsed.path, credential.keyPrefix)
  }
  return check
})
