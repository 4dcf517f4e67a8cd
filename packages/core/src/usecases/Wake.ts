/**
 * What a hook does: it makes the reconciler look at once, and nothing else. A repeated, late, reordered, lost or forged hook can
 * therefore never make a state that is not so.
 */
import { Effect } from "effect"
import { Reconciler } from "./Reconciler.ts"

export const wake = Effect.fnUntraced(function* () {
  const reconciler = yield* Reconciler
  yield* reconciler.wake
})
