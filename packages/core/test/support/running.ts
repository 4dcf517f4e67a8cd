/** A reconciler that runs on a stage under the test clock, with the times of its passes. */
import { LostAdmissions, layerBackground, Reconciler } from "@greenroom/core"
import { Clock, Context, Effect, Fiber, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import type { Stage } from "./stage.ts"

/** Starts it in a scope of its own, and notes in `passes` when each begins, in milliseconds from now. */
export const running = Effect.fnUntraced(function* (stage: Stage, passes: Array<number> = []) {
  const began = yield* Clock.currentTimeMillis
  // A pass begins by reading the lease or, where that of the pass before is young, the sessions.
  let hasRead = false
  const note = Effect.map(Clock.currentTimeMillis, (now) => void passes.push(now - began))
  const hold = stage.before["Leases.acquire"]
  stage.before["Leases.acquire"] = (...args) =>
    Effect.suspend(() => {
      hasRead = true
      return Effect.andThen(
        note,
        Effect.suspend(() => hold?.(...args) ?? Effect.void)
      )
    })
  const open = stage.before["Sessions.open"]
  stage.before["Sessions.open"] = (...args) =>
    Effect.suspend(() => {
      const isNoted = hasRead
      hasRead = false
      return Effect.andThen(
        isNoted ? Effect.void : note,
        Effect.suspend(() => open?.(...args) ?? Effect.void)
      )
    })
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer((exit) => Scope.close(scope, exit))
  const context = yield* Layer.buildWithScope(layerBackground.pipe(Layer.provide(stage.layer)), scope)
  yield* settle
  return {
    reconciler: Context.get(context, Reconciler),
    lostAdmissions: Context.get(context, LostAdmissions),
    /** All three services that run. */
    services: Layer.succeedContext(context),
    scope,
    passes
  }
})

/** The outcome of an effect that takes at most three seconds, while the clock goes on for as long. */
export const inTime = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    yield* TestClock.adjust("3 seconds")
    return yield* Fiber.join(fiber)
  })

/** Lets every fiber run that can, without moving the clock. */
export const settle = TestClock.adjust(0)
