/**
 * Prunes the history in the background: every hour, in small batches with pauses, so that no statement is long and the database has time
 * for everything else. Any instance may do it; the store lets one at a time. It never ends and never fails: what went wrong is a condition,
 * and is tried again in the next hour.
 */
import { Cause, Clock, Effect, Exit, Metric } from "effect"
import * as Metrics from "../Metrics.ts"
import { Retention } from "../ports/Retention.ts"
import { StoreUnavailable } from "../ports/StoreUnavailable.ts"
import { setCondition } from "../resilience/Conditions.ts"

/** A batch of so many streams takes about a tenth of a second (docs/measurements.md). */
export const PRUNE_BATCH = 500
const BETWEEN_BATCHES = "250 millis"
const AFTER_START = "1 minute"
const BETWEEN_RUNS = "1 hour"

/** Batches until one is not full. What went; `complete` is false when another instance is at it. */
export const pruneAll = Effect.fn("pruneHistory")(function* (keepDays: number) {
  const retention = yield* Retention
  const gone = { streams: 0, keys: 0 }
  while (true) {
    const batch = yield* retention.prune(keepDays, PRUNE_BATCH)
    if (batch._tag === "Busy") return { ...gone, complete: false }
    yield* Metric.update(Metrics.pruned("streams"), batch.streams)
    yield* Metric.update(Metrics.pruned("keys"), batch.keys)
    gone.streams += batch.streams
    gone.keys += batch.keys
    if (batch.streams < PRUNE_BATCH && batch.keys < PRUNE_BATCH) return { ...gone, complete: true }
    yield* Effect.sleep(BETWEEN_BATCHES)
  }
})

/** Runs until it is interrupted. */
export const pruneHistory = Effect.fnUntraced(function* (keepDays: number) {
  let failing = false
  const run = Effect.gen(function* () {
    const exit = yield* Effect.exit(pruneAll(keepDays))
    if (Exit.isSuccess(exit)) {
      const { complete, ...gone } = exit.value
      if (complete) yield* Metric.update(Metrics.lastPruned, (yield* Clock.currentTimeMillis) / 1000)
      if (gone.streams + gone.keys > 0)
        yield* Effect.logInfo("history pruned").pipe(Effect.annotateLogs({ ...gone, keep_days: keepDays }))
      if (failing) yield* Effect.logInfo("history can be pruned again")
      failing = false
      return yield* setCondition("history_not_pruned", false)
    }
    if (Cause.hasInterruptsOnly(exit.cause)) return yield* Effect.failCause(exit.cause)
    const error = Cause.squash(exit.cause)
    if (!(error instanceof StoreUnavailable)) yield* Effect.logError("a defect in pruning", exit.cause)
    else if (!failing) yield* Effect.logWarning("history cannot be pruned; tried again every hour", exit.cause)
    failing = true
    yield* setCondition("history_not_pruned", true)
  })
  yield* Effect.sleep(AFTER_START)
  return yield* Effect.forever(Effect.andThen(run, Effect.sleep(BETWEEN_RUNS)))
})
