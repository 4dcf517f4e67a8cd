/** Writes what a pass changes to the log, the conditions and the metrics. `describePassChange` decides what that is. */
import { Effect, Metric } from "effect"
import type { LogLine } from "../domain/reconciliation/describeFindings.ts"
import { describePassChange, type PassHistory } from "../domain/reconciliation/describePassChange.ts"
import type { Findings } from "../domain/reconciliation/PassReport.ts"
import * as Metrics from "../Metrics.ts"
import type { ConditionKind, Conditions } from "../resilience/Conditions.ts"
import type { PassOutcome, PassResult } from "./runPass.ts"

const leadersGauges = [Metrics.unauthorizedPublishers, Metrics.unlistedPublishers, Metrics.staying]

/** Those of the leader are 0 on a follower; a pass that failed changes none of them. */
const showGauges = Effect.fnUntraced(function* (outcome: PassOutcome) {
  if (outcome._tag === "NotLeading") {
    for (const gauge of leadersGauges) yield* Metric.update(gauge, 0)
  }
  if (outcome._tag === "Complete") {
    yield* Metric.update(Metrics.unendedStreams, outcome.open)
    yield* Metric.update(Metrics.staying, outcome.staying)
    yield* Metric.update(Metrics.unlistedPublishers, outcome.unlisted)
    yield* Metric.update(Metrics.unauthorizedPublishers, outcome.found.reported + outcome.found.heldBack)
  }
})

const log = ({ level, message, annotations }: LogLine): Effect.Effect<void> =>
  Effect.annotateLogs(Effect.logWithLevel(level)(message), annotations)

/** `before`: what this instance found in the pass before, if it led then. The history for the next pass. */
export const reportPass = Effect.fnUntraced(function* (
  { outcome, report }: PassResult,
  before: Findings | null,
  history: PassHistory,
  conditions: Conditions<ConditionKind>
) {
  const change = describePassChange(history, before, report)
  yield* Metric.update(Metric.withAttributes(Metrics.passes, { outcome: report.outcome }), 1)
  yield* showGauges(outcome)
  for (const line of change.lines) yield* log(line)
  const isNewDefect = change.history.logged.has("reconciler_failed") && !history.logged.has("reconciler_failed")
  if (isNewDefect && outcome._tag === "Failed") {
    yield* Effect.logError("a defect in a pass of the reconciler", outcome.cause)
  }
  for (const { kind, active } of change.conditions) yield* conditions.set(kind, active)
  if (change.leads !== null) yield* Metric.update(Metrics.leading, change.leads ? 1 : 0)
  return change.history
})
