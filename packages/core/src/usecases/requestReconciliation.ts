/**
 * An operator asks for a pass now; the answer is what it found: how many unauthorized publishers there are, and what is done about them. With
 * `enforce` they are kicked, however many they are, and the answer waits for a snapshot without any. The request is kept beside the
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
import { audited } from "./audited.ts"

/** For how long a request for enforcement lasts that was not fulfilled: the media server may be away. */
const ENFORCE_FOR_MS = 30_000
/** This does not wake a leader elsewhere: its next pass begins within a second, and its snapshot has to become known here. */
const ANSWER_WITHIN_MS = 4_000
const ASK_AGAIN_MS = 200

export interface Reconciled {
  /** Whether the snapshot began after the request. */
  readonly fresh: boolean
  /** The last snapshot that is known; `null` when there was none yet. */
  readonly snapshot: KnownSnapshot | null
}

/**
 * Asks for a pass now and answers with its snapshot within 4 s, or with the last one that is known. `enforce`: unauthorized publishers are kicked,
 * however many they are.
 */
export const requestReconciliation = Effect.fn("reconcileNow")(function* (enforce: boolean) {
  const reconciler = yield* Reconciler
  const leases = yield* Leases
  if (!(yield* (yield* StoreMonitor).isUp)) {
    return yield* new StoreUnavailable({ operation: "reconcileNow", cause: new Error("the store is known to be down") })
  }
  const requesting = enforce ? leases.requestEnforcement(ENFORCE_FOR_MS) : Effect.void
  yield* audited("reconciliation.request", requesting, () => ({
    resourceId: null,
    broadcasterId: null,
    after: { enforce }
  }))
  const asked = yield* readClocks
  while (true) {
    yield* reconciler.wake
    const waited = elapsedAtMost(asked, yield* readClocks)
    yield* Effect.timeoutOption(reconciler.nextPass, Math.max(1, Math.min(ASK_AGAIN_MS, ANSWER_WITHIN_MS - waited)))
    const snapshot = yield* reconciler.lastSnapshot
    const since = elapsedAtMost(asked, yield* readClocks)
    const fresh = snapshot !== null && snapshot.ageMillis < since
    const done = fresh && (!enforce || isEnforced(snapshot.found))
    const answer: Reconciled = { fresh, snapshot }
    if (done || since >= ANSWER_WITHIN_MS) return answer
  }
})
