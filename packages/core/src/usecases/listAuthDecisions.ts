/** The decision log, as people ask it: why was an encoder refused, or let in? And what else than the core's own decisions is written to it. */
import { Effect, Schema } from "effect"
import { DecisionLog } from "../decisions/DecisionLog.ts"
import { refusalReasons } from "../domain/access/AuthDecision.ts"
import { type FaultReason, faultReasons } from "../domain/access/admissionRules.ts"
import { faultContent } from "../domain/access/contentOf.ts"
import {
  type DecisionFilter,
  decisionOutcomes,
  ownFacts,
  type RecordedDecision
} from "../domain/access/RecordedDecision.ts"
import { withoutKeys } from "../domain/access/StreamPath.ts"
import { BroadcasterId } from "../domain/values/Ids.ts"
import { isStorable } from "../domain/values/PlainText.ts"
import { AuthDecisions } from "../ports/AuthDecisions.ts"
import type { PageRequest } from "../ports/Page.ts"
import { Instant, pageFields } from "./argumentSchemas.ts"
import { CurrentCaller } from "./CurrentCaller.ts"
import { checkArguments } from "./InvalidArgument.ts"
import { withinCallersLimit } from "./visibleToCaller.ts"

/** A value that is compared with what the log has. */
const Compared = Schema.String.check(
  Schema.makeFilter((text) => isStorable(text) || "Expected text without NUL and lone surrogates")
)

const check = checkArguments("listAuthDecisions", {
  path: Schema.optionalKey(Compared),
  keyPrefix: Schema.optionalKey(Compared),
  reasons: Schema.optionalKey(Schema.Array(Schema.Literals([...refusalReasons, ...faultReasons]))),
  outcomes: Schema.optionalKey(Schema.Array(Schema.Literals(decisionOutcomes))),
  ip: Schema.optionalKey(Compared),
  since: Schema.optionalKey(Instant),
  broadcasterId: Schema.optionalKey(BroadcasterId),
  ...pageFields
})

/** For a caller that is limited to a broadcaster: who else has the path is not its to see. */
const withoutOthers = (decision: RecordedDecision): RecordedDecision => ({
  ...decision,
  facts: decision.facts === null ? null : ownFacts(decision.facts)
})

/** Newest first. A path with a key in it is compared as the log has it, without the key. */
export const listAuthDecisions = Effect.fn("listAuthDecisions")(function* (filter: DecisionFilter, page: PageRequest) {
  const { limit, after, path, ...rest } = yield* check({ ...filter, ...page })
  const decisions = yield* AuthDecisions
  const comparable = { ...rest, ...(path === undefined ? {} : { path: withoutKeys(path) }) }
  const found = yield* decisions.list(yield* withinCallersLimit(comparable), { limit, after })
  const { only } = yield* CurrentCaller
  return only === null ? found : { ...found, items: found.items.map(withoutOthers) }
})

/** An auth call that was refused before it was read. `ip`: of the caller. */
export const recordRefusedCall = (fault: FaultReason, ip: string | null) =>
  Effect.flatMap(DecisionLog, (log) =>
    log.add({ content: faultContent(fault, { ask: null, call: null, ip }), isFirstAsk: false, sourceId: null })
  )
