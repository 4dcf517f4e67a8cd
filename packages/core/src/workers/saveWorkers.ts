/** Writes down what has changed of the workers, so that any instance can list them and a successor can find their processes. */
import { Effect } from "effect"
import { Workers } from "../ports/Workers.ts"
import { ReconcilePolicy } from "../reconciler/ReconcilePolicy.ts"
import { changeOf, type WorkerPool } from "./WorkerPool.ts"
import { WorkerSettings } from "./WorkerSettings.ts"

/** Workers that are over are forgotten once they are written down. What was not written is tried again with the next call. */
export const saveWorkers = Effect.fnUntraced(function* (pool: WorkerPool, now: number) {
  const workers = yield* Workers
  const { holder } = yield* ReconcilePolicy
  const { max } = yield* WorkerSettings
  const changed = [...pool.entries].flatMap(([id, entry]) => {
    const change = changeOf(id, entry, max, now)
    // The time to the next attempt changes all the while; that there is one does not.
    const text = JSON.stringify({ ...change, retryInMillis: change.retryInMillis !== null })
    return text === entry.saved ? [] : [{ id, change, text }]
  })
  if (changed.length > 0) {
    const isSaved = yield* workers.save(
      changed.map(({ change }) => change),
      holder
    )
    if (isSaved) for (const { id, text } of changed) pool.update(id, { saved: text })
  }
  pool.sweep(now)
})
