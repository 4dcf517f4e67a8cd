/**
 * The reconciler as its callers see it: it can be woken, it shows its newest pass and snapshot, and it takes hooks. What it does is in `runLoop`
 * (when a pass runs), `runPass` (one pass) and the pure `planReconciliation` (what a pass decides).
 */
import { Context, Effect, Layer, Queue, type Stream } from "effect"
import type { Hook } from "../domain/reconciliation/interpretHook.ts"
import type { CurrentViewers } from "../playback/CurrentViewers.ts"
import { Leases } from "../ports/Leases.ts"
import type { MediaServer } from "../ports/MediaServer.ts"
import type { Repositories } from "../ports/Repositories.ts"
import { clearConditions } from "../resilience/Conditions.ts"
import type { LostAdmissions } from "../resilience/LostAdmissions.ts"
import type { StoreMonitor } from "../resilience/StoreMonitor.ts"
import { makeHookInbox } from "./HookInbox.ts"
import { type KnownSnapshot, makeNewestPass } from "./NewestPass.ts"
import { ReconcilePolicy } from "./ReconcilePolicy.ts"
import { PASS_EVERY_WHILE_CONNECTING_MS, runLoop } from "./runLoop.ts"
import type { PassOutcome } from "./runPass.ts"
import { makeWarnings, type Warning } from "./Warnings.ts"

export class Reconciler extends Context.Service<
  Reconciler,
  {
    /** Asks for a pass now. Any number of wakes before it begins are one. */
    readonly wake: Effect.Effect<void>
    /**
     * Asks for a pass within a quarter of a second. A publisher that was just admitted has nothing to show before that, and publishers that
     * come one upon the other are observed together, instead of each waiting for the snapshot of the one before.
     */
    readonly wakeSoon: Effect.Effect<void>
    /** Waits until the next pass, complete or not, is over. */
    readonly nextPass: Effect.Effect<void>
    /** The outcome of the newest pass, and of each after it; a slow reader misses all but the newest. */
    readonly passes: Stream.Stream<PassOutcome>
    /** `null` before the first snapshot of any instance. Answers from memory, which a pass of a leader or a follower brings up to date. */
    readonly lastSnapshot: Effect.Effect<KnownSnapshot | null>
    /** Keeps a hook for the case that the media server cannot be observed, and wakes. */
    readonly receiveHook: (hook: Hook) => Effect.Effect<void>
    /** What this instance knows to be unsafe or wrong with the media server. Answers from memory. */
    readonly warnings: Effect.Effect<ReadonlyArray<Warning>>
  }
>()("greenroom/Reconciler") {
  static readonly layer: Layer.Layer<
    Reconciler,
    never,
    ReconcilePolicy | Repositories | MediaServer | StoreMonitor | LostAdmissions | CurrentViewers
  > = Layer.effect(
    Reconciler,
    Effect.gen(function* () {
      const { holder } = yield* ReconcilePolicy
      const leases = yield* Leases
      // Finalizers run in the reverse order: the loop has ended before the lease is released, so it cannot acquire it again.
      yield* Effect.addFinalizer(() => Effect.ignore(Effect.timeoutOption(leases.release(holder), "1 second")))
      yield* clearConditions
      const wakes = yield* Queue.sliding<void>(1)
      const wake = Effect.asVoid(Queue.offer(wakes, undefined))
      const wakeSoon = yield* makeDelayed(wake)
      const newest = yield* makeNewestPass
      const hooks = makeHookInbox()
      const warnings = yield* makeWarnings
      yield* Effect.forkScoped(runLoop({ wakes, newest, hooks, warnings }))
      return Reconciler.of({
        wake,
        wakeSoon,
        nextPass: newest.next,
        passes: newest.outcomes,
        lastSnapshot: newest.knownSnapshot,
        receiveHook: (hook) => Effect.andThen(hooks.enqueue(hook), wake),
        warnings: warnings.current
      })
    })
  )
}

/** `wake`, a quarter of a second later; calls in between are one. */
const makeDelayed = Effect.fnUntraced(function* (wake: Effect.Effect<void>) {
  const scope = yield* Effect.scope
  let isDue = false
  const later = Effect.sleep(PASS_EVERY_WHILE_CONNECTING_MS).pipe(
    Effect.andThen(
      Effect.suspend(() => {
        isDue = false
        return wake
      })
    ),
    Effect.forkIn(scope),
    Effect.asVoid
  )
  return Effect.suspend(() => {
    if (isDue) return Effect.void
    isDue = true
    return later
  })
})
