/**
 * Prunes the history in the background: every hour, in small batches with pauses, so that no statement is long and the database has time
 * for everything else. Any instance may do it; the store lets one at a time. It never ends and never fails: what went wrong is a condition,
 * and is tried again in the next hour.
 */
import { Cause, Clock, Effect, Exit, Metric } from "effect"
import * as Metrics from "../Metrics.ts"
import { Retention } from "../ports/Retention.ts"
import { StoreUnavailable } from "../ports/StoreUnavailable.ts"
import { makeConditions, setCondition } from "../resilience/Conditions.ts"

/** A batch of so many streams takes about a tenth of a second (docs/measurements.md). */
const PRUNE_BATCH = 500
const BETWEEN_BATCHES = "250 millis"
const AFTER_START = "1 minute"
const BETWEEN_RUNS = "1 hour"

export interface Pruned {
  readonly streams: number
  readonly keys: number
  /** False when another instance prunes at this moment. */
  readonly complete: boolean
}

/** Prunes in batches until one is not full. */
const pruneAll = Effect.fn("pruneHistory")(function* (keepDays: number) {
  const retention = yield* Retention
  const gone = { streams: 0, keys: 0 }
  while (true) {
    const batch = yield* retention.prune(keepDays, PRUNE_BATCH)
    if (batch._tag === "Busy") return { ...gone, complete: false } as Pruned
    yield* Metric.update(Metrics.pruned("streams"), batch.streams)
    yield* Metric.update(Metrics.pruned("keys"), batch.keys)
    gone.streams += batch.streams
    gone.keys += batch.keys
    if (batch.streams < PRUNE_BATCH && batch.keys < PRUNE_BATCH) return { ...gone, complete: true } as Pruned
    yield* Effect.sleep(BETWEEN_BATCHES)
  }
})

const CANNOT = "history cannot be pruned; tried again every hour"
const CAN_AGAIN = "history can be pruned again"

const report = Effect.fnUntraced(function* (pruned: Pruned, keepDays: number) {
  const { complete, ...gone } = pruned
  if (complete) yield* Metric.update(Metrics.lastPruned, (yield* Clock.currentTimeMillis) / 1000)
  if (gone.streams + gone.keys === 0) return
  yield* Effect.logInfo("history pruned").pipe(Effect.annotateLogs({ ...gone, keep_days: keepDays }))
})

/** Runs until it is interrupted. */
export const pruneHistory = Effect.fnUntraced(function* (keepDays: number) {
  const conditions = makeConditions()
  yield* setCondition("history_not_pruned", false)
  const run = Effect.gen(function* () {
    const exit = yield* Effect.exit(pruneAll(keepDays))
    if (Exit.isSuccess(exit)) {
      yield* report(exit.value, keepDays)
      return yield* conditions.set("history_not_pruned", false, CAN_AGAIN)
    }
    if (Cause.hasInterruptsOnly(exit.cause)) return yield* Effect.failCause(exit.cause)
    const error = Cause.squash(exit.cause)
    if (!(error instanceof StoreUnavailable)) yield* Effect.logError("a defect in pruning", exit.cause)
    const message = error instanceof Error ? error.message : String(error)
    yield* conditions.set("history_not_pruned", true, CANNOT, { annotations: { error: message } })
  })
  yield* Effect.sleep(AFTER_START)
  return yield* Effect.forever(Effect.andThen(run, Effect.sleep(BETWEEN_RUNS)))
})
