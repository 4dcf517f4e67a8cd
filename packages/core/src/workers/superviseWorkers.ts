/**
 * Keeps a worker at every pipeline whose source is on the air, for as long as this instance is the one that reconciles. It acts on what
 * the reconciler saw and on what its processes do, never on a hook, and starts nothing but right after a complete pass: then the
 * source is there, the output is free, and the lease is held. While nothing can be seen, what runs goes on.
 */
import { Cause, Effect, Exit, Queue, Stream } from "effect"
import { withoutKeys } from "../domain/access/StreamPath.ts"
import type { StreamId } from "../domain/values/Ids.ts"
import type { PipelineId } from "../domain/workers/PipelinePath.ts"
import { type PipelineOutput, pipelineView, planWorkers } from "../domain/workers/planWorkers.ts"
import { stepWorker } from "../domain/workers/workerMachine.ts"
import { Sessions } from "../ports/Sessions.ts"
import { StoreUnavailable } from "../ports/StoreUnavailable.ts"
import { Workers } from "../ports/Workers.ts"
import { ReconcilePolicy } from "../reconciler/ReconcilePolicy.ts"
import { Reconciler } from "../reconciler/Reconciler.ts"
import type { PassOutcome } from "../reconciler/runPass.ts"
import { monotonicMillis } from "../resilience/ProcessClock.ts"
import { makeWorkerPool, type WorkerSignal } from "./WorkerPool.ts"
import { WorkerSettings } from "./WorkerSettings.ts"

/** A retry that is due, and could not begin, is asked for again after this. */
const ASK_AGAIN_MS = 250
/** How many records of workers that are over stay, and how often the others are deleted. */
export const RECORDS_KEPT = 1_000
const PRUNE_EVERY_MS = 60_000
const AFTER_TROUBLE = "1 second"
const LAST_WORDS_WITHIN = "1 second"

type Complete = Extract<PassOutcome, { readonly _tag: "Complete" }>

/** Runs until it is interrupted; then no worker is left. */
export const superviseWorkers = Effect.gen(function* () {
  const reconciler = yield* Reconciler
  const records = yield* Workers
  const sessions = yield* Sessions
  const { max } = yield* WorkerSettings
  const { holder } = yield* ReconcilePolicy

  const signals = yield* Queue.sliding<void>(1)
  const inbox: { happened: Array<WorkerSignal>; outcome: PassOutcome | null } = { happened: [], outcome: null }
  const signal = Effect.asVoid(Queue.offer(signals, undefined))
  const crew = yield* makeWorkerPool((happened) =>
    Effect.suspend(() => {
      inbox.happened.push(happened)
      return signal
    })
  )
  let leading = false
  let pruned: number | null = null

  const withdraw = Effect.fnUntraced(function* (reason: string) {
    const now = yield* monotonicMillis
    for (const [id, worker] of crew.workers()) {
      const step = stepWorker(worker, { _tag: "Withdrawn", reason }, now)
      yield* crew.become(id, step.worker)
      if (step.command === "stop") yield* crew.stop(id)
    }
  })

  /** From now on this instance runs the workers: what others left is found and ended first. */
  const lead = Effect.gen(function* () {
    const left = yield* records.unfinished
    yield* crew.forget
    for (const record of left) yield* crew.inherit(record)
    leading = true
  })

  const oust = Effect.fnUntraced(function* ({ id, streamId }: PipelineOutput) {
    if (!(yield* sessions.requestStop(streamId, "stopped", holder))) return
    yield* Effect.logWarning("a publisher on a worker's output is no worker of ours: it is taken off the air").pipe(
      Effect.annotateLogs({ pipeline: id, stream_id: streamId })
    )
    yield* reconciler.wake
  })

  const act = Effect.fnUntraced(function* ({ snapshot, sessions: open }: Complete) {
    const now = yield* monotonicMillis
    const view = pipelineView(snapshot, open)
    const plan = planWorkers(crew.workers(), view, crew.keys(now), max, now)
    for (const [id, worker] of plan.workers) yield* crew.become(id, worker)
    crew.outputs(new Map(view.outputs.map((output): readonly [PipelineId, StreamId] => [output.id, output.streamId])))
    for (const id of plan.stops) yield* crew.stop(id)
    for (const id of plan.starts) yield* crew.start(id)
    yield* Effect.forEach(plan.strangers, oust, { discard: true })
    const waits = [...plan.workers.values()].some(({ phase }) => phase._tag === "Idle" && phase.why === "output_taken")
    if (waits) yield* reconciler.wakeSoon
  })

  const round = Effect.gen(function* () {
    const now = yield* monotonicMillis
    const happened = inbox.happened.splice(0)
    for (const each of happened) yield* crew.happen(each, now)
    const { outcome } = inbox
    inbox.outcome = null
    if (outcome?._tag === "NotLeading" && leading) {
      leading = false
      yield* withdraw("another instance runs the workers now")
    }
    if (outcome?._tag === "Complete") {
      if (!leading) yield* lead
      yield* act(outcome)
    }
    if (leading) {
      yield* crew.save(now)
      if (pruned === null || now - pruned >= PRUNE_EVERY_MS) {
        pruned = now
        yield* records.prune(RECORDS_KEPT, holder)
      }
    }
    yield* crew.count
    if (happened.some(({ event }) => event._tag !== "Marked")) yield* reconciler.wake
  })

  /** Until something happens, or a retry is due: then the reconciler looks, and its look makes it start. */
  const rest = Effect.gen(function* () {
    const now = yield* monotonicMillis
    const dues = [...crew.workers().values()].flatMap(({ phase }) =>
      phase._tag === "Retrying" ? [phase.due - now] : []
    )
    if (dues.length === 0) return yield* Queue.take(signals)
    const next = Math.min(...dues)
    const woken = yield* Effect.timeoutOption(Queue.take(signals), next > 0 ? next : ASK_AGAIN_MS)
    if (woken._tag === "None") yield* reconciler.wake
  })

  yield* Effect.addFinalizer(() =>
    withdraw("Greenroom has ended").pipe(
      Effect.andThen(crew.end),
      Effect.andThen(
        Effect.gen(function* () {
          const now = yield* monotonicMillis
          for (const each of inbox.happened.splice(0)) yield* crew.happen(each, now)
          if (leading) yield* Effect.ignore(Effect.timeoutOption(crew.save(now), LAST_WORDS_WITHIN))
        })
      )
    )
  )
  yield* Effect.forkScoped(
    Stream.runForEach(reconciler.passes, (outcome) => {
      if (outcome._tag === "Failed") return Effect.void
      inbox.outcome = outcome
      return signal
    })
  )

  let trouble: string | null = null
  return yield* Effect.forever(
    Effect.gen(function* () {
      yield* rest
      const exit = yield* Effect.exit(round)
      if (Exit.isSuccess(exit)) {
        if (trouble !== null) yield* Effect.logInfo("the workers are looked after again")
        trouble = null
        return
      }
      if (Cause.hasInterruptsOnly(exit.cause)) return yield* Effect.failCause(exit.cause)
      const error = Cause.squash(exit.cause)
      const said = withoutKeys(error instanceof Error ? error.message : String(error))
      if (said !== trouble) {
        yield* Effect.logWarning("the workers cannot be looked after; those that run go on").pipe(
          Effect.annotateLogs({ error: said })
        )
        if (!(error instanceof StoreUnavailable))
          yield* Effect.logError("a defect in the workers' supervision", exit.cause)
      }
      trouble = said
      yield* Effect.sleep(AFTER_TROUBLE)
      yield* reconciler.wake
    })
  )
}).pipe(Effect.scoped)
