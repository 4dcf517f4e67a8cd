/**
 * The reconciler's life: pass after pass, for as long as its scope is open, whatever failed before. A pass begins at most a second after the
 * one before it ended, and at once when somebody wakes it. How long a pass takes is up to what it asks: milliseconds when all is well; a
 * look that gets no answer is given up by its adapter (MediaMTX: after 5 s), a pass after 15 s. Troubles are said once when they begin
 * and once when they are over; the metrics count and show each. It also keeps the admissions whose answer was lost (`LostAdmissions`), and
 * the hooks that wait for a look (`HookInbox`).
 */
import { Clock, Context, Effect, Exit, Latch, Layer, Metric, Queue } from "effect"
import { doNotAppear } from "../domain/reconciliation/appearances.ts"
import type { Hook } from "../domain/reconciliation/interpretHook.ts"
import { mediaServerWarnings } from "../domain/reconciliation/mediaServerWarnings.ts"
import type { PassSummary } from "../domain/reconciliation/PassSummary.ts"
import { initialState, type ReconcileState } from "../domain/reconciliation/planReconciliation.ts"
import type { StreamId } from "../domain/values/Ids.ts"
import * as Metrics from "../Metrics.ts"
import type { Admissions } from "../ports/Admissions.ts"
import { type Lease, Leases } from "../ports/Leases.ts"
import { MediaServer } from "../ports/MediaServer.ts"
import type { Sessions } from "../ports/Sessions.ts"
import type { StoreHealth } from "../ports/StoreHealth.ts"
import { clearConditions } from "../resilience/Conditions.ts"
import { DuplicatePolicy } from "../resilience/DuplicatePolicy.ts"
import { type LostAdmissions, makeLostAdmissions } from "../resilience/LostAdmissions.ts"
import { elapsedAtLeast, elapsedAtMost, minus, type Reading, readClocks } from "../resilience/ProcessClock.ts"
import { makeStoreMonitor, type StoreMonitor } from "../resilience/StoreMonitor.ts"
import { type HookInbox, makeHookInbox, type SnapshotBegan } from "./HookInbox.ts"
import { type KickTracker, makeKickTracker } from "./KickTracker.ts"
import { PassObserver } from "./PassFeed.ts"
import { newReportState, outcomeOf, PASS_DEADLINE_MS, PassTooLong, type ReportState, reportPass } from "./reportPass.ts"
import { type PassOutcome, ReconcilePolicy, runPass } from "./runPass.ts"
import { anotherAsks, makeWarnings, unlistedPublishers, type Warning, type Warnings } from "./Warnings.ts"

/** The last complete look that this instance knows of, its own or the leader's. */
export interface KnownSnapshot {
  /** How long ago it began, in milliseconds, at the most; for an answer to be younger than a question. */
  readonly ageMillis: number
  /** The same at the least: for what may only be done when nobody has looked for a while. A slow store keeps the two apart. */
  readonly leastAgeMillis: number
  readonly found: PassSummary
  /** Whether this instance has looked itself. */
  readonly own: boolean
}

export class Reconciler extends Context.Service<
  Reconciler,
  {
    /** Asks for a pass now. Any number of wakes before it begins are one. */
    readonly wake: Effect.Effect<void>
    /**
     * Asks for a pass within a quarter of a second. Who was just let in has nothing to show before that, and those who come one
     * upon the other are looked at together, instead of each behind a look at the one before.
     */
    readonly wakeSoon: Effect.Effect<void>
    /** Waits until the next pass, complete or not, is over. */
    readonly nextPass: Effect.Effect<void>
    /** `None` before the first look of anybody. Answers from memory, which a pass, leading or not, brings up to date. */
    readonly lastSnapshot: Effect.Effect<KnownSnapshot | null>
    /** Keeps a hook for the case that nobody can look, and wakes. */
    readonly receiveHook: (hook: Hook) => Effect.Effect<void>
    /** The answer to an admission was lost: should its session have come to be, it must not stay. */
    readonly admissionLost: (streamId: StreamId) => Effect.Effect<void>
    readonly isLost: (streamId: StreamId) => Effect.Effect<boolean>
    /** What this instance knows to be unsafe or wrong with the media server. Answers from memory. */
    readonly warnings: Effect.Effect<ReadonlyArray<Warning>>
    /** A call of the store failed: it is asked whether it answers. */
    readonly reportStoreFailure: Effect.Effect<void>
    /** False while the store is known to be down. */
    readonly isStoreUp: Effect.Effect<boolean>
  }
>()("greenroom/Reconciler") {
  static readonly layer: Layer.Layer<
    Reconciler,
    never,
    ReconcilePolicy | Leases | Sessions | MediaServer | Admissions | StoreHealth
  > = Layer.effect(
    Reconciler,
    Effect.gen(function* () {
      const wakes = yield* Queue.sliding<void>(1)
      const passed = yield* Latch.make()
      const wake = Effect.asVoid(Queue.offer(wakes, undefined))
      const scope = yield* Effect.scope
      let soon = false
      const wakeSoon = Effect.suspend(() => {
        if (soon) return Effect.void
        soon = true
        return Effect.sleep(PASS_EVERY_WHILE_CONNECTING_MS).pipe(
          Effect.andThen(
            Effect.suspend(() => {
              soon = false
              return wake
            })
          ),
          Effect.forkIn(scope),
          Effect.asVoid
        )
      })
      const policy = yield* ReconcilePolicy
      const leases = yield* Leases
      // Finalizers run in the reverse order: the loop has ended before the lease is given up, so it cannot take it again.
      yield* Effect.addFinalizer(() => Effect.ignore(Effect.timeoutOption(leases.release(policy.holder), "1 second")))
      yield* clearConditions
      const watch = yield* makeStoreMonitor
      const life: LoopState = {
        wakes,
        passed,
        watch,
        regrets: makeLostAdmissions(),
        hooks: makeHookInbox(),
        kickTracker: makeKickTracker(),
        warnings: makeWarnings(),
        lastLook: null,
        report: yield* newReportState
      }
      yield* Effect.forkScoped(runLoop(life))
      return Reconciler.of({
        wake,
        wakeSoon,
        nextPass: passed.await,
        lastSnapshot: Effect.map(readClocks, (now) => {
          if (life.lastLook === null) return null
          const { earliest, latest, found, own } = life.lastLook
          return { ageMillis: elapsedAtMost(earliest, now), leastAgeMillis: elapsedAtLeast(latest, now), found, own }
        }),
        receiveHook: (hook) => Effect.andThen(life.hooks.hear(hook), wake),
        admissionLost: (streamId) => Effect.andThen(life.regrets.add(streamId), watch.reportFailure),
        isLost: (streamId) => Effect.sync(() => life.regrets.has(streamId)),
        warnings: life.warnings.current,
        reportStoreFailure: watch.reportFailure,
        isStoreUp: watch.isUp
      })
    })
  )
}

/** A look comes at least this often; more often only when woken. */
export const PASS_EVERY_MS = 1_000
/** While somebody is connecting; MediaMTX analyses RTMP for 2 s before it is ready. */
export const PASS_EVERY_WHILE_CONNECTING_MS = 250
/** Two passes never follow each other closer than this, however often somebody wakes. */
const PASS_APART_MS = 50
/** Whoever stands by asks again this long after the lease that it read has run out. */
const PAST_THE_LEASE_MS = 5
const SETTLE_DEADLINE_MS = 5_000
interface LoopState {
  readonly wakes: Queue.Queue<void>
  readonly passed: Latch.Latch
  readonly watch: StoreMonitor
  readonly regrets: LostAdmissions
  readonly hooks: HookInbox
  readonly kickTracker: KickTracker
  readonly warnings: Warnings
  lastLook: (SnapshotBegan & Pick<KnownSnapshot, "found" | "own">) | null
  readonly report: ReportState
}

const runLoop = Effect.fnUntraced(function* (life: LoopState) {
  const { wakes, passed, watch, regrets, hooks, kickTracker } = life
  let memory: ReconcileState = initialState
  let pause = PASS_EVERY_MS
  const observe = yield* PassObserver
  while (true) {
    const started = yield* readClocks
    const leaseRead = (lease: Lease) => keepOther(life, started, lease)
    const exit = yield* Effect.andThen(regrets.end, runPass(memory, kickTracker, leaseRead)).pipe(
      Effect.timeoutOrElse({ duration: PASS_DEADLINE_MS, orElse: () => Effect.fail(new PassTooLong()) }),
      Effect.exit
    )
    yield* reportPass(exit, kickTracker, life.report)
    if (Exit.isSuccess(exit)) yield* observe(exit.value)
    if (outcomeOf(exit) === "store_unavailable") yield* watch.reportFailure
    pause = PASS_EVERY_MS
    if (Exit.isFailure(exit)) memory = { ...memory, continuous: false }
    if (Exit.isSuccess(exit)) yield* showWarnings(life.warnings, exit.value)
    if (Exit.isSuccess(exit) && exit.value._tag === "NotLeading") {
      memory = initialState
      pause = Math.min(PASS_EVERY_MS, Math.max(PASS_APART_MS, exit.value.freeInMillis + PAST_THE_LEASE_MS))
    }
    if (Exit.isSuccess(exit) && exit.value._tag === "Complete") {
      life.lastLook = { earliest: started, latest: yield* readClocks, found: exit.value.found, own: true }
      memory = exit.value.memory
      if (exit.value.expecting) pause = PASS_EVERY_WHILE_CONNECTING_MS
      yield* Metric.update(Metrics.passSeconds, elapsedAtMost(started, yield* readClocks) / 1000)
      if (exit.value.unsettled) yield* Queue.offer(wakes, undefined)
    }
    yield* showLook(life)
    yield* Effect.ignoreCause(Effect.timeout(hooks.settle(life.lastLook), SETTLE_DEADLINE_MS), {
      log: "Debug"
    })
    if (regrets.areMany() || hooks.areMany()) yield* Queue.offer(wakes, undefined)
    yield* passed.release
    yield* Effect.sleep(PASS_APART_MS)
    yield* Effect.timeoutOption(Queue.take(wakes), pause - PASS_APART_MS)
  }
})

/**
 * Another instance's look began as long before some moment of the pass as the database says. Whoever leads, and has looked since, knows
 * better itself.
 */
const keepOther = Effect.fnUntraced(function* (life: LoopState, started: Reading, { held, lastSnapshot }: Lease) {
  if (lastSnapshot === null || (held && life.lastLook?.own === true)) return
  const { ageMillis, found } = lastSnapshot
  const now = yield* readClocks
  life.lastLook = { earliest: minus(started, ageMillis), latest: minus(now, ageMillis), found, own: false }
})

/** Every instance warns of the configuration; only the leader, of what it finds on the media server. */
const showWarnings = Effect.fnUntraced(function* (warnings: Warnings, outcome: PassOutcome) {
  const facts = yield* (yield* MediaServer).facts
  const takeover = (yield* DuplicatePolicy) === "takeover"
  const configured = facts === null ? [] : mediaServerWarnings(facts, { takeover })
  const seen: Array<Warning> = []
  if (outcome._tag === "Complete" && doNotAppear(outcome.memory.appearances)) seen.push(anotherAsks)
  if (outcome._tag === "Complete" && outcome.unlisted > 0) seen.push(unlistedPublishers(outcome.unlisted))
  yield* warnings.set([...configured, ...seen])
})

const showLook = Effect.fnUntraced(function* ({ lastLook }: LoopState) {
  if (lastLook === null) return
  const age = elapsedAtMost(lastLook.earliest, yield* readClocks)
  yield* Metric.update(Metrics.lastLook, ((yield* Clock.currentTimeMillis) - age) / 1000)
})
