/**
 * The troubles that a running Greenroom can be in, as one gauge with a label: whoever sees a 1 finds the kind in docs/operating.md. Each
 * has a log line of its own where it begins and where it ends.
 */
import { Effect, Metric } from "effect"
import * as Metrics from "../Metrics.ts"

export const conditionKinds = [
  /** The store does not answer: nobody is admitted. */
  "store",
  /** The reconciler's calls to the store fail, whatever the admissions' do. */
  "reconciler_store",
  "media_server_absent",
  "media_server_unreachable",
  "media_server_refused",
  "media_server_nonsense",
  /** The lease ran out in the middle of a pass: this process was frozen, or its store is slow. */
  "lease_lost",
  /** A pass was given up because it took too long. */
  "pass_too_long",
  /** A defect. */
  "reconciler_failed",
  "mass_kick_held_back",
  /** An admission whose answer was lost has not been ended yet. */
  "regrets_pending",
  /** What is older than HISTORY_KEEP could not be pruned at the last try. */
  "history_not_pruned",
  /** A listener refuses connections, or closes those that wait longest for their clients. */
  "connections_limited",
  /** Lists are answered with 503: too many are asked for at once. */
  "lists_refused"
] as const
export type ConditionKind = (typeof conditionKinds)[number]

export const setCondition = (kind: ConditionKind, lasts: boolean) =>
  Metric.update(Metric.withAttributes(Metrics.degraded, { kind }), lasts ? 1 : 0)

/** So that a trouble that never was is a 0 and not missing. */
export const clearConditions = Effect.forEach(conditionKinds, (kind) => setCondition(kind, false), { discard: true })
