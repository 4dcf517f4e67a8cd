/**
 * Keeps a worker at every pipeline whose source is on the air, for as long as this instance leads. It acts on the passes of
 * the reconciler and on the ends of its processes, never on a hook, and starts workers only right after a complete pass: then the
 * source is there, the output is free, and the lease is held. While the media server cannot be observed, workers that run go on.
 */
import { Effect, Fiber, FiberSet, Queue, Stream } from "effect"
import { Workers } from "../ports/Workers.ts"
import { ReconcilePolicy } from "../reconciler/ReconcilePolicy.ts"
import { Reconciler } from "../reconciler/Reconciler.ts"
import type { PassOutcome } from "../reconciler/runPass.ts"
import { makeConditions } from "../resilience/Conditions.ts"
import { monotonicMillis } from "../resilience/ProcessClock.ts"
import { type LoopCondition, underCondition } from "../resilience/underCondition.ts"
import { actOnPass, takeOver } from "./actOnPass.ts"
import { applySignal, countWorkers, type WorkerSignal, withdrawAll } from "./moveWorker.ts"
import { saveWorkers } from "./saveWorkers.ts"
import type { WorkerRuns } from "./startWorker.ts"
import { makeWorkerPool } from "./WorkerPool.ts"

/** A retry that is due, and could not begin, is asked for again after this. */
const ASK_AGAIN_MS = 250
/** How many records of workers that are over stay, and how often the others are deleted. */
const RECORDS_KEPT = 1_000
const PRUNE_EVERY_MS = 60_000
const AFTER_FAILURE = "1 second"
const LAST_SAVE_WITHIN = "1 second"

const unsupervised: LoopCondition = {
  kind: "workers_unsupervised",
  begins: "the workers cannot be supervised; workers that run go on",
  over: "the workers are supervised again",
  defect: "a defect in the workers' supervision"
}

/** What one supervisor knows between its turns. */
interface Supervisor extends WorkerRuns {
  /** A pass or a run has something new. */
  readonly wakes: Queue.Queue<void>
  /** Signals that were not applied yet. */
  readonly signals: Array<WorkerSignal>
  /** The newest pass that was not acted on yet. */
  outcome: PassOutcome | null
  leading: boolean
  prunedAt: number | null
}

const makeSupervisor = Effect.gen(function* () {
  const wakes = yield* Queue.sliding<void>(1)
  const signals: Array<WorkerSignal> = []
  const supervisor: Supervisor = {
    wakes,
    signals,
    pool: makeWorkerPool(),
    fibers: yield* FiberSet.make<void>(),
    emit: (signal) =>
      Effect.suspend(() => {
        signals.push(signal)
        return Effect.asVoid(Queue.offer(wakes, undefined))
      }),
    outcome: null,
    leading: false,
    prunedAt: null
  }
  return supervisor
})

const save = Effect.fnUntraced(function* (supervisor: Supervisor, now: number) {
  yield* saveWorkers(supervisor.pool, now)
  if (supervisor.prunedAt !== null && now - supervisor.prunedAt < PRUNE_EVERY_MS) return
  supervisor.prunedAt = now
  const { holder } = yield* ReconcilePolicy
  yield* (yield* Workers).prune(RECORDS_KEPT, holder)
})

/** Applies what has happened since the last turn; acts on the newest pass; writes down what has changed. */
const tick = Effect.fnUntraced(function* (supervisor: Supervisor) {
  const now = yield* monotonicMillis
  const signals = supervisor.signals.splice(0)
  for (const signal of signals) yield* applySignal(supervisor.pool, signal, now)
  const { outcome } = supervisor
  supervisor.outcome = null
  if (outcome?._tag === "NotLeading" && supervisor.leading) {
    supervisor.leading = false
    yield* withdrawAll(supervisor.pool, "another instance runs the workers now", now)
  }
  if (outcome?._tag === "Complete") {
    if (!supervisor.leading) yield* takeOver(supervisor)
    supervisor.leading = true
    yield* actOnPass(outcome, supervisor)
  }
  if (supervisor.leading) yield* save(supervisor, now)
  yield* countWorkers(supervisor.pool)
  if (signals.some(({ event }) => event._tag !== "Marked")) yield* (yield* Reconciler).wake
})

/** Until there is something new, or a retry is due: then the reconciler is woken, and its pass makes the worker start. */
const waitForSignal = Effect.fnUntraced(function* ({ pool, wakes }: Supervisor) {
  const now = yield* monotonicMillis
  const dues = [...pool.workers().values()].flatMap(({ phase }) => (phase._tag === "Retrying" ? [phase.due - now] : []))
  if (dues.length === 0) return yield* Queue.take(wakes)
  const next = Math.min(...dues)
  const woken = yield* Effect.timeoutOption(Queue.take(wakes), next > 0 ? next : ASK_AGAIN_MS)
  if (woken._tag === "None") yield* (yield* Reconciler).wake
})

/** Ends all runs at once, waits for them, and writes that down. */
const shutDown = Effect.fnUntraced(function* (supervisor: Supervisor) {
  const { pool, signals } = supervisor
  yield* withdrawAll(pool, "Greenroom has ended", yield* monotonicMillis)
  yield* Fiber.interruptAll([...pool.entries.values()].flatMap(({ fiber }) => fiber ?? []))
  const now = yield* monotonicMillis
  for (const signal of signals.splice(0)) yield* applySignal(pool, signal, now)
  if (supervisor.leading) yield* Effect.ignore(Effect.timeoutOption(saveWorkers(pool, now), LAST_SAVE_WITHIN))
})

/** Runs until it is interrupted; then no worker is left. */
export const superviseWorkers = Effect.gen(function* () {
  const reconciler = yield* Reconciler
  const conditions = makeConditions()
  const supervisor = yield* makeSupervisor
  yield* Effect.addFinalizer(() => shutDown(supervisor))
  const passes = Stream.runForEach(reconciler.passes, (outcome) => {
    if (outcome._tag === "Failed") return Effect.void
    supervisor.outcome = outcome
    return Effect.asVoid(Queue.offer(supervisor.wakes, undefined))
  })
  yield* Effect.forkScoped(passes)
  const turn = Effect.gen(function* () {
    yield* waitForSignal(supervisor)
    if (yield* underCondition(tick(supervisor), conditions, unsupervised)) return
    yield* Effect.sleep(AFTER_FAILURE)
    yield* reconciler.wake
  })
  return yield* Effect.forever(turn)
}).pipe(Effect.scoped)
