/** Workers that a former instance, or this one before it lost the lease, has left: their processes are ended where they can be found. */
import { Effect, FiberSet } from "effect"
import type { ProcessRef, WorkerRecord } from "../domain/workers/WorkerRecord.ts"
import type { Worker } from "../domain/workers/workerState.ts"
import { MediaWorker } from "../ports/MediaWorker.ts"
import type { WorkerRuns } from "./startWorker.ts"

/** The worker as its record shows it. Its process, if one may be left, is to be ended. */
const workerOf = ({ state, inputStreamId: source, attempt, mark, reason }: WorkerRecord): Worker => ({
  phase:
    state === "failed"
      ? { _tag: "Failed", source, attempt, reason: reason ?? "" }
      : { _tag: "Stopped", reason: state === "stopped" ? reason : "the instance that ran it has gone" },
  process: mark === null ? "none" : "ending"
})

const outcomes = {
  ended: "a worker that a former instance left behind was ended",
  elsewhere: "a worker of another machine may be left: its output is taken off the air",
  gone: null
} as const

const endProcess = Effect.fnUntraced(function* ({ id }: WorkerRecord, mark: ProcessRef) {
  const mediaWorker = yield* MediaWorker
  const message = outcomes[yield* mediaWorker.end(mark)]
  if (message === null) return
  yield* Effect.logWarning(message).pipe(Effect.annotateLogs({ pipeline: id, host: mark.host, pid: mark.pid }))
})

/** Does nothing for a pipeline whose worker this instance has run itself. */
export const adoptOrphan = Effect.fnUntraced(function* ({ pool, fibers, emit }: WorkerRuns, record: WorkerRecord) {
  const { id, mark } = record
  if (pool.entryOf(id).run !== 0) return
  const run = pool.nextRun()
  pool.update(id, { run, mark, worker: workerOf(record) })
  if (mark === null) return
  const ended = emit({ id, run, event: { _tag: "Ended", reason: "left behind" } })
  const end = Effect.ensuring(Effect.ignoreCause(endProcess(record, mark)), ended)
  pool.update(id, { fiber: yield* FiberSet.run(fibers, end) })
})
