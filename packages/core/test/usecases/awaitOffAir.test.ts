/** Waiting for the media server to let go: as short as can be, and never longer than a person would. */
import { assert, describe, it } from "@effect/vitest"
import { Reconciler } from "@greenroom/core"
import { Clock, Effect, Exit, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { awaitOffAir } from "../../src/usecases/awaitOffAir.ts"
import { streamId } from "../support/arbitraries.ts"
import { withWallClock } from "../support/frozen.ts"
import { running } from "../support/running.ts"
import { makeStage, mediaServerDown, type Stage, storeDown } from "../support/stage.ts"

/** A session on the air that somebody has stopped, and a reconciler that runs. */
const scene = Effect.fnUntraced(function* (prepare: (stage: Stage) => void = () => {}) {
  const stage = makeStage()
  stage.addSession(1)
  stage.connect(1)
  yield* TestClock.adjust("1 minute")
  const { reconciler, passes } = yield* running(stage)
  yield* TestClock.adjust(400)
  prepare(stage)
  stage.move(1, { type: "stop_requested", reason: "stopped" })
  const layer = Layer.merge(stage.layer, Layer.succeed(Reconciler)(reconciler))
  const began = yield* Clock.currentTimeMillis
  const confirm = (...ids: ReadonlyArray<number>) =>
    Effect.forkChild(
      awaitOffAir(ids.map(streamId)).pipe(
        Effect.flatMap((offAir) => Effect.map(Clock.currentTimeMillis, (now) => ({ offAir, after: now - began }))),
        Effect.provide(layer)
      )
    )
  return { stage, passes, confirm }
})

describe("confirmOffAir", () => {
  it.effect("is done at once when there is nothing to take off: it asks nobody and wakes nobody", () =>
    Effect.gen(function* () {
      const { stage, passes, confirm } = yield* scene()
      const before = passes.length
      const result = yield* Fiber.join(yield* confirm())
      assert.deepStrictEqual(result, { offAir: true, after: 0 })
      assert.deepStrictEqual(stage.called("Sessions.stillOpen"), [])
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(passes.slice(before), [])
    })
  )

  it.effect("is done as soon as the sessions are gone: the reconciler is woken, kicks, and looks again", () =>
    Effect.gen(function* () {
      const { stage, confirm } = yield* scene()
      const waiting = yield* confirm(1)
      yield* TestClock.adjust(60)
      assert.deepStrictEqual(yield* Fiber.join(waiting), { offAir: true, after: 50 })
      assert.strictEqual(stage.reason(1), "stopped")
    })
  )

  it.effect("is done at once for sessions that have ended, and for those that never were", () =>
    Effect.gen(function* () {
      const { stage, confirm } = yield* scene()
      stage.move(1, { type: "ended", reason: "stopped" })
      assert.deepStrictEqual(yield* Fiber.join(yield* confirm(1, 99)), { offAir: true, after: 0 })
    })
  )

  it.effect("waits for all of them, and gives up after two seconds", () =>
    Effect.gen(function* () {
      const { stage, confirm } = yield* scene((one) => {
        one.before["MediaServer.kick"] = () => mediaServerDown
      })
      stage.addSession(2, 0)
      stage.move(2, { type: "ended", reason: "never_ready" })
      const waiting = yield* confirm(1, 2)
      yield* TestClock.adjust(2_000 - 1)
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(yield* Fiber.join(waiting), { offAir: false, after: 2_000 })
      assert.isAtMost(stage.called("Sessions.stillOpen").length, 15)
    })
  )

  it.effect("gives up after two seconds also when the clock is set back meanwhile", () =>
    withWallClock((set) =>
      Effect.gen(function* () {
        const { confirm } = yield* scene((one) => {
          one.before["MediaServer.kick"] = () => mediaServerDown
        })
        const waiting = yield* confirm(1)
        yield* TestClock.adjust(500)
        yield* set(-30_000)
        yield* TestClock.adjust(1_499)
        assert.isUndefined(waiting.pollUnsafe())
        yield* TestClock.adjust(1)
        assert.isFalse((yield* Fiber.join(waiting)).offAir)
      })
    )
  )

  it.effect("sees within 200 ms what another instance has done, whose passes nobody sees here", () =>
    Effect.gen(function* () {
      const { stage, confirm } = yield* scene((one) => {
        Object.assign(one.lease, { holder: "another", until: Number.POSITIVE_INFINITY })
      })
      const waiting = yield* confirm(1)
      yield* TestClock.adjust(650)
      stage.move(1, { type: "ended", reason: "stopped" })
      yield* TestClock.adjust(200)
      const { offAir, after } = yield* Fiber.join(waiting)
      assert.isTrue(offAir)
      assert.isAtMost(after, 850)
    })
  )

  it.effect("goes on when the reconciler does not", () =>
    Effect.gen(function* () {
      const { stage, confirm } = yield* scene((one) => {
        one.before["MediaServer.snapshot"] = () => Effect.never
      })
      const waiting = yield* confirm(1)
      yield* TestClock.adjust(2_000)
      assert.deepStrictEqual(yield* Fiber.join(waiting), { offAir: false, after: 2_000 })
      assert.isAtLeast(stage.called("Sessions.stillOpen").length, 10)
    })
  )

  it.effect("says so when the store does not answer: nothing is confirmed", () =>
    Effect.gen(function* () {
      const { stage, confirm } = yield* scene()
      stage.before["Sessions.stillOpen"] = () => storeDown
      const exit = yield* Fiber.await(yield* confirm(1))
      assert.isTrue(Exit.isFailure(exit) && String(exit.cause).includes("StoreUnavailable"))
    })
  )
})
