/** When the reconciler looks, whatever fails, and who learns when it has. */
import { assert, describe, it } from "@effect/vitest"
import { Reconciler, receiveHook } from "@greenroom/core"
import { Arbitrary, Clock, Effect, Exit, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import { cases, element } from "../support/arbitraries.ts"
import { collector } from "../support/logs.ts"
import { running, settle } from "../support/running.ts"
import { makeStage, mediaServerDown, storeDown } from "../support/stage.ts"

const later = (ms: number) => TestClock.adjust(ms)

describe("the reconciler looks", () => {
  it.effect("at once, and then every second", () =>
    Effect.gen(function* () {
      const { passes } = yield* running(makeStage())
      assert.deepStrictEqual(passes, [0])
      yield* later(1_000 - 1)
      assert.deepStrictEqual(passes, [0])
      yield* later(1)
      yield* later(3_000)
      assert.deepStrictEqual(passes, [0, 1_000, 2_000, 3_000, 4_000])
    })
  )

  it.effect("every quarter of a second while somebody is connecting, and then every second again", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      stage.addSession(1)
      stage.connect(1, { onPath: "no" })
      const { passes } = yield* running(stage)
      yield* later(1_000)
      assert.deepStrictEqual(passes, [0, 250, 500, 750, 1_000])
      stage.connect(1)
      yield* later(250)
      passes.length = 0
      yield* later(2_500)
      assert.strictEqual(passes.length, 3, "1,250 still knew it as connecting")
    })
  )

  const troubles = {
    none: Effect.void,
    "the store is down": storeDown,
    "the media server is down": mediaServerDown,
    "a defect": Effect.die(new Error("a defect")),
    "an interruption": Effect.interrupt,
    "no hurry": Effect.sleep(300)
  }
  const calls = ["Leases.acquire", "Sessions.open", "MediaServer.snapshot", "Sessions.after"]
  const moments = Arbitrary.all({
    call: element(calls),
    trouble: element(Object.keys(troubles) as Array<keyof typeof troubles>),
    wakeAfter: element([null, 0, 1, 10, 49, 50, 51, 400, 949, 950, 951, 999])
  })
  it.effect.prop(
    "again within a second whatever fails, never twice within 50 ms, and within 50 ms of being woken",
    [Arbitrary.array(moments, { minLength: 1, maxLength: 12 })],
    ([schedule]) =>
      Effect.gen(function* () {
        const stage = makeStage()
        const began = yield* Clock.currentTimeMillis
        const nowMs = Effect.map(Clock.currentTimeMillis, (now) => now - began)
        const starts: Array<number> = []
        const slow = new Set<number>()
        const wakes: Array<readonly [at: number, begun: number]> = []
        let current = 0
        /** What goes wrong in the pass that is under way. */
        let moment = schedule[0]
        let begun = 0
        for (const call of calls) {
          stage.before[call] = () => {
            if (begun !== starts.length) moment = schedule[current]
            begun = starts.length
            if (moment?.call !== call) return Effect.void
            if (moment.trouble === "no hurry") slow.add(starts.length - 1)
            return troubles[moment.trouble]
          }
        }
        const { reconciler, scope } = yield* running(stage, starts)
        for (; current < schedule.length; current++) {
          const { wakeAfter } = schedule[current]!
          if (wakeAfter !== null) {
            yield* later(wakeAfter)
            wakes.push([yield* nowMs, starts.length])
            yield* reconciler.wake
          }
          yield* later(1_000 - (wakeAfter ?? 0))
        }
        yield* later(5_000)
        const endOf = (pass: number) => starts[pass]! + (slow.has(pass) ? 300 : 0)
        for (let pass = 1; pass < starts.length; pass++) {
          assert.isAtLeast(starts[pass]! - endOf(pass - 1), 50, "closer than 50 ms")
          assert.isAtMost(starts[pass]! - endOf(pass - 1), 1_000, "more than a second without a look")
        }
        assert.isAtLeast(endOf(starts.length - 1), (yield* nowMs) - 1_000)
        for (const [at, begun] of wakes) {
          assert.isAtMost(starts[begun]!, Math.max(at, endOf(begun - 1) + 50), `woken at ${at}`)
        }
        yield* Scope.close(scope, Exit.void)
      }),
    cases(200)
  )

  it.effect("once for a hundred wakes, and for a wake during a pass once more after it", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      const { reconciler, passes } = yield* running(stage)
      yield* later(500)
      stage.before["MediaServer.snapshot"] = () => Effect.sleep(100)
      for (let n = 0; n < 100; n++) yield* reconciler.wake
      yield* later(99)
      assert.deepStrictEqual(passes, [0, 500])
      for (let n = 0; n < 100; n++) yield* reconciler.wake
      yield* later(900)
      assert.deepStrictEqual(passes, [0, 500, 650])
    })
  )

  it.effect("a quarter of a second after an admission, once for a hundred of them", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      const { reconciler, passes } = yield* running(stage)
      yield* later(300)
      for (let n = 0; n < 100; n++) {
        yield* reconciler.wakeSoon
        yield* later(1)
      }
      yield* later(900)
      assert.deepStrictEqual(passes, [0, 550])
      yield* reconciler.wakeSoon
      yield* reconciler.wake
      yield* settle
      assert.deepStrictEqual(passes, [0, 550, 1_300])
    })
  )

  it.effect("when a hook says so", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      const { reconciler, passes } = yield* running(stage)
      yield* later(300)
      yield* receiveHook().pipe(Effect.provide(Layer.succeed(Reconciler)(reconciler)))
      yield* settle
      assert.deepStrictEqual(passes, [0, 300])
    })
  )

  it.effect("again after 50 ms while somebody who was kicked has to be seen gone", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      stage.connect(1)
      const { passes } = yield* running(stage)
      yield* later(900)
      assert.deepStrictEqual(passes, [0, 50])
    })
  )

  it.effect("on after a pass that never ends: that one is given up after 15 s", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      stage.before["MediaServer.snapshot"] = () => Effect.never
      const log = collector()
      yield* running(stage).pipe(Effect.provide(log.layer))
      delete stage.before["MediaServer.snapshot"]
      const looks = () => stage.called("MediaServer.snapshot").length
      yield* later(14_999)
      assert.strictEqual(looks(), 1)
      yield* later(1_001)
      assert.strictEqual(looks(), 2)
      assert.deepStrictEqual(log.said(), [
        "WARN the reconciler cannot observe; the stored state stays unchanged until it can",
        "INFO the reconciler observes"
      ])
      const error = "the pass took more than 15 s and was given up"
      assert.deepStrictEqual(log.lines[0]!.annotations, { outcome: "too_long", error })
    })
  )

  it.effect("as soon as the lease runs out that it last read while another instance leads", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      Object.assign(stage.lease, { holder: "another", until: (yield* Clock.currentTimeMillis) + 2_400 })
      const { passes } = yield* running(stage)
      yield* later(2_400)
      assert.deepStrictEqual(passes, [0, 1_000, 2_000])
      assert.deepStrictEqual(stage.called("MediaServer.snapshot"), [])
      yield* later(5)
      assert.deepStrictEqual(passes, [0, 1_000, 2_000, 2_405])
      assert.strictEqual(stage.called("MediaServer.snapshot").length, 1)
    })
  )

  it.effect("with the lease in hand for as long as a look may take, so that what it saw is written", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      stage.addSession(1)
      stage.connect(1)
      stage.before["MediaServer.snapshot"] = () => Effect.sleep(4_900)
      yield* running(stage)
      yield* later(20_000)
      assert.strictEqual(stage.state(1), "Active")
    })
  )

  it.effect("no further when it has lost the lease to another instance in the middle of a pass", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      stage.connect(1)
      stage.before["MediaServer.snapshot"] = () => Effect.sleep(4_900)
      yield* running(stage)
      Object.assign(stage.lease, { holder: "another", until: Number.POSITIVE_INFINITY })
      yield* later(20_000)
      assert.deepStrictEqual(stage.called("MediaServer.kick"), [])
      assert.strictEqual(stage.called("Sessions.after").length, 0)
    })
  )

  it.effect(
    "with what it remembers from pass to pass, a failed one in between or not: a ghost is cured the second time",
    () =>
      Effect.gen(function* () {
        const stage = makeStage()
        stage.connect(1, { protocol: "rtsp", listed: false })
        yield* running(stage)
        stage.before["Sessions.after"] = () => storeDown
        yield* later(1_000)
        assert.deepStrictEqual(stage.called("MediaServer.resetPath"), [])
        delete stage.before["Sessions.after"]
        yield* later(1_000)
        assert.deepStrictEqual(stage.called("MediaServer.resetPath"), ["MediaServer.resetPath"])
      })
  )
})

describe("whoever waits for the next pass", () => {
  it.effect.each(["complete", "failed"])("gets it when it is over: %s", (how) =>
    Effect.gen(function* () {
      const stage = makeStage()
      const { reconciler } = yield* running(stage)
      stage.before["MediaServer.snapshot"] = () =>
        Effect.andThen(Effect.sleep(200), how === "failed" ? mediaServerDown : Effect.void)
      const waiting = yield* Effect.forkChild(reconciler.nextPass)
      yield* later(1_199)
      assert.isUndefined(waiting.pollUnsafe())
      yield* later(1)
      assert.isDefined(waiting.pollUnsafe())
      const next = yield* Effect.forkChild(reconciler.nextPass)
      yield* later(999)
      assert.isUndefined(next.pollUnsafe(), "a pass that was over before is not the next one")
    })
  )
})
