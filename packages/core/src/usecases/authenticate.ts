/**
 * The answer to MediaMTX's auth call. While it is open that media server admits no other client. `admitPublisher` decides about publishers,
 * which is nearly all of the calls; the rest is decided here.
 */
import { Effect, Metric } from "effect"
import { DecisionLog } from "../decisions/DecisionLog.ts"
import { type AuthDecision, refuse } from "../domain/access/AuthDecision.ts"
import type { AuthCall, AuthRequest } from "../domain/access/AuthRequest.ts"
import { actionOf, contentOf, faultContent } from "../domain/access/contentOf.ts"
import { decideByCall } from "../domain/access/decideByCall.ts"
import type { DecisionId } from "../domain/values/Ids.ts"
import * as Metrics from "../Metrics.ts"
import { KeyGenerator } from "../ports/KeyGenerator.ts"
import { StoreUnavailable } from "../ports/StoreUnavailable.ts"
import { withSpanIfTraced } from "../Spans.ts"
import { admitPublisher, checkKey } from "./admitPublisher.ts"
import { admitViewer, noteRefusedViewer } from "./admitViewer.ts"
import { isOperator } from "./operatorSecret.ts"

/** An answer, and the id under which it is found in the log, in traces and in the decision log. */
export type Answered = AuthDecision & { readonly decisionId: DecisionId }

/**
 * Answers one auth call of MediaMTX, which `readAuthCall` has read. A refusal is a value; the failure is `StoreUnavailable`, which is to become a 503.
 * `call`: the call as it came, for the decision log alone.
 *
 * An admitted publisher has a session in the store when this returns, and no other connection gets the key or the path. Answers within `AuthDeadline`.
 */
export const authenticate = (ask: AuthRequest, call: AuthCall | null = null) =>
  withSpanIfTraced(decideAndRecord(ask, call), "authenticate", (decision) => ({
    action: actionOf(ask),
    decision: outcomeOf(decision),
    decision_id: decision.decisionId
  }))

const outcomeOf = (decision: AuthDecision): string => (decision._tag === "Refuse" ? decision.reason : "allow")

const decideAndRecord = Effect.fnUntraced(function* (ask: AuthRequest, call: AuthCall | null) {
  const asked: Effect.Effect<AuthDecision, StoreUnavailable, Effect.Services<ReturnType<typeof decide>>> = decide(ask)
  const decision = yield* Effect.catch(asked, (error) => recordUnavailable(ask, call, error))
  yield* Metric.update(Metrics.authDecision(actionOf(ask), outcomeOf(decision)), 1)
  const decisionId = yield* record(ask, call, decision)
  if (ask._tag === "View" && decision._tag === "Refuse" && decision.viewer !== null && !decision.quiet) {
    yield* noteRefusedViewer(ask, decision.viewer, decision, decisionId)
  }
  const answered: Answered = { ...decision, decisionId }
  return answered
})

/** Viewers, and the service's own calls of the control API, are let in all the time: they are not kept. */
const isKept = ({ _tag }: AuthDecision): boolean => _tag !== "Allow" && _tag !== "AllowViewer"

const record = Effect.fnUntraced(function* (ask: AuthRequest, call: AuthCall | null, decision: AuthDecision) {
  if (!isKept(decision)) return (yield* (yield* KeyGenerator).uuid) as DecisionId
  const log = yield* DecisionLog
  return yield* log.add({
    content: contentOf(ask, call, decision),
    isFirstAsk: decision._tag === "Refuse" && decision.quiet,
    sourceId: ask._tag === "Publish" ? ask.sourceId : null
  })
})

/** A call that the store did not answer is refused by the media server, so it is found in the log like a refusal. */
const recordUnavailable = Effect.fnUntraced(function* (
  ask: AuthRequest,
  call: AuthCall | null,
  { operation, cause, rolledBack }: StoreUnavailable
) {
  const log = yield* DecisionLog
  const content = faultContent("store_unavailable", { ask, call })
  const decisionId = yield* log.add({ content, isFirstAsk: false, sourceId: null })
  return yield* new StoreUnavailable({
    operation,
    cause,
    ...(rolledBack === undefined ? {} : { rolledBack }),
    decisionId
  })
})

const decide = (ask: AuthRequest) => {
  switch (ask._tag) {
    case "Publish":
      return admitPublisher(ask)
    case "Check":
      return checkKey(ask)
    case "View":
      return admitViewer(ask)
    case "Operate":
      return Effect.map(isOperator(ask.secrets), (may) =>
        may ? allow : refuse("api_secret_needed", needsSecret(ask.action), null, ask.secrets.length === 0)
      )
    default:
      return Effect.succeed(decideByCall(ask))
  }
}

const allow: AuthDecision = { _tag: "Allow" }

const needsSecret = (action: string): string => `The API secret is needed for the action ${action}`
