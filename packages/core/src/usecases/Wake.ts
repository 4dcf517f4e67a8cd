/**
 * What a hook does: it makes the reconciler look at once. While the control API answers it does nothing else, so that a repeated, late,
 * reordered, lost or forged hook can never make a state that is not so. Only while nobody can look is it believed (see `Hook.ts`).
 */
import { Effect } from "effect"
import type { Hook } from "../domain/Hook.ts"
import { Reconciler } from "./Reconciler.ts"

export const wake = Effect.fnUntraced(function* (hook?: Hook) {
  const reconciler = yield* Reconciler
  yield* hook === undefined ? reconciler.wake : reconciler.hear(hook)
})
