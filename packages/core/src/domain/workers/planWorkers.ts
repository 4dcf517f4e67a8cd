/**
 * What all workers together do after a pass: each gets what was observed of its source and its output, then those that want to start are granted
 * the free places, those that have waited longest first. Pure. A start is granted only while the output has no publisher: the worker
 * would be refused.
 */
import type { MediaServerSnapshot } from "../reconciliation/MediaServerSnapshot.ts"
import type { StoredSession } from "../reconciliation/StoreSnapshot.ts"
import type { StreamId, StreamKeyId } from "../values/Ids.ts"
import { type PipelineId, parsePipelinePath } from "./PipelinePath.ts"
import { stepWorker } from "./workerMachine.ts"
import { ownSource, type WorkerSource } from "./workerSource.ts"
import { holdsPlace, newWorker, type Worker, type WorkerEvent, wantsToStart } from "./workerState.ts"

/** A session on a pipeline's output, from its admission until it has ended. */
export interface PipelineOutput {
  readonly id: PipelineId
  readonly streamId: StreamId
  readonly streamKeyId: StreamKeyId
  /** The path is up with this very publisher. */
  readonly ready: boolean
  readonly stopping: boolean
}

export interface PipelineView {
  /** Sources that are on the air and not being taken off, one a pipeline. */
  readonly sources: ReadonlyMap<PipelineId, WorkerSource>
  readonly outputs: ReadonlyArray<PipelineOutput>
}

/** What a snapshot, and the sessions that were read after it, show of pipelines. */
export const pipelineView = (snapshot: MediaServerSnapshot, sessions: ReadonlyArray<StoredSession>): PipelineView => {
  const ready = new Set(snapshot.paths.filter((path) => path.ready).map((path) => `${path.name} ${path.sourceId}`))
  const sources = new Map<PipelineId, WorkerSource>()
  for (const { name, since } of snapshot.ownPaths) {
    const pipeline = parsePipelinePath(name)
    if (pipeline?.direction === "in") sources.set(pipeline.id, ownSource(since))
  }
  const outputs: Array<PipelineOutput> = []
  for (const { streamId, streamKeyId, path, source, state } of sessions) {
    const pipeline = parsePipelinePath(path)
    if (pipeline === null) continue
    const isReady = ready.has(`${path} ${source.id}`)
    const stopping = state.ending !== null
    if (pipeline.direction === "out") outputs.push({ id: pipeline.id, streamId, streamKeyId, ready: isReady, stopping })
    else if (isReady && !stopping) sources.set(pipeline.id, streamId)
  }
  return { sources, outputs }
}

export interface WorkerPlan {
  readonly workers: ReadonlyMap<PipelineId, Worker>
  readonly starts: ReadonlyArray<PipelineId>
  readonly stops: ReadonlyArray<PipelineId>
  /** Publishers on outputs that are no worker's of ours: they have to go. */
  readonly intruders: ReadonlyArray<PipelineOutput>
}

const waitsSince = ({ phase }: Worker): number => (phase._tag === "Idle" ? phase.since : 0)

/**
 * `workers` are in the order in which they came, which is the order of those that began to wait at once; `keys` are those that the workers
 * that are up publish with.
 */
export const planWorkers = (
  workers: ReadonlyMap<PipelineId, Worker>,
  view: PipelineView,
  keys: ReadonlyMap<PipelineId, StreamKeyId>,
  max: number,
  now: number
): WorkerPlan => {
  const next = new Map(workers)
  const starts: Array<PipelineId> = []
  const stops: Array<PipelineId> = []
  const apply = (id: PipelineId, event: WorkerEvent): void => {
    const { worker, command } = stepWorker(next.get(id) ?? newWorker, event, now)
    next.set(id, worker)
    if (command === "start") starts.push(id)
    if (command === "stop") stops.push(id)
  }
  const isOurs = (output: PipelineOutput): boolean => keys.get(output.id) === output.streamKeyId
  const shown = new Set(view.outputs.filter((one) => one.ready && isOurs(one)).map(({ id }) => id))
  const taken = new Set(view.outputs.map(({ id }) => id))

  for (const id of workers.keys()) if (!view.sources.has(id)) apply(id, { _tag: "SourceGone" })
  for (const [id, source] of view.sources) apply(id, { _tag: "SourceSeen", source })
  for (const id of next.keys()) apply(id, { _tag: shown.has(id) ? "OutputSeen" : "OutputMissing" })

  const waiting = [...next]
    .filter(([, worker]) => wantsToStart(worker, now))
    .sort(([, one], [, other]) => waitsSince(one) - waitsSince(other))
  let free = max - [...next.values()].filter(holdsPlace).length
  for (const [id, worker] of waiting) {
    const hasPlace = holdsPlace(worker)
    if (taken.has(id)) apply(id, { _tag: "Held", why: "output_taken" })
    else if (hasPlace || free > 0) {
      if (!hasPlace) free -= 1
      apply(id, { _tag: "Granted" })
    } else apply(id, { _tag: "Held", why: "full" })
  }
  return { workers: next, starts, stops, intruders: view.outputs.filter((one) => !one.stopping && !isOurs(one)) }
}
