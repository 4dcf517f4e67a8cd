/** Whom a pass kicks, after it has looked again; what it does about ghosts; and that its log holds no key. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { follower, type Role } from "../../src/reconciler/Role.ts"
import { collector } from "../support/logs.ts"
import { complete, eventsOf, run, runWith } from "../support/passes.ts"
import { keyValue, makeStage, mediaServerDown, type Stage, storeDown } from "../support/stage.ts"

const aMinuteLater = TestClock.adjust("1 minute")

describe("a kick", () => {
  /** A session that is stopping, and a stranger, both on the air. */
  const scene = () => {
    const stage = makeStage()
    stage.addSession(1)
    stage.connect(1)
    stage.move(1, { type: "stop_requested", reason: "stopped" })
    stage.connect(2)
    return stage
  }

  it.effect("comes after the store was read anew for those who are to go", () =>
    Effect.gen(function* () {
      const stage = scene()
      yield* complete(stage)
      const asked = stage.calls.find(({ name }) => name === "Sessions.bySource")!
      assert.deepStrictEqual(asked.args, [["source-1", "source-2"]])
      const order = stage.called()
      assert.isBelow(order.indexOf("Sessions.bySource"), order.indexOf("MediaServer.kick"))
      assert.strictEqual(stage.called("MediaServer.kick").length, 2)
    })
  )

  const meanwhile: ReadonlyArray<readonly [string, (stage: Stage) => void, ReadonlyArray<string>]> = [
    ["a stranger who was admitted", (stage) => void stage.addSession(2), ["source-1"]],
    ["one whose session has ended", (stage) => stage.move(1, { type: "ended", reason: "stopped" }), ["source-2"]],
    [
      "one who is not being stopped",
      (stage) => {
        stage.rows.clear()
        stage.addSession(1)
      },
      ["source-2"]
    ]
  ]
  it.effect.each(meanwhile)("spares %s in between", ([, happens, kicked]) =>
    Effect.gen(function* () {
      const stage = scene()
      stage.before["Sessions.bySource"] = () => Effect.sync(() => happens(stage))
      yield* complete(stage)
      assert.deepStrictEqual(
        stage.calls.filter(({ name }) => name === "MediaServer.kick").map(({ args }) => (args[0] as { id: string }).id),
        kicked
      )
    })
  )

  it.effect("goes to nobody when the store cannot be read anew", () =>
    Effect.gen(function* () {
      const stage = scene()
      stage.before["Sessions.bySource"] = () => storeDown
      assert.isTrue(Exit.isFailure(yield* Effect.exit(run(stage))))
      assert.strictEqual(stage.connections.size, 2)
    })
  )

  it.effect("that is not answered marks nobody as kicked, keeps nobody else from his, and is tried again", () =>
    Effect.gen(function* () {
      const stage = scene()
      stage.addSession(3)
      stage.connect(3, { protocol: "srt" })
      stage.move(3, { type: "stop_requested", reason: "revoked" })
      stage.before["MediaServer.kick"] = (source) => (source.id === "source-1" ? mediaServerDown : Effect.void)
      const log = collector()
      const outcome = yield* complete(stage).pipe(Effect.provide(log.layer))
      assert.notInclude(eventsOf(stage, 1), "kicked")
      assert.include(eventsOf(stage, 3), "kicked")
      assert.deepStrictEqual([...stage.connections.keys()], ["source-1"])
      assert.isTrue(outcome.unsettled)
      assert.include(log.said(), "WARN a kick was not answered; the next pass tries again")
      delete stage.before["MediaServer.kick"]
      yield* complete(stage)
      assert.include(eventsOf(stage, 1), "kicked")
      assert.strictEqual(stage.connections.size, 0)
    })
  )

  it.effect("of nobody who answered leaves the pass settled: the next look is in a second", () =>
    Effect.gen(function* () {
      const stage = scene()
      stage.before["MediaServer.kick"] = () => mediaServerDown
      assert.isFalse((yield* complete(stage)).unsettled)
      assert.deepStrictEqual(stage.called("Sessions.markKicked"), [])
    })
  )

  it.effect(
    "that hangs keeps nobody from his for long, however many hang: the rest is left to the next pass, and comes first",
    () =>
      Effect.gen(function* () {
        const stage = makeStage()
        stage.policy.massKickLimit = 100
        for (let n = 0; n < 40; n++) stage.connect(n)
        stage.before["MediaServer.kick"] = ({ id }) =>
          Number(id.split("-")[1]) < 32 ? Effect.andThen(Effect.sleep(2_000), mediaServerDown) : Effect.void
        let role: Role = follower
        const kickedIn = Effect.fnUntraced(function* (ms: number) {
          const before = stage.called("MediaServer.kick").length
          const fiber = yield* Effect.forkChild(runWith(stage, role))
          yield* TestClock.adjust(ms)
          const { outcome, role: after } = yield* Fiber.join(fiber)
          role = after
          return [stage.called("MediaServer.kick").length - before, outcome._tag === "Complete" && outcome.unsettled]
        })
        for (let n = 0; n < 4; n++) assert.deepStrictEqual(yield* kickedIn(2_000), [8, true])
        assert.strictEqual(stage.connections.size, 40)
        assert.deepStrictEqual(yield* kickedIn(2_000), [16, true], "those who were never tried, and then others")
        assert.strictEqual(stage.connections.size, 32)
      })
  )

  it.effect("is written once, however often it is needed", () =>
    Effect.gen(function* () {
      const stage = scene()
      for (let n = 0; n < 3; n++) {
        yield* complete(stage)
        stage.connect(1)
      }
      assert.strictEqual(stage.called("MediaServer.kick").length, 4)
      assert.deepStrictEqual(stage.called("Sessions.markKicked"), ["Sessions.markKicked"])
    })
  )

  it.effect("of a stranger is only reported when the policy says so; of one who had a session it is not", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      stage.policy.unauthorized = "report"
      stage.addSession(1)
      stage.move(1, { type: "ended", reason: "never_ready" })
      stage.connect(1)
      stage.connect(2)
      const outcome = yield* complete(stage)
      assert.deepStrictEqual([outcome.found.unauthorized, outcome.found.reported, outcome.found.kicked], [2, 1, 1])
      assert.deepStrictEqual([...stage.connections.keys()], ["source-2"])
    })
  )

  it.effect("of too many strangers at once goes to none of them, until it is enforced", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      stage.policy.massKickLimit = 2
      for (const n of [1, 2, 3]) stage.connect(n)
      assert.strictEqual((yield* complete(stage)).found.heldBack, 3)
      assert.strictEqual(stage.connections.size, 3)
      stage.policy.enforce = true
      assert.strictEqual((yield* complete(stage)).found.heldBack, 0)
      assert.strictEqual(stage.connections.size, 0)
    })
  )
})

describe("strangers who are held back", () => {
  const three = () => {
    const stage = makeStage()
    stage.policy.massKickLimit = 2
    for (const n of [1, 2, 3]) stage.connect(n)
    return stage
  }

  it.effect("stay so when some of them leave, whoever looks, until an operator decides", () =>
    Effect.gen(function* () {
      const stage = three()
      yield* complete(stage)
      stage.connections.delete("source-1")
      assert.strictEqual((yield* complete(stage)).found.heldBack, 2)
      stage.connections.delete("source-2")
      Object.assign(stage.lease, { holder: null })
      stage.policy.holder = "another"
      assert.strictEqual((yield* complete(stage)).found.heldBack, 1)
      assert.deepStrictEqual(stage.called("MediaServer.kick"), [])
      stage.lease.enforceUntil = Number.POSITIVE_INFINITY
      assert.strictEqual((yield* complete(stage)).found.kicked, 1)
    })
  )

  it.effect("stay so when no list shows them and another instance takes the lead", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      for (let n = 0; n < 11; n++) stage.connect(n, { protocol: "moq", listed: false })
      const first = yield* complete(stage)
      assert.strictEqual((yield* complete(stage, first.memory)).found.heldBack, 11)
      Object.assign(stage.lease, { holder: null })
      stage.policy.holder = "another"
      const next = yield* complete(stage)
      assert.strictEqual(next.found.heldBack, 11)
      yield* complete(stage, next.memory)
      assert.deepStrictEqual(stage.called("MediaServer.resetPath"), [])
    })
  )

  it.effect("are forgotten when all of them have left, or the media server was started anew", () =>
    Effect.gen(function* () {
      const stage = three()
      yield* complete(stage)
      stage.connections.clear()
      yield* complete(stage)
      stage.connect(4)
      assert.strictEqual((yield* complete(stage)).found.kicked, 1)
      for (const n of [5, 6, 7]) stage.connect(n)
      yield* complete(stage)
      stage.connections.clear()
      stage.server.started = "2"
      stage.connect(8)
      assert.strictEqual((yield* complete(stage)).found.kicked, 1)
    })
  )
})

describe("a ghost on a path", () => {
  const ghost = (stage: Stage) => stage.connect(1, { protocol: "rtsp", listed: false })

  it.effect("is cured when it is seen twice in a row, and its session ends when it is gone", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      stage.addSession(1)
      ghost(stage)
      yield* aMinuteLater
      const first = yield* complete(stage)
      assert.deepStrictEqual(stage.called("MediaServer.resetPath"), [])
      assert.notStrictEqual(stage.state(1), "Inactive")
      const second = yield* complete(stage, first.memory)
      assert.deepStrictEqual(stage.calls.at(-2), { name: "MediaServer.resetPath", args: ["live/1"] })
      yield* complete(stage, second.memory)
      assert.strictEqual(stage.reason(1), "disconnected")
    })
  )

  it.effect("that cannot be cured breaks no pass: the process is remembered, and the next pass tries again", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      ghost(stage)
      const first = yield* complete(stage)
      stage.server.started = "2"
      stage.before["MediaServer.resetPath"] = () => mediaServerDown
      const log = collector()
      const second = yield* complete(stage, first.memory).pipe(Effect.provide(log.layer))
      assert.strictEqual(stage.lease.started, "2")
      assert.include(log.said(), "WARN a path could not be reset; the next pass tries again")
      yield* complete(stage, second.memory)
      assert.strictEqual(stage.called("MediaServer.resetPath").length, 2)
    })
  )
})

describe("the log of a pass", () => {
  it.effect("says whom it kicked and which path it reset, and no key that somebody put into a path", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      const path = `live/${keyValue(7)}`
      stage.connect(1, { path })
      stage.connect(2, { path: `${path}/2`, protocol: "rtsp", listed: false })
      const log = collector()
      const quietly = Effect.provide(log.layer)
      stage.before["MediaServer.kick"] = () => mediaServerDown
      const first = yield* complete(stage).pipe(quietly)
      delete stage.before["MediaServer.kick"]
      yield* complete(stage, first.memory).pipe(quietly)
      assert.deepStrictEqual(log.said(), [
        "WARN a kick was not answered; the next pass tries again",
        "INFO publisher kicked",
        "WARN the path of a publisher that no list shows was reset"
      ])
      assert.deepStrictEqual(
        log.lines.map(({ annotations }) => annotations.path),
        ["live/sk_kkk7…", "live/sk_kkk7…", "live/sk_kkk7…/2"]
      )
      assert.strictEqual(log.lines[1]!.annotations.source_id, "source-1")
    })
  )

  it.effect("says that one had left before the kick", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      stage.connect(1)
      stage.before["MediaServer.kick"] = () => Effect.sync(() => stage.connections.clear())
      const log = collector()
      yield* complete(stage).pipe(Effect.provide(log.layer))
      assert.deepStrictEqual(log.said(), ["INFO publisher had left before the kick"])
    })
  )
})
