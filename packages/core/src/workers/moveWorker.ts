/** Moves a worker of the pool to its next state, with the log line and the counts that belong to the change. */
import { Effect, Metric } from "effect"
import { describeTransition } from "../domain/workers/describeWorker.ts"
import type { PipelineId } from "../domain/workers/PipelinePath.ts"
import type { ProcessRef } from "../domain/workers/WorkerRecord.ts"
import { stepWorker } from "../domain/workers/workerMachine.ts"
import { stateName, type Worker, type WorkerEvent, workerStates } from "../domain/workers/workerState.ts"
import * as Metrics from "../Metrics.ts"
import type { WorkerPool } from "./WorkerPool.ts"
import { WorkerSettings } from "./WorkerSettings.ts"

/** What happened to a run: it can be found now, or it has ended. */
export interface WorkerSignal {
  readonly id: PipelineId
  readonly run: number
  readonly event:
    | Extract<WorkerEvent, { readonly _tag: "Ended" | "NotStarted" }>
    | { readonly _tag: "Marked"; readonly mark: ProcessRef }
}

export const moveWorker = Effect.fnUntraced(function* (pool: WorkerPool, id: PipelineId, worker: Worker) {
  const { max } = yield* WorkerSettings
  const before = pool.entryOf(id).worker.phase
  const line = describeTransition(id, before, worker.phase, max)
  pool.update(id, { worker })
  if (worker.phase._tag !== before._tag) {
    if (worker.phase._tag === "Retrying") yield* Metric.update(Metrics.workerRetries, 1)
    if (worker.phase._tag === "Failed") yield* Metric.update(Metrics.workerFailures, 1)
  }
  if (line !== null) yield* Effect.logWithLevel(line.level)(line.message).pipe(Effect.annotateLogs(line.facts))
})

/** A signal of a run that is not the present one of its pipeline changes nothing. */
export const applySignal = Effect.fnUntraced(function* (
  pool: WorkerPool,
  { id, run, event }: WorkerSignal,
  now: number
) {
  const entry = pool.entries.get(id)
  if (entry === undefined || entry.run !== run) return
  if (event._tag === "Marked") return pool.update(id, { mark: event.mark })
  pool.update(id, { note: event.reason, fiber: null, mark: null, endedAt: now })
  yield* moveWorker(pool, id, stepWorker(entry.worker, event, now).worker)
})

/** Does not wait for the end of the process: a signal reports it. */
export const stopWorker = (pool: WorkerPool, id: PipelineId): void => {
  pool.entries.get(id)?.fiber?.interruptUnsafe()
}

/** This instance is not to run workers any more. */
export const withdrawAll = Effect.fnUntraced(function* (pool: WorkerPool, reason: string, now: number) {
  for (const [id, worker] of pool.workers()) {
    const step = stepWorker(worker, { _tag: "Withdrawn", reason }, now)
    yield* moveWorker(pool, id, step.worker)
    if (step.command === "stop") stopWorker(pool, id)
  }
})

/** Shows how many workers are in each state. */
export const countWorkers = Effect.fnUntraced(function* (pool: WorkerPool) {
  const states = [...pool.entries.values()].map(({ worker }) => stateName(worker.phase))
  for (const state of workerStates) {
    const count = states.filter((each) => each === state).length
    yield* Metric.update(Metric.withAttributes(Metrics.workers, { state }), count)
  }
})
