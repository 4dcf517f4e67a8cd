/** Prunes the event log in the background: events older than `EVENTS_KEEP`, in batches with pauses. Any instance may do it, several at once, too. */
import { Effect, Metric } from "effect"
import * as Metrics from "../Metrics.ts"
import { Events } from "../ports/Events.ts"
import { pruneRegularly } from "./pruneRegularly.ts"

/** A batch of so many events takes less than a tenth of a second. */
const EVENTS_BATCH = 5_000
const BETWEEN_BATCHES = "250 millis"

const pruneAll = Effect.fn("pruneEvents")(function* (keepDays: number) {
  const events = yield* Events
  let gone = 0
  while (true) {
    const batch = yield* events.prune(keepDays, EVENTS_BATCH)
    yield* Metric.update(Metrics.pruned("events"), batch)
    gone += batch
    if (batch < EVENTS_BATCH) break
    yield* Effect.sleep(BETWEEN_BATCHES)
  }
  if (gone > 0) {
    yield* Effect.logInfo("old events pruned").pipe(Effect.annotateLogs({ events: gone, keep_days: keepDays }))
  }
})

/** Runs until it is interrupted. */
export const pruneEvents = (keepDays: number) =>
  pruneRegularly({ kind: "events_not_pruned", what: "old events" }, pruneAll(keepDays))
