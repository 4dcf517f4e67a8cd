/** Deletes what is old in batches with pauses, so that no statement is long and the database has time for everything else. */
import { Effect, Metric } from "effect"
import * as Metrics from "../Metrics.ts"
import type { StoreUnavailable } from "../ports/StoreUnavailable.ts"

/** A batch of so many rows takes less than a tenth of a second. */
const BATCH = 5_000
const BETWEEN_BATCHES = "250 millis"

/** `prune` deletes at most `limit` and gives how many; `what` is the metric's attribute and the log line's. */
export const pruneInBatches = Effect.fnUntraced(function* <R>(
  what: "events" | "audit_entries" | "playback_tokens",
  keepDays: number,
  prune: (limit: number) => Effect.Effect<number, StoreUnavailable, R>
) {
  let gone = 0
  while (true) {
    const batch = yield* prune(BATCH)
    yield* Metric.update(Metrics.pruned(what), batch)
    gone += batch
    if (batch < BATCH) break
    yield* Effect.sleep(BETWEEN_BATCHES)
  }
  if (gone > 0) {
    yield* Effect.logInfo(`old ${what.replace("_", " ")} pruned`).pipe(
      Effect.annotateLogs({ [what]: gone, keep_days: keepDays })
    )
  }
})
