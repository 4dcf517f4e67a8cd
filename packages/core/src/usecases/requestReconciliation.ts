/**
 * An operator asks for a look now, and is told what it found: how many publish whom nobody admitted, and what is done about them. With
 * `enforce` they are to go, however many they are, and the answer waits for a look that finds none left; the wish stands beside the
 * lease, so any instance takes it and the leader fulfils it.
 */
import { Effect } from "effect"
import { isEnforced } from "../domain/reconciliation/summarizePass.ts"
import { Leases } from "../ports/Leases.ts"
import { StoreUnavailable } from "../ports/StoreUnavailable.ts"
import type { KnownSnapshot } from "../reconciler/NewestPass.ts"
import { Reconciler } from "../reconciler/Reconciler.ts"
import { elapsedAtMost, readClocks } from "../resilience/ProcessClock.ts"
import { StoreMonitor } from "../resilience/StoreMonitor.ts"

/** For how long a wish stands that was not fulfilled: the media server may be away. */
export const ENFORCE_FOR_MS = 30_000
/** A leader elsewhere is not woken by this: it looks within a second of its own, and its look has to become known here. */
const ANSWER_WITHIN_MS = 4_000
const ASK_AGAIN_MS = 200

export interface Reconciled {
  /** Whether the look came after the question. */
  readonly fresh: boolean
  /** The last look that is known; `null` when there was none yet. */
  readonly look: KnownSnapshot | null
}

export const requestReconciliation = Effect.fn("reconcileNow")(function* (enforce: boolean) {
  const reconciler = yield* Reconciler
  const leases = yield* Leases
  if (!(yield* (yield* StoreMonitor).isUp)) {
    return yield* new StoreUnavailable({ operation: "reconcileNow", cause: new Error("the store is known to be down") })
  }
  if (enforce) yield* leases.requestEnforcement(ENFORCE_FOR_MS)
  const asked = yield* readClocks
  while (true) {
    yield* reconciler.wake
    const waited = elapsedAtMost(asked, yield* readClocks)
    yield* Effect.timeoutOption(reconciler.nextPass, Math.max(1, Math.min(ASK_AGAIN_MS, ANSWER_WITHIN_MS - waited)))
    const look = yield* reconciler.lastSnapshot
    const since = elapsedAtMost(asked, yield* readClocks)
    const fresh = look !== null && look.ageMillis < since
    const done = fresh && (!enforce || isEnforced(look.found))
    const answer: Reconciled = { fresh, look }
    if (done || since >= ANSWER_WITHIN_MS) return answer
  }
})
