/**
 * A hook makes the reconciler take a snapshot at once. While the control API answers it does nothing else, so that a repeated, late,
 * reordered, lost or forged hook can never make a false state. Only while the media server cannot be observed is it applied (`HookInbox`).
 */
import { Effect } from "effect"
import type { Hook } from "../domain/reconciliation/interpretHook.ts"
import { Reconciler } from "../reconciler/Reconciler.ts"

/** Takes a hook; without one it only wakes the reconciler. Never fails. */
export const receiveHook = Effect.fnUntraced(function* (hook?: Hook) {
  const reconciler = yield* Reconciler
  yield* hook === undefined ? reconciler.wake : reconciler.receiveHook(hook)
})
