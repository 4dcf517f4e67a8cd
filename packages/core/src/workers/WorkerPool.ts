/**
 * The workers of this instance: which there are, what runs for each, and what was written down of them. It carries out single steps;
 * what is to be done when is `superviseWorkers`. What happens to a process (its mark, its end) comes back through `tell`.
 */
import { Cause, Effect, Exit, Fiber, FiberSet, Metric, Redacted } from "effect"
import { KEY_PREFIX_LENGTH } from "../domain/access/StreamKey.ts"
import type { StreamId, StreamKeyId } from "../domain/values/Ids.ts"
import { attemptOf, describePhase, describeTransition } from "../domain/workers/describeWorker.ts"
import { type PipelineId, pipelinePath } from "../domain/workers/PipelinePath.ts"
import {
  newWorker,
  stateName,
  stepWorker,
  type Worker,
  type WorkerEvent,
  workerStates
} from "../domain/workers/workerMachine.ts"
import { streamOf, type WorkerSource } from "../domain/workers/workerSource.ts"
import { workerInput, workerOutput, workerRtmpOutput } from "../domain/workers/workerUrls.ts"
import * as Metrics from "../Metrics.ts"
import { KeyGenerator } from "../ports/KeyGenerator.ts"
import { MediaWorker, type ProcessRef } from "../ports/MediaWorker.ts"
import { type WorkerChange, type WorkerRecord, Workers } from "../ports/Workers.ts"
import { ReconcilePolicy } from "../reconciler/ReconcilePolicy.ts"
import { WorkerSettings } from "./WorkerSettings.ts"

/** Within this a worker must have been admitted: it connects at once, and what `ps` shows is then spent. */
export const WORKER_KEY_GOOD_FOR_MS = 10_000
/** How long the session of a process that has ended may still stand in the store before it counts as a stranger's. */
const OUTPUT_LINGERS_MS = 3_000

/** What happened to a run: there is one a start, and what comes from an earlier one is late. */
export interface WorkerSignal {
  readonly id: PipelineId
  readonly run: number
  readonly event:
    | Extract<WorkerEvent, { readonly _tag: "Ended" | "NotStarted" }>
    | { readonly _tag: "Marked"; readonly mark: ProcessRef }
}

interface Member {
  worker: Worker
  run: number
  fiber: Fiber.Fiber<unknown> | null
  keyId: StreamKeyId | null
  endedAt: number | null
  mark: ProcessRef | null
  output: StreamId | null
  note: string | null
  /** What was last written down, to see what has changed. */
  saved: string | null
}

export const makeWorkerPool = Effect.fnUntraced(function* (tell: (happened: WorkerSignal) => Effect.Effect<void>) {
  const settings = yield* WorkerSettings
  const { holder } = yield* ReconcilePolicy
  const mediaWorker = yield* MediaWorker
  const records = yield* Workers
  const mint = yield* KeyGenerator
  const fibers = yield* FiberSet.make<void>()
  const members = new Map<PipelineId, Member>()
  let runs = 0

  const memberOf = (id: PipelineId): Member => {
    const known = members.get(id)
    if (known !== undefined) return known
    const made: Member = {
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
    members.set(id, made)
    return made
  }

  /** Moves the member on, and says and counts what is worth it. */
  const become = Effect.fnUntraced(function* (id: PipelineId, worker: Worker) {
    const member = memberOf(id)
    const line = describeTransition(id, member.worker.phase, worker.phase, settings.max)
    if (worker.phase._tag !== member.worker.phase._tag) {
      if (worker.phase._tag === "Retrying") yield* Metric.update(Metrics.workerRetries, 1)
      if (worker.phase._tag === "Failed") yield* Metric.update(Metrics.workerFailures, 1)
    }
    member.worker = worker
    if (line !== null) yield* Effect.logWithLevel(line.level)(line.message).pipe(Effect.annotateLogs(line.facts))
  })

  const work = Effect.fnUntraced(function* (id: PipelineId, source: WorkerSource, keyId: StreamKeyId, run: number) {
    const value = yield* mint.generate
    const issued = yield* records.issueKey(
      {
        keyId,
        hash: mint.hash(value),
        keyPrefix: Redacted.value(value).slice(0, KEY_PREFIX_LENGTH),
        label: `Worker of ${pipelinePath(id, "in")}`,
        path: pipelinePath(id, "out"),
        source: streamOf(source),
        inputPath: pipelinePath(id, "in"),
        admitWithinMillis: WORKER_KEY_GOOD_FOR_MS
      },
      holder
    )
    if (!issued) return { _tag: "NotStarted", reason: "its source is going, or another instance leads" } as const
    yield* Metric.update(Metrics.workerStarts, 1)
    const order = {
      id,
      input: workerInput(settings, id),
      output: workerOutput(settings, id, value),
      rtmpOutput: workerRtmpOutput(settings, id, value)
    }
    const reason = yield* mediaWorker.run(order, (mark) => tell({ id, run, event: { _tag: "Marked", mark } }))
    return { _tag: "Ended", reason } as const
  })

  type Result = Exit.Exit<Extract<WorkerSignal["event"], { readonly _tag: "Ended" | "NotStarted" }>, Error>

  const endOf = (exit: Result): WorkerSignal["event"] => {
    if (Exit.isSuccess(exit)) return exit.value
    if (Cause.hasInterruptsOnly(exit.cause)) return { _tag: "Ended", reason: "it was told to stop" }
    const error = Cause.squash(exit.cause)
    const reason = error instanceof Error ? error.message : String(error)
    return Cause.hasDies(exit.cause) ? { _tag: "Ended", reason } : { _tag: "NotStarted", reason }
  }

  const start = Effect.fnUntraced(function* (id: PipelineId) {
    const member = memberOf(id)
    const { phase } = member.worker
    if (phase._tag !== "Connecting") return
    const keyId = (yield* mint.uuid) as StreamKeyId
    const run = ++runs
    Object.assign(member, { run, keyId, mark: null, output: null, endedAt: null })
    member.fiber = yield* FiberSet.run(
      fibers,
      work(id, phase.source, keyId, run).pipe(
        Effect.onExit((exit) => tell({ id, run, event: endOf(exit) })),
        Effect.ignoreCause
      )
    )
  })

  /** Does not wait for the end: that is told. */
  const stop = (id: PipelineId) =>
    Effect.sync(() => {
      members.get(id)?.fiber?.interruptUnsafe()
    })

  /** Whatever a former instance, or this one before it lost the lease, has left: ended where it can be found. */
  const inherit = Effect.fnUntraced(function* (record: WorkerRecord) {
    const member = memberOf(record.id)
    if (member.run !== 0) return
    const { inputStreamId: source, attempt, mark, reason } = record
    const run = ++runs
    member.run = run
    member.mark = mark
    member.worker = {
      phase:
        record.state === "failed"
          ? { _tag: "Failed", source, attempt, reason: reason ?? "" }
          : { _tag: "Stopped", reason: record.state === "stopped" ? reason : "the instance that ran it has gone" },
      process: mark === null ? "none" : "ending"
    }
    if (mark === null) return
    const end = Effect.gen(function* () {
      const outcome = yield* mediaWorker.end(mark)
      if (outcome !== "gone") {
        yield* Effect.logWarning(
          outcome === "ended"
            ? "a worker that a former instance left behind was ended"
            : "a worker of another machine may be left: its output is taken off the air"
        ).pipe(Effect.annotateLogs({ pipeline: record.id, host: mark.host, pid: mark.pid }))
      }
    })
    member.fiber = yield* FiberSet.run(
      fibers,
      Effect.ensuring(
        Effect.ignoreCause(end),
        tell({ id: record.id, run, event: { _tag: "Ended", reason: "left behind" } })
      )
    )
  })

  const happen = Effect.fnUntraced(function* ({ id, run, event }: WorkerSignal, now: number) {
    const member = members.get(id)
    if (member === undefined || member.run !== run) return
    if (event._tag === "Marked") {
      member.mark = event.mark
      return
    }
    member.note = event.reason
    Object.assign(member, { fiber: null, mark: null, endedAt: now })
    yield* become(id, stepWorker(member.worker, event, now).worker)
  })

  const changeOf = (id: PipelineId, member: Member, now: number): WorkerChange => {
    const { phase } = member.worker
    return {
      id,
      state: stateName(phase),
      reason: describePhase(id, phase, settings.max, member.note),
      attempt: attemptOf(phase),
      inputStreamId: phase._tag === "Stopped" || phase.source === null ? null : streamOf(phase.source),
      outputStreamId: phase._tag === "Running" ? member.output : null,
      retryInMillis: phase._tag === "Retrying" ? Math.max(0, phase.due - now) : null,
      mark: member.mark
    }
  }

  const isOver = ({ worker }: Member): boolean =>
    worker.process === "none" &&
    (worker.phase._tag === "Stopped" || (worker.phase._tag === "Failed" && worker.phase.source === null))

  /** Writes down what has changed. What is over is forgotten once it is written; the rest is tried again. */
  const save = Effect.fnUntraced(function* (now: number) {
    const dirty = [...members].flatMap(([id, member]) => {
      const change = changeOf(id, member, now)
      const text = JSON.stringify({ ...change, retryInMillis: change.retryInMillis !== null })
      return text === member.saved ? [] : [{ id, member, change, text }]
    })
    if (dirty.length > 0) {
      const held = yield* records.save(
        dirty.map(({ change }) => change),
        holder
      )
      if (held) for (const { member, text } of dirty) member.saved = text
    }
    for (const [id, member] of members) {
      const lingers = member.endedAt !== null && now - member.endedAt < OUTPUT_LINGERS_MS
      if (isOver(member) && member.saved !== null && !lingers) members.delete(id)
    }
  })

  return {
    members: members as ReadonlyMap<PipelineId, Readonly<Member>>,
    workers: (): ReadonlyMap<PipelineId, Worker> => new Map([...members].map(([id, { worker }]) => [id, worker])),
    /** The keys of what publishes now, or did until just now. */
    keys: (now: number): ReadonlyMap<PipelineId, StreamKeyId> =>
      new Map(
        [...members].flatMap(([id, { keyId, worker, endedAt }]) =>
          keyId !== null && (worker.process !== "none" || now - (endedAt ?? 0) < OUTPUT_LINGERS_MS) ? [[id, keyId]] : []
        )
      ),
    outputs: (seen: ReadonlyMap<PipelineId, StreamId>): void => {
      for (const [id, member] of members) member.output = seen.get(id) ?? null
    },
    /** Before this instance leads again: others may have written since, so only what still ends is remembered. */
    forget: Effect.sync(() => {
      for (const [id, member] of members) {
        if (member.worker.process === "none") members.delete(id)
        member.saved = null
      }
    }),
    become,
    start,
    stop,
    inherit,
    happen,
    save,
    count: Effect.suspend(() => {
      const states = [...members.values()].map(({ worker }) => stateName(worker.phase))
      return Effect.forEach(
        workerStates,
        (state) =>
          Metric.update(
            Metric.withAttributes(Metrics.workers, { state }),
            states.filter((each) => each === state).length
          ),
        { discard: true }
      )
    }),
    /** Ends all runs at once, and waits for them. */
    end: Effect.suspend(() => Fiber.interruptAll([...members.values()].flatMap(({ fiber }) => fiber ?? [])))
  }
})

export type WorkerPool = Effect.Success<ReturnType<typeof makeWorkerPool>>
