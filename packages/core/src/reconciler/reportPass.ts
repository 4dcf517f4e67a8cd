/**
 * What the reconciler says of a pass, in the log and in numbers: each trouble once when it begins and once when it is over, and whether
 * this instance is the one that looks.
 */
import { Cause, Effect, Exit, Metric, Schema } from "effect"
import * as Metrics from "../Metrics.ts"
import { MediaServerUnavailable } from "../ports/MediaServer.ts"
import { StoreUnavailable } from "../ports/StoreUnavailable.ts"
import { type ConditionKind, setCondition } from "../resilience/Conditions.ts"
import { elapsedAtMost, type Reading, readClocks } from "../resilience/ProcessClock.ts"
import type { KickTracker } from "./KickTracker.ts"
import { LeaseLost } from "./LeaseGuard.ts"
import type { PassOutcome } from "./runPass.ts"

export const PASS_DEADLINE_MS = 15_000
/** A media server often starts beside the reconciler: that it is not there yet is nothing to tell. */
const MAY_BE_AWAY_FOR_MS = 5_000

export class PassTooLong extends Schema.TaggedError<PassTooLong>()("PassTooLong", {}) {
  override get message() {
    return `the pass took more than ${PASS_DEADLINE_MS / 1_000} s and was given up`
  }
}

export interface ReportState {
  readonly begun: Reading
  /** What the last pass met. */
  trouble: ConditionKind | null
  /** What the log was told since the last pass that went well, each once: two that take turns must not fill it. */
  readonly told: Set<ConditionKind>
  hasSeen: boolean
  leading: boolean | null
}

export const newReportState: Effect.Effect<ReportState> = Effect.map(readClocks, (begun) => ({
  begun,
  trouble: null,
  told: new Set(),
  hasSeen: false,
  leading: null
}))

export const outcomeOf = (exit: Exit.Exit<PassOutcome, unknown>): string => {
  if (Exit.isSuccess(exit)) return exit.value._tag === "Complete" ? "complete" : "not_leading"
  const error = Cause.squash(exit.cause)
  if (error instanceof StoreUnavailable) return "store_unavailable"
  if (error instanceof LeaseLost) return "lease_lost"
  if (error instanceof PassTooLong) return "too_long"
  if (error instanceof MediaServerUnavailable) {
    return error.reason === "absent" ? "media_server_absent" : "media_server_unavailable"
  }
  return "failed"
}

const troubleOf = (exit: Exit.Exit<PassOutcome, unknown>): ConditionKind | null => {
  if (Exit.isSuccess(exit)) return null
  const error = Cause.squash(exit.cause)
  if (error instanceof StoreUnavailable) return "reconciler_store"
  if (error instanceof LeaseLost) return "lease_lost"
  if (error instanceof PassTooLong) return "pass_too_long"
  return error instanceof MediaServerUnavailable ? `media_server_${error.reason}` : "reconciler_failed"
}

export const reportPass = Effect.fnUntraced(function* (
  exit: Exit.Exit<PassOutcome, unknown>,
  kickTracker: KickTracker,
  report: ReportState
) {
  const outcome = outcomeOf(exit)
  yield* Metric.update(Metric.withAttributes(Metrics.passes, { outcome }), 1)
  yield* tellTrouble(exit, outcome, report)
  yield* tellLeading(outcome, report)
  if (Exit.isSuccess(exit) && exit.value._tag === "NotLeading") {
    // The leader's instance shows these.
    yield* kickTracker.handOver
    yield* setCondition("mass_kick_held_back", false)
    const leaders = [Metrics.unauthorizedPublishers, Metrics.unlistedPublishers, Metrics.staying]
    for (const gauge of leaders) yield* Metric.update(gauge, 0)
  } else if (Exit.isSuccess(exit) && exit.value._tag === "Complete") {
    yield* setCondition("mass_kick_held_back", exit.value.found.heldWhy === "too_many")
  }
})

const SEES = "the reconciler sees"
const SEES_AGAIN = "the reconciler sees again"
const STANDS_BY = "the reconciler's trouble is over: another instance looks, this one stands by"

const tellTrouble = Effect.fnUntraced(function* (
  exit: Exit.Exit<PassOutcome, unknown>,
  outcome: string,
  report: ReportState
) {
  const trouble = troubleOf(exit)
  if (trouble !== report.trouble) {
    if (report.trouble !== null) yield* setCondition(report.trouble, false)
    if (trouble !== null) yield* setCondition(trouble, true)
    report.trouble = trouble
  }
  if (trouble === null || Exit.isSuccess(exit)) {
    const standsBy = Exit.isSuccess(exit) && exit.value._tag === "NotLeading"
    if (report.told.size > 0) yield* Effect.logInfo(standsBy ? STANDS_BY : report.hasSeen ? SEES_AGAIN : SEES)
    report.told.clear()
    if (!standsBy) report.hasSeen = true
    return
  }
  if (report.told.has(trouble)) return
  const absent = trouble === "media_server_absent"
  const isNotThere = absent || trouble === "media_server_unreachable"
  if (isNotThere && !report.hasSeen && elapsedAtMost(report.begun, yield* readClocks) < MAY_BE_AWAY_FOR_MS) return
  report.told.add(trouble)
  const error = Cause.squash(exit.cause)
  yield* (
    absent
      ? Effect.logInfo("there is no media server to look at yet")
      : Effect.logWarning("the reconciler cannot see; the stored state stands until it can")
  ).pipe(Effect.annotateLogs({ outcome, error: error instanceof Error ? error.message : String(error) }))
  if (trouble === "reconciler_failed") yield* Effect.logError("a defect in a pass of the reconciler", exit.cause)
})

/** Of a change alone: an instance that leads or stands by from its beginning has nothing to tell. */
const tellLeading = Effect.fnUntraced(function* (outcome: string, report: ReportState) {
  const leads =
    outcome === "complete" || outcome === "media_server_absent" || outcome === "media_server_unavailable"
      ? true
      : outcome === "failed" || outcome === "too_long"
        ? null
        : false
  if (leads === null) return
  yield* Metric.update(Metrics.leading, leads ? 1 : 0)
  if (outcome === "store_unavailable" || outcome === "lease_lost" || leads === report.leading) return
  const before = report.leading
  report.leading = leads
  if (before === null) return
  yield* leads
    ? Effect.logInfo("this instance reconciles now")
    : Effect.logWarning("this instance has lost the lease: another one may reconcile now")
})
