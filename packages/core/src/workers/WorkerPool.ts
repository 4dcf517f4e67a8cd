/**
 * The workers of this instance: for each pipeline its state, its process, and what was last written down of it. It only keeps books: what is to be
 * done is planned by `planWorkers`, done by `startWorker` and `adoptOrphan`, and written down by `saveWorkers`.
 */
import type { Fiber } from "effect"
import type { StreamId, StreamKeyId } from "../domain/values/Ids.ts"
import { attemptOf, describePhase } from "../domain/workers/describeWorker.ts"
import type { PipelineId } from "../domain/workers/PipelinePath.ts"
import type { ProcessRef, WorkerChange } from "../domain/workers/WorkerRecord.ts"
import { streamOf } from "../domain/workers/workerSource.ts"
import { isOver, newWorker, stateName, type Worker } from "../domain/workers/workerState.ts"

/** For how long the session of a process that has ended may stay in the store before it counts as another publisher's. */
const OUTPUT_LINGERS_MS = 3_000

export interface PoolEntry {
  readonly worker: Worker
  /** One a start, never the same twice; 0 before the first. A signal of another run is late. */
  readonly run: number
  readonly fiber: Fiber.Fiber<unknown> | null
  /** The key that its process publishes with. */
  readonly keyId: StreamKeyId | null
  readonly endedAt: number | null
  readonly mark: ProcessRef | null
  /** The session that its process publishes. */
  readonly output: StreamId | null
  /** Why its last run ended, or did not begin. */
  readonly note: string | null
  /** What was last written down, to see what has changed. */
  readonly saved: string | null
}

const newEntry: PoolEntry = {
  worker: newWorker,
  run: 0,
  fiber: null,
  keyId: null,
  endedAt: null,
  mark: null,
  output: null,
  note: null,
  saved: null
}

export const makeWorkerPool = () => {
  const entries = new Map<PipelineId, PoolEntry>()
  let runs = 0
  const entryOf = (id: PipelineId): PoolEntry => entries.get(id) ?? newEntry
  return {
    entries: entries as ReadonlyMap<PipelineId, PoolEntry>,
    entryOf,
    update: (id: PipelineId, changes: Partial<PoolEntry>): void => {
      entries.set(id, { ...entryOf(id), ...changes })
    },
    /** The number of a new run. */
    nextRun: (): number => ++runs,
    workers: (): ReadonlyMap<PipelineId, Worker> => new Map([...entries].map(([id, { worker }]) => [id, worker])),
    /** Which session each worker's process publishes, as a pass has seen. */
    setOutputs: (seen: ReadonlyMap<PipelineId, StreamId>): void => {
      for (const [id, entry] of entries) entries.set(id, { ...entry, output: seen.get(id) ?? null })
    },
    /** Before this instance leads again: others may have written since, so only processes that still end are remembered. */
    forget: (): void => {
      for (const [id, entry] of entries) {
        if (entry.worker.process === "none") entries.delete(id)
        else entries.set(id, { ...entry, saved: null })
      }
    },
    /** Forgets workers that are over and written down. */
    sweep: (now: number): void => {
      for (const [id, entry] of entries) {
        const lingers = entry.endedAt !== null && now - entry.endedAt < OUTPUT_LINGERS_MS
        if (isOver(entry.worker) && entry.saved !== null && !lingers) entries.delete(id)
      }
    }
  }
}
export type WorkerPool = ReturnType<typeof makeWorkerPool>

/** The keys of processes that publish now, or did until just now. */
export const keysInUse = (pool: WorkerPool, now: number): ReadonlyMap<PipelineId, StreamKeyId> => {
  const isInUse = ({ worker, endedAt }: PoolEntry) =>
    worker.process !== "none" || now - (endedAt ?? 0) < OUTPUT_LINGERS_MS
  return new Map(
    [...pool.entries].flatMap(([id, entry]) => (entry.keyId !== null && isInUse(entry) ? [[id, entry.keyId]] : []))
  )
}

/** What is to be written down of a worker. */
export const changeOf = (id: PipelineId, entry: PoolEntry, max: number, now: number): WorkerChange => {
  const { phase } = entry.worker
  return {
    id,
    state: stateName(phase),
    reason: describePhase(id, phase, max, entry.note),
    attempt: attemptOf(phase),
    inputStreamId: phase._tag === "Stopped" || phase.source === null ? null : streamOf(phase.source),
    outputStreamId: phase._tag === "Running" ? entry.output : null,
    retryInMillis: phase._tag === "Retrying" ? Math.max(0, phase.due - now) : null,
    mark: entry.mark
  }
}
