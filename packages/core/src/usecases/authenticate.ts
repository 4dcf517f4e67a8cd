/**
 * The answer to MediaMTX's auth call. While it is open that media server admits no other client. `admitPublisher` decides about publishers,
 * which is nearly all of the calls; the rest is decided here.
 */
import { Effect, Metric } from "effect"
import { type AuthDecision, refuse } from "../domain/access/AuthDecision.ts"
import type { AuthRequest } from "../domain/access/AuthRequest.ts"
import { refusePath } from "../domain/access/decideAdmission.ts"
import * as Metrics from "../Metrics.ts"
import { withSpanIfTraced } from "../Spans.ts"
import { admitPublisher, checkKey, unsupportedProtocol } from "./admitPublisher.ts"
import { isOperator } from "./operatorSecret.ts"

/** The metric's attribute `action`. */
const actionOf = (ask: AuthRequest): string => {
  switch (ask._tag) {
    case "Publish":
    case "Misplaced":
    case "Unsupported":
      return "publish"
    case "Check":
      return "check"
    case "Other":
      return "other"
    default:
      return ask.action
  }
}

/**
 * Answers one auth call of MediaMTX, which `readAuthCall` has read. A refusal is a value; the failure is `StoreUnavailable`, which is to become a 503.
 *
 * An admitted publisher has a session in the store when this returns, and no other connection gets the key or the path. Answers within `AuthDeadline`.
 */
export const authenticate = (ask: AuthRequest) =>
  withSpanIfTraced(decideAndCount(ask), "authenticate", (decision) => ({
    action: actionOf(ask),
    decision: outcomeOf(decision)
  }))

const outcomeOf = (decision: AuthDecision): string => (decision._tag === "Refuse" ? decision.reason : "allow")

const decideAndCount = Effect.fnUntraced(function* (ask: AuthRequest) {
  const decision: AuthDecision = yield* decide(ask)
  yield* Metric.update(Metrics.authDecision(actionOf(ask), outcomeOf(decision)), 1)
  return decision
})

const decide = (ask: AuthRequest) => {
  switch (ask._tag) {
    case "Publish":
      return admitPublisher(ask)
    case "Check":
      return checkKey(ask)
    case "Misplaced":
      return Effect.succeed(refusePath(ask.path) ?? refuse("invalid_stream_key", ask.detail))
    case "Unsupported":
      return Effect.succeed(unsupportedProtocol)
    case "View":
      return Effect.succeed(allow)
    case "Operate":
      return Effect.map(isOperator(ask.secrets), (may) =>
        may ? allow : refuse("unauthorized", needsSecret(ask.action), null, ask.secrets.length === 0)
      )
    case "Other":
      return Effect.succeed(refuse("unauthorized", UNKNOWN_ACTION))
  }
}

/** Viewer access control would begin here: `read` and `playback` are open to every client. */
const allow: AuthDecision = { _tag: "Allow" }

const needsSecret = (action: string): string => `The API secret is needed for the action ${action}`

const UNKNOWN_ACTION = "Only publish, read, playback, api, metrics and pprof are actions that can be allowed"
