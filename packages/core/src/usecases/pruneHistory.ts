/**
 * Prunes the history in the background, in small batches with pauses, so that no statement is long and the database has time for everything
 * else. Any instance may do it; the store lets one at a time.
 */
import { Clock, Effect, Metric } from "effect"
import * as Metrics from "../Metrics.ts"
import { Retention } from "../ports/Retention.ts"
import { pruneRegularly } from "./pruneRegularly.ts"

/** A batch of so many streams takes about a tenth of a second (docs/measurements.md). */
const PRUNE_BATCH = 500
const BETWEEN_BATCHES = "250 millis"

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

const report = Effect.fnUntraced(function* (pruned: Pruned, keepDays: number) {
  const { complete, ...gone } = pruned
  if (complete) yield* Metric.update(Metrics.lastPruned, (yield* Clock.currentTimeMillis) / 1000)
  if (gone.streams + gone.keys === 0) return
  yield* Effect.logInfo("history pruned").pipe(Effect.annotateLogs({ ...gone, keep_days: keepDays }))
})

/** Runs until it is interrupted. */
export const pruneHistory = (keepDays: number) =>
  pruneRegularly(
    { kind: "history_not_pruned", what: "history" },
    Effect.flatMap(pruneAll(keepDays), (pruned) => report(pruned, keepDays))
  )
