/**
 * The one way in which a request takes streams off the air. The store has been changed already; the reconciler derives from it which publishers
 * must go, and kicks them; this waits until none of them is left, for at most as long as a person would.
 */
import { Context, Effect } from "effect"
import type { StreamId } from "../domain/values/Ids.ts"
import { Sessions } from "../ports/Sessions.ts"
import { Reconciler } from "../reconciler/Reconciler.ts"
import { elapsedAtMost, readClocks } from "../resilience/ProcessClock.ts"

/** How long a caller waits for the confirmation; the reconciler goes on for as long as it takes. */
const CONFIRM_WITHIN_MS = 2_000
/** Another time for tests on machines that are busy; read at each call. */
export const AwaitOffAirWithin = Context.Reference<{ readonly millis: number }>("greenroom/AwaitOffAirWithin", {
  defaultValue: () => ({ millis: CONFIRM_WITHIN_MS })
})
/** Another instance may be the one that reconciles: its passes are not seen here. */
const ASK_AGAIN_MS = 200

/** Whether the media server has confirmed that none of these streams is left on it. */
export const awaitOffAir = Effect.fn("confirmOffAir")(function* (streamIds: ReadonlyArray<StreamId>) {
  if (streamIds.length === 0) return true
  const sessions = yield* Sessions
  const reconciler = yield* Reconciler
  const since = yield* readClocks
  const { millis } = yield* AwaitOffAirWithin
  yield* reconciler.wake
  while (true) {
    if ((yield* sessions.stillOpen(streamIds)).length === 0) return true
    const left = millis - elapsedAtMost(since, yield* readClocks)
    if (left <= 0) return false
    yield* Effect.timeoutOption(reconciler.nextPass, Math.min(left, ASK_AGAIN_MS))
  }
})
