/** What a complete pass of the leader means for the workers: some start, some stop, and publishers on outputs that are no workers have to go. */
import { Effect } from "effect"
import { type PipelineOutput, pipelineView, planWorkers } from "../domain/workers/planWorkers.ts"
import { Sessions } from "../ports/Sessions.ts"
import { Workers } from "../ports/Workers.ts"
import { ReconcilePolicy } from "../reconciler/ReconcilePolicy.ts"
import { Reconciler } from "../reconciler/Reconciler.ts"
import type { PassOutcome } from "../reconciler/runPass.ts"
import { monotonicMillis } from "../resilience/ProcessClock.ts"
import { adoptOrphan } from "./adoptOrphan.ts"
import { moveWorker, stopWorker } from "./moveWorker.ts"
import { startWorker, type WorkerRuns } from "./startWorker.ts"
import { keysInUse } from "./WorkerPool.ts"
import { WorkerSettings } from "./WorkerSettings.ts"

type Complete = Extract<PassOutcome, { readonly _tag: "Complete" }>

/** From now on this instance runs the workers: what others left is found and ended first. */
export const takeOver = Effect.fnUntraced(function* (runs: WorkerRuns) {
  const unfinished = yield* (yield* Workers).unfinished
  runs.pool.forget()
  for (const record of unfinished) yield* adoptOrphan(runs, record)
})

/** A publisher on a worker's output that is no worker of this instance. */
const removeIntruder = Effect.fnUntraced(function* ({ id, streamId }: PipelineOutput) {
  const sessions = yield* Sessions
  const { holder } = yield* ReconcilePolicy
  if (!(yield* sessions.requestStop(streamId, "stopped", holder))) return
  yield* Effect.logWarning(
    "a publisher on a worker's output is not a worker of this instance: it is being stopped"
  ).pipe(Effect.annotateLogs({ pipeline: id, stream_id: streamId }))
  yield* (yield* Reconciler).wake
})

export const actOnPass = Effect.fnUntraced(function* ({ snapshot, sessions }: Complete, runs: WorkerRuns) {
  const { pool } = runs
  const { max } = yield* WorkerSettings
  const now = yield* monotonicMillis
  const view = pipelineView(snapshot, sessions)
  const plan = planWorkers(pool.workers(), view, keysInUse(pool, now), max, now)
  for (const [id, worker] of plan.workers) yield* moveWorker(pool, id, worker)
  pool.setOutputs(new Map(view.outputs.map(({ id, streamId }) => [id, streamId])))
  for (const id of plan.stops) stopWorker(pool, id)
  for (const id of plan.starts) yield* startWorker(runs, id)
  yield* Effect.forEach(plan.intruders, removeIntruder, { discard: true })
  const isOutputAwaited = [...plan.workers.values()].some(
    ({ phase }) => phase._tag === "Idle" && phase.why === "output_taken"
  )
  if (isOutputAwaited) yield* (yield* Reconciler).wakeSoon
})
