/**
 * Workers without processes. `work` is a worker's whole run and returns the reason of its end. Without `work`, a worker runs until
 * `finish` ends it. A stop takes `stopMillis`. For tests, and as an example for embedders.
 */
import { MediaWorker, type PipelineId, type ProcessRef, type WorkerOrder } from "@greenroom/core"
import { Deferred, Effect, Layer } from "effect"

export interface RunningWorker {
  readonly order: WorkerOrder
  readonly mark: ProcessRef
  readonly finish: (reason: string) => void
}

export interface StagedWorkers {
  readonly layer: Layer.Layer<MediaWorker>
  /** The workers that run or are still stopping, in the order of their start. */
  readonly running: () => ReadonlyArray<RunningWorker>
  readonly of: (id: PipelineId) => ReadonlyArray<RunningWorker>
  /** How many have been started. */
  readonly started: () => number
  /** How long a stop takes. */
  stopMillis: number
  /** If not `null`, each start ends at once with this reason. */
  refuse: string | null
  /** The machine on which workers are started and ended. A test may change it. */
  host: string
  /** The marks of workers of former instances that `end` has ended. */
  readonly ended: Array<ProcessRef>
}

export const make = (work: (order: WorkerOrder) => Effect.Effect<string> = () => Effect.never): StagedWorkers => {
  const running = new Set<RunningWorker>()
  let started = 0

  const run: MediaWorker["Service"]["run"] = Effect.fnUntraced(function* (order, onStarted) {
    started += 1
    if (workers.refuse !== null) return workers.refuse
    const done = Deferred.makeUnsafe<string>()
    const worker: RunningWorker = {
      order,
      mark: { host: workers.host, pid: started, startedAt: String(started) },
      finish: (reason) => void Deferred.doneUnsafe(done, Effect.succeed(reason))
    }
    running.add(worker)
    return yield* onStarted(worker.mark).pipe(
      Effect.andThen(Effect.raceFirst(work(order), Deferred.await(done))),
      Effect.onInterrupt(() => Effect.sleep(workers.stopMillis)),
      Effect.ensuring(Effect.sync(() => running.delete(worker)))
    )
  })

  const end: MediaWorker["Service"]["end"] = (mark) =>
    Effect.sync(() => {
      if (mark.host !== workers.host) return "elsewhere"
      const left = [...running].find((one) => one.mark.pid === mark.pid && one.mark.startedAt === mark.startedAt)
      if (left === undefined) return "gone"
      left.finish("it was ended")
      workers.ended.push(mark)
      return "ended"
    })

  const workers: StagedWorkers = {
    layer: Layer.succeed(MediaWorker, MediaWorker.of({ run, end })),
    running: () => [...running],
    of: (id) => [...running].filter(({ order }) => order.id === id),
    started: () => started,
    stopMillis: 0,
    refuse: null,
    host: "memory",
    ended: []
  }
  return workers
}
