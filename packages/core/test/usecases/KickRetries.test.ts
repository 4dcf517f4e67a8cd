/** What stays however often it is told to go: nobody hurries for it, and it is said once when it begins and once when it is over. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { withWallClock } from "../support/frozen.ts"
import { collector, metered } from "../support/logs.ts"
import { running } from "../support/running.ts"
import { makeStage, mediaServerDown, storeDown } from "../support/stage.ts"

const later = (ms: number) => TestClock.adjust(ms)

describe("a publisher that is told to go and stays", () => {
  const kinds = ["unauthorized", "former", "stopping"] as const
  it.effect.each(kinds)("is told in every pass, is looked for at once only once, and is said three times: %s", (why) =>
    Effect.gen(function* () {
      const stage = makeStage()
      if (why !== "unauthorized") stage.addSession(1)
      if (why === "stopping") {
        stage.move(1, { type: "ready", sourceType: "rtmpConn" })
        stage.move(1, { type: "stop_requested", reason: "stopped" })
      }
      if (why === "former") stage.move(1, { type: "ended", reason: "never_ready" })
      stage.before["MediaServer.snapshot"] = () => Effect.sync(() => void stage.connect(1))
      const log = collector()
      const passes: Array<number> = []
      const { counts } = yield* metered(
        Effect.gen(function* () {
          yield* running(stage, passes).pipe(Effect.provide(log.layer))
          yield* later(10_000)
        })
      )
      assert.deepStrictEqual(passes.slice(0, 3), [0, 50, 300])
      assert.isAtMost(passes.length, 20, "four a second for two seconds, and then one a second")
      assert.strictEqual(counts[`greenroom_kicks_total why=${why}`], passes.length)
      assert.strictEqual(counts.greenroom_publishers_told_to_go, 1)
      assert.deepStrictEqual(log.said(), [
        "INFO publisher kicked",
        "WARN a kicked publisher is still listed; every pass kicks it again"
      ])
      delete stage.before["MediaServer.snapshot"]
      stage.connections.clear()
      yield* later(2_000)
      assert.deepStrictEqual(log.said().slice(2), ["INFO a publisher that stayed after a kick has left"])
      for (const { annotations } of log.lines) assert.include(annotations, { why, source_id: "source-1" })
    })
  )

  it.effect("is hurried for no longer because somebody sets the clock back", () =>
    withWallClock((set) =>
      Effect.gen(function* () {
        const stage = makeStage()
        stage.before["MediaServer.snapshot"] = () => Effect.sync(() => void stage.connect(1))
        const log = collector()
        const passes: Array<number> = []
        yield* running(stage, passes).pipe(Effect.provide(log.layer))
        yield* later(100)
        yield* set(-3_600_000)
        yield* later(10_000)
        assert.isAtMost(passes.length, 20)
        assert.lengthOf(log.said(), 2)
      })
    )
  )

  it.effect("is something else than one who goes at once, of whom one line speaks", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      stage.connect(1)
      const log = collector()
      yield* running(stage).pipe(Effect.provide(log.layer))
      yield* later(10_000)
      assert.deepStrictEqual(log.said(), ["INFO publisher kicked"])
    })
  )
})

it.effect("a kick in a pass that fails after it is remembered: it is logged once, and retries back off", () =>
  Effect.gen(function* () {
    const stage = makeStage()
    stage.before["MediaServer.snapshot"] = () => Effect.sync(() => void stage.connect(1))
    stage.before["Leases.recordPass"] = () => storeDown
    const log = collector()
    const passes: Array<number> = []
    yield* running(stage, passes).pipe(Effect.provide(log.layer))
    yield* later(5_000)
    assert.deepStrictEqual(log.said(), [
      "INFO publisher kicked",
      "WARN the reconciler cannot observe; the stored state stays unchanged until it can",
      "WARN a kicked publisher is still listed; every pass kicks it again"
    ])
    assert.isAtLeast(stage.called("MediaServer.kick").length, passes.length - 1)
    assert.isAtMost(passes.length, 6, "a pass that failed is followed by the next after a second")
  })
)

it.effect("a kick that is not answered is said once, and once that it is over", () =>
  Effect.gen(function* () {
    const stage = makeStage()
    stage.connect(1)
    stage.before["MediaServer.kick"] = () => mediaServerDown
    const log = collector()
    yield* running(stage).pipe(Effect.provide(log.layer))
    yield* later(10_000)
    delete stage.before["MediaServer.kick"]
    yield* later(10_000)
    assert.deepStrictEqual(log.said(), [
      "WARN a kick was not answered; the next pass tries again",
      "INFO publisher kicked",
      "INFO a publisher that stayed after a kick has left"
    ])
  })
)

it.effect("a path that cannot be reset is tried in every pass, and said once, and once that it is over", () =>
  Effect.gen(function* () {
    const stage = makeStage()
    stage.connect(1, { protocol: "rtsp", listed: false })
    stage.before["MediaServer.resetPath"] = () => mediaServerDown
    const log = collector()
    const { counts } = yield* metered(
      Effect.gen(function* () {
        yield* running(stage).pipe(Effect.provide(log.layer))
        yield* later(10_000)
      })
    )
    assert.strictEqual(log.said()[0], "WARN a path could not be reset; the next pass tries again")
    assert.match(log.said()[1]!, /^WARN 1 publishers are on a path and in no list/)
    assert.isAtLeast(counts["greenroom_path_resets_total outcome=failed"]!, 9)
    stage.connections.clear()
    yield* later(2_000)
    assert.deepStrictEqual(log.said().slice(2), [
      "INFO the publisher has left a path that could not be reset",
      "INFO a warning about the media server is over"
    ])
  })
)

it.effect("what another instance has to say since it leads is not said here", () =>
  Effect.gen(function* () {
    const stage = makeStage()
    stage.policy.massKickLimit = 0
    stage.connect(1)
    const log = collector()
    const { counts } = yield* metered(
      Effect.gen(function* () {
        yield* running(stage).pipe(Effect.provide(log.layer))
        yield* later(1_500)
        Object.assign(stage.lease, { holder: "another", until: Number.POSITIVE_INFINITY })
        yield* later(3_000)
      })
    )
    assert.deepStrictEqual(log.said().slice(1), [
      "WARN this instance has lost the lease: another one may reconcile now"
    ])
    assert.strictEqual(counts.greenroom_unauthorized_publishers, 0)
    assert.strictEqual(counts["greenroom_degraded kind=mass_kick_held_back"], 0)
    assert.strictEqual(counts.greenroom_reconciler_leading, 0)
    stage.lease.holder = null
    yield* later(1_000)
    assert.deepStrictEqual(log.said().slice(3), ["INFO this instance reconciles now"])
  })
)
