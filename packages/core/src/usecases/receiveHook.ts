/**
 * What a hook does: it makes the reconciler look at once. While the control API answers it does nothing else, so that a repeated, late,
 * reordered, lost or forged hook can never make a state that is not so. Only while nobody can look is it believed (see `Hook.ts`).
 */
import { Effect } from "effect"
import type { Hook } from "../domain/reconciliation/interpretHook.ts"
import { Reconciler } from "../reconciler/Reconciler.ts"

export const receiveHook = Effect.fnUntraced(function* (hook?: Hook) {
  const reconciler = yield* Reconciler
  yield* hook === undefined ? reconciler.wake : reconciler.receiveHook(hook)
})
