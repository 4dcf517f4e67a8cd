/** The admissions that the reconciler regrets, and how it goes itself. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Fiber, Scope } from "effect"
import { TestClock } from "effect/testing"
import { keyId, streamId } from "../support/arbitraries.ts"
import { withWallClock } from "../support/frozen.ts"
import { collector, metered } from "../support/logs.ts"
import { running } from "../support/running.ts"
import { makeStage, storeDown } from "../support/stage.ts"

const later = (ms: number) => TestClock.adjust(ms)

describe("a regretted admission", () => {
  it.effect("ends with the next pass, and is ended again for five seconds: it may have been on its way", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      const { lostAdmissions } = yield* running(stage)
      yield* lostAdmissions.add(streamId(1))
      stage.addSession(1)
      yield* later(1_000)
      assert.strictEqual(stage.reason(1), "never_ready")
      yield* later(20_000)
      const ends = stage.calls.filter(({ name }) => name === "Admissions.endGone")
      assert.deepStrictEqual(
        ends.map(({ args }) => args[0]),
        Array.from({ length: 6 }, () => streamId(1))
      )
    })
  )

  it.effect("is ended again for no longer when the clock is set back meanwhile", () =>
    withWallClock((set) =>
      Effect.gen(function* () {
        const stage = makeStage()
        const { lostAdmissions } = yield* running(stage)
        yield* lostAdmissions.add(streamId(1))
        yield* later(2_000)
        yield* set(-30_000)
        yield* later(4_500)
        assert.isFalse(yield* lostAdmissions.has(streamId(1)))
        yield* later(20_000)
        assert.strictEqual(stage.called("Admissions.endGone").length, 6)
      })
    )
  )

  it.effect("beyond ten thousand others is not kept: that is logged once, and counted", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      const log = collector()
      const { counts } = yield* metered(
        Effect.gen(function* () {
          const { lostAdmissions } = yield* running(stage).pipe(Effect.provide(log.layer))
          stage.before["Admissions.endGone"] = () => storeDown
          for (let n = 0; n < 10_003; n++) yield* lostAdmissions.add(streamId(n))
          yield* lostAdmissions.add(streamId(5))
          assert.isTrue(yield* lostAdmissions.has(streamId(9_999)))
          assert.isFalse(yield* lostAdmissions.has(streamId(10_000)))
        }).pipe(Effect.provide(log.layer))
      )
      assert.strictEqual(counts.greenroom_regrets_dropped_total, 3)
      assert.strictEqual(log.said().filter((line) => line.includes("more than 10000")).length, 1)
    })
  )

  it.effect("that arrives late ends, too, within those five seconds", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      const { lostAdmissions } = yield* running(stage)
      yield* lostAdmissions.add(streamId(1))
      yield* later(5_500)
      stage.addSession(1, 5_500)
      yield* later(500)
      assert.strictEqual(stage.reason(1), "never_ready")
    })
  )

  it.effect("waits until the store answers, and then ends before anything is looked at", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      const { lostAdmissions } = yield* running(stage)
      yield* lostAdmissions.add(streamId(1))
      stage.addSession(1)
      for (const name of ["Admissions.endGone", "Sessions.open"]) stage.before[name] = () => storeDown
      yield* later(60_000)
      assert.strictEqual(stage.state(1), "Connecting")
      for (const name of ["Admissions.endGone", "Sessions.open"]) delete stage.before[name]
      stage.calls.length = 0
      yield* later(1_000)
      assert.strictEqual(stage.reason(1), "never_ready")
      assert.strictEqual(stage.called()[0], "Admissions.endGone")
      yield* later(20_000)
      assert.strictEqual(stage.called("Admissions.endGone").length, 6)
    })
  )

  it.effect.each([
    ["a failure", storeDown],
    ["a defect", Effect.die(new Error("a defect"))]
  ] as const)("that cannot be ended keeps nobody from looking, and is tried again: %s", ([, trouble]) =>
    Effect.gen(function* () {
      const stage = makeStage()
      const { lostAdmissions } = yield* running(stage)
      yield* lostAdmissions.add(streamId(1))
      stage.before["Admissions.endGone"] = () => trouble
      stage.connect(2)
      yield* later(1_000)
      assert.isFalse(stage.connections.has("source-2"), "a stranger is still kicked")
      yield* later(1_000)
      assert.isAtLeast(stage.called("Admissions.endGone").length, 2)
    })
  )

  it.effect("is one of at most ten thousand, of which no look waits for more than a hundred", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      const { lostAdmissions } = yield* running(stage)
      const ended = () =>
        new Set(stage.calls.filter(({ name }) => name === "Admissions.endGone").map(({ args }) => args[0]))
      for (let n = 0; n < 10_001; n++) yield* lostAdmissions.add(streamId(n))
      yield* later(49)
      assert.isAtMost(ended().size, 100)
      yield* later(60_000)
      assert.strictEqual(ended().size, 10_000)
    })
  )

  it.effect("is the concern of every instance, not only of the one that leads", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      Object.assign(stage.lease, { holder: "another", until: Number.POSITIVE_INFINITY })
      const { lostAdmissions } = yield* running(stage)
      stage.addSession(1)
      yield* lostAdmissions.add(streamId(1))
      yield* later(1_000)
      assert.strictEqual(stage.state(1), "Inactive")
    })
  )
})

describe("when its scope closes, the reconciler", () => {
  it.effect("looks no more and gives its lease up, for good", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      const { scope, reconciler, passes } = yield* running(stage)
      assert.strictEqual(stage.lease.holder, "me")
      stage.before["Leases.release"] = () => Effect.sleep(300)
      yield* reconciler.wake
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* later(5_000)
      yield* Fiber.join(closing)
      assert.deepStrictEqual(stage.called("Leases.release"), ["Leases.release"])
      assert.isAtMost(stage.lease.until, yield* Clock.currentTimeMillis)
      assert.deepStrictEqual(passes, [0])
    })
  )

  it.effect("does not give up another's", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      const { scope } = yield* running(stage)
      Object.assign(stage.lease, { holder: "another", until: Number.POSITIVE_INFINITY })
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(stage.lease.holder, "another")
      assert.deepStrictEqual(stage.calls.at(-1), { name: "Leases.release", args: ["me"] })
    })
  )

  it.effect.each([
    ["is down", storeDown],
    ["hangs", Effect.never]
  ] as const)("waits no longer than a second for a store that %s", ([, trouble]) =>
    Effect.gen(function* () {
      const stage = makeStage()
      const { scope } = yield* running(stage)
      stage.before["Leases.release"] = () => trouble
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* later(1_000)
      assert.isTrue(Exit.isSuccess(closing.pollUnsafe()!))
    })
  )

  it.effect("leaves a pass in the middle, and writes nothing more", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      stage.addSession(1, -60_000, { streamKeyId: keyId(1) })
      stage.before["MediaServer.snapshot"] = () => Effect.sleep(100)
      const { scope } = yield* running(stage)
      yield* Scope.close(scope, Exit.void)
      yield* later(5_000)
      assert.strictEqual(stage.state(1), "Connecting")
      assert.strictEqual(stage.called().at(-1), "Leases.release")
    })
  )
})

describe("a lost admission is known", () => {
  it.effect("while it may still have to be ended, and no longer; it is logged once, and once that none is left", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      const log = collector()
      const { counts } = yield* metered(
        Effect.gen(function* () {
          const { lostAdmissions } = yield* running(stage).pipe(Effect.provide(log.layer))
          stage.before["Admissions.endGone"] = () => storeDown
          yield* lostAdmissions.add(streamId(1)).pipe(Effect.provide(log.layer))
          yield* lostAdmissions.add(streamId(2)).pipe(Effect.provide(log.layer))
          yield* later(3_000)
          assert.deepStrictEqual(
            [yield* lostAdmissions.has(streamId(1)), yield* lostAdmissions.has(streamId(3))],
            [true, false]
          )
        })
      )
      assert.strictEqual(counts.greenroom_regrets_pending, 2)
      assert.strictEqual(counts["greenroom_degraded kind=regrets_pending"], 1)
      const said = () => log.said().filter((line) => !line.startsWith("DEBUG"))
      assert.deepStrictEqual(said(), [
        "WARN the answer of an admission was lost: its session is ended as soon as the store answers"
      ])
      delete stage.before["Admissions.endGone"]
      yield* later(1_000)
      assert.deepStrictEqual(said().slice(1), ["INFO the sessions of all lost admissions have ended"])
    })
  )
})
