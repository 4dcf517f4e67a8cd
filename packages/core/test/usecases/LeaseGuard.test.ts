/** A pass against its own clocks: frozen at any of its calls, or with a store that answers late, it begins nothing once its lease has run out. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { initialState } from "../../src/domain/reconciliation/ReconcileState.ts"
import { LeaseLost } from "../../src/reconciler/LeaseGuard.ts"
import { inFreezable } from "../support/frozen.ts"
import { run } from "../support/passes.ts"
import { makeStage } from "../support/stage.ts"

const later = (ms: number) => TestClock.adjust(ms)

/** Something to do for every kind of call: one to end, to mark ready, to kick, to stop, to cure. */
const busyStage = () => {
  const stage = makeStage()
  stage.addKey(2, { enabled: false })
  for (const n of [1, 2, 3, 4]) stage.addSession(n, -60_000)
  stage.connect(1)
  stage.connect(2)
  stage.connect(4, { protocol: "rtsp", onPath: "no" })
  for (const n of [10, 11, 12, 13, 14, 15, 16, 17, 18]) stage.connect(n)
  stage.connect(20, { protocol: "rtsp", listed: false })
  return stage
}
const ghostSeen = { ...initialState, started: "1", unlisted: new Set(["source-20"]) }

const isLost = (exit: Exit.Exit<unknown, unknown>) =>
  Exit.isFailure(exit) && Cause.squash(exit.cause) instanceof LeaseLost

const everyCall = (() => {
  const stage = busyStage()
  Effect.runSync(Effect.exit(run(stage, ghostSeen)))
  return [...new Set(stage.called())]
})()

describe("a pass that is frozen until its lease has run out", () => {
  it("is tried at every kind of call", () => {
    assert.includeMembers(everyCall, [
      "Leases.acquire",
      "MediaServer.snapshot",
      "MediaServer.find",
      "MediaServer.kick",
      "MediaServer.resetPath",
      "Sessions.observe",
      "Sessions.markReady",
      "Sessions.requestStop",
      "Sessions.end",
      "Sessions.markKicked",
      "Leases.recordPass"
    ])
  })

  const frozenAt = (name: string, millis: number) => {
    const stage = busyStage()
    const calls = { before: null as number | null }
    const outcome = inFreezable((freeze) => {
      stage.before[name] = () =>
        Effect.suspend(() => {
          if (calls.before !== null) return Effect.void
          calls.before = stage.calls.length
          return freeze(millis)
        })
      return Effect.exit(run(stage, ghostSeen))
    })
    return { stage, calls, outcome }
  }

  it.effect.each(everyCall)("begins nothing more: at %s", (name) =>
    Effect.gen(function* () {
      const { stage, calls, outcome } = frozenAt(name, 3_000)
      const exit = yield* outcome
      const callsThen = calls.before
      assert.isNotNull(callsThen)
      assert.strictEqual(
        stage.calls.length,
        callsThen,
        stage
          .called()
          .slice(callsThen ?? 0)
          .join()
      )
      if (name !== "Leases.recordPass") assert.isTrue(isLost(exit))
    })
  )

  it.effect.each(everyCall)("goes on when it was frozen for less: at %s", (name) =>
    Effect.gen(function* () {
      const { stage, calls, outcome } = frozenAt(name, 2_999)
      assert.isTrue(Exit.isSuccess(yield* outcome))
      if (name !== "Leases.recordPass") assert.isAbove(stage.calls.length, calls.before!)
    })
  )
})

describe("a pass whose store is slow", () => {
  it.effect("counts from the moment before it asked, not from the answer", () =>
    Effect.gen(function* () {
      const stage = busyStage()
      stage.before["Leases.acquire"] = () => Effect.sleep(2_950)
      stage.before["MediaServer.snapshot"] = () => Effect.sleep(60)
      const fiber = yield* Effect.forkChild(Effect.exit(run(stage)))
      yield* later(2_999)
      assert.strictEqual(stage.called("MediaServer.snapshot").length, 1)
      yield* later(2_000)
      assert.isTrue(isLost(yield* Fiber.join(fiber)))
      assert.notInclude(stage.called(), "Sessions.after")
    })
  )

  it.effect("gives up what is under way when its lease cannot be renewed in time", () =>
    Effect.gen(function* () {
      const stage = busyStage()
      let holds = 0
      stage.before["Leases.acquire"] = () => (holds++ === 0 ? Effect.void : Effect.never)
      stage.before["MediaServer.snapshot"] = () => Effect.sleep(4_900)
      const fiber = yield* Effect.forkChild(Effect.exit(run(stage)))
      yield* later(2_999)
      assert.isUndefined(fiber.pollUnsafe())
      yield* later(1)
      assert.isTrue(isLost(yield* Fiber.join(fiber)))
    })
  )
})

describe("a path is reset", () => {
  it.effect("right after the lease was renewed, each of them", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      for (const n of [1, 2]) stage.connect(n, { protocol: "rtsp", listed: false })
      yield* run(stage, { ...initialState, started: "1", unlisted: new Set(["source-1", "source-2"]) })
      const calls = stage.called()
      const cures = calls.flatMap((name, index) => (name === "MediaServer.resetPath" ? [index] : []))
      assert.deepStrictEqual(
        cures.map((index) => calls[index - 1]),
        ["Leases.acquire", "Leases.acquire"]
      )
    })
  )

  it.effect("not at all when another instance holds the lease by then", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      stage.connect(1, { protocol: "rtsp", listed: false })
      let looks = 0
      stage.before["MediaServer.snapshot"] = () =>
        Effect.sync(() => {
          if (++looks === 2) Object.assign(stage.lease, { holder: "another", until: Number.POSITIVE_INFINITY })
        })
      const exit = yield* Effect.exit(run(stage, { ...initialState, started: "1", unlisted: new Set(["source-1"]) }))
      assert.isTrue(isLost(exit))
      assert.notInclude(stage.called(), "MediaServer.resetPath")
    })
  )
})
