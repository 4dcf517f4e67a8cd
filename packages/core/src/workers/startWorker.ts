/** Starts a worker's process with a key of its own, or ends one that a former instance has left. Their ends come as signals. */
import { Cause, Effect, Exit, FiberSet, Metric, Redacted } from "effect"
import { KEY_PREFIX_LENGTH } from "../domain/access/StreamKey.ts"
import type { StreamKeyId } from "../domain/values/Ids.ts"
import { type PipelineId, pipelinePath } from "../domain/workers/PipelinePath.ts"
import { streamOf, type WorkerSource } from "../domain/workers/workerSource.ts"
import { workerInput, workerOutput, workerRtmpOutput } from "../domain/workers/workerUrls.ts"
import * as Metrics from "../Metrics.ts"
import { CurrentViewers } from "../playback/CurrentViewers.ts"
import { KeyGenerator } from "../ports/KeyGenerator.ts"
import { MediaWorker, type WorkerOrder } from "../ports/MediaWorker.ts"
import { Workers } from "../ports/Workers.ts"
import { ReconcilePolicy } from "../reconciler/ReconcilePolicy.ts"
import type { WorkerSignal } from "./moveWorker.ts"
import type { WorkerPool } from "./WorkerPool.ts"
import { WorkerSettings } from "./WorkerSettings.ts"

/** Within this a worker must have been admitted: it connects at once, and the key that `ps` shows is then used up. */
const WORKER_KEY_GOOD_FOR_MS = 10_000

/** What runs for the pool, and where it reports to. */
export interface WorkerRuns {
  readonly pool: WorkerPool
  readonly fibers: FiberSet.FiberSet<void>
  readonly emit: (signal: WorkerSignal) => Effect.Effect<void>
}

const WORKER_KEYS_KEPT = 1_000

const noteWorkerKey = (known: Map<StreamKeyId, string>, added: StreamKeyId, source: string): void => {
  known.set(added, source)
  for (const oldest of known.keys()) {
    if (known.size <= WORKER_KEYS_KEPT) return
    known.delete(oldest)
  }
}

type RunResult = Extract<WorkerSignal["event"], { readonly _tag: "Ended" | "NotStarted" }>

/** The order for the worker; `null` when its key was not issued. */
const prepare = Effect.fnUntraced(function* (id: PipelineId, source: WorkerSource, keyId: StreamKeyId) {
  const settings = yield* WorkerSettings
  const generator = yield* KeyGenerator
  const workers = yield* Workers
  const { holder } = yield* ReconcilePolicy
  const value = yield* generator.generate
  const isIssued = yield* workers.issueKey(
    {
      keyId,
      hash: generator.hash(value),
      keyPrefix: Redacted.value(value).slice(0, KEY_PREFIX_LENGTH),
      label: `Worker of ${pipelinePath(id, "in")}`,
      path: pipelinePath(id, "out"),
      source: streamOf(source),
      inputPath: pipelinePath(id, "in"),
      admitWithinMillis: WORKER_KEY_GOOD_FOR_MS
    },
    holder
  )
  if (!isIssued) return null
  const order: WorkerOrder = {
    id,
    input: workerInput(settings, id, keyId, value),
    output: workerOutput(settings, id, value),
    rtmpOutput: workerRtmpOutput(settings, id, value)
  }
  return order
})

const runWorker = Effect.fnUntraced(function* (
  id: PipelineId,
  source: WorkerSource,
  keyId: StreamKeyId,
  marked: Parameters<MediaWorker["Service"]["run"]>[1]
) {
  const order = yield* prepare(id, source, keyId)
  if (order === null) {
    const result: RunResult = { _tag: "NotStarted", reason: "its source is going, or another instance leads" }
    return result
  }
  yield* Metric.update(Metrics.workerStarts, 1)
  const mediaWorker = yield* MediaWorker
  const result: RunResult = { _tag: "Ended", reason: yield* mediaWorker.run(order, marked) }
  return result
})

const resultOf = (exit: Exit.Exit<RunResult, Error>): RunResult => {
  if (Exit.isSuccess(exit)) return exit.value
  if (Cause.hasInterruptsOnly(exit.cause)) return { _tag: "Ended", reason: "it was stopped" }
  const error = Cause.squash(exit.cause)
  const reason = error instanceof Error ? error.message : String(error)
  return { _tag: Cause.hasDies(exit.cause) ? "Ended" : "NotStarted", reason }
}

/** For a worker that `planWorkers` has granted a start. */
export const startWorker = Effect.fnUntraced(function* ({ pool, fibers, emit }: WorkerRuns, id: PipelineId) {
  const { phase } = pool.entryOf(id).worker
  if (phase._tag !== "Connecting") return
  const generator = yield* KeyGenerator
  const keyId = (yield* generator.uuid) as StreamKeyId
  // By it the worker's own session is known among those that read its source.
  noteWorkerKey((yield* CurrentViewers).workerKeys, keyId, pipelinePath(id, "in"))
  const run = pool.nextRun()
  pool.update(id, { run, keyId, mark: null, output: null, endedAt: null })
  const work = runWorker(id, phase.source, keyId, (mark) => emit({ id, run, event: { _tag: "Marked", mark } }))
  const reported = Effect.onExit(work, (exit) => emit({ id, run, event: resultOf(exit) }))
  pool.update(id, { fiber: yield* FiberSet.run(fibers, Effect.ignoreCause(reported)) })
})
