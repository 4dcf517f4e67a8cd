/** What an operator is told who asks for a look, and the first start in front of a busy media server. */
import { assert, describe, it } from "@effect/vitest"
import {
  forceStop,
  type LostAdmissions,
  type Reconciler,
  requestReconciliation,
  type StoreMonitor
} from "@greenroom/core"
import { Effect, Fiber, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import { keyId, streamId } from "../support/arbitraries.ts"
import { aStream, makeListings } from "../support/listings.ts"
import { collector, metered } from "../support/logs.ts"
import { eventsOf } from "../support/passes.ts"
import { inTime, running } from "../support/running.ts"
import { makeStage, mediaServerDown, type Stage } from "../support/stage.ts"

const later = (ms: number) => TestClock.adjust(ms)

type Services = Layer.Layer<Reconciler | StoreMonitor | LostAdmissions>

const crowd = (count: number, stage = makeStage()) => {
  for (let n = 1; n <= count; n++) stage.connect(n)
  return stage
}

const asked = Effect.fnUntraced(function* (stage: Stage, enforce: boolean, services: Services) {
  const layer = Layer.merge(stage.layer, services)
  const fiber = yield* Effect.forkChild(requestReconciliation(enforce).pipe(Effect.provide(layer)))
  yield* later(5_000)
  return yield* Fiber.join(fiber)
})

describe("a first start in front of twenty publishers that were never admitted", () => {
  it.effect("kicks none, says so once, and kicks all of them within 5 s of an operator's word", () =>
    Effect.gen(function* () {
      const stage = crowd(20)
      const log = collector()
      const { counts } = yield* metered(
        Effect.gen(function* () {
          const { services } = yield* running(stage).pipe(Effect.provide(log.layer))
          yield* later(60_000)
          assert.strictEqual(stage.connections.size, 20)
          assert.strictEqual(log.said().length, 1)
          assert.match(log.said()[0]!, /^ERROR 20 publishers have no session here/)
          const dry = yield* asked(stage, false, services)
          const held = { publishers: 20, unauthorized: 20, kicked: 0, reported: 0, heldBack: 20, enforced: false }
          assert.deepStrictEqual([dry.fresh, dry.snapshot?.found], [true, { ...held, heldWhy: "too_many" }])
          assert.strictEqual(stage.connections.size, 20)
          const done = yield* asked(stage, true, services)
          assert.deepStrictEqual(
            [done.fresh, done.snapshot?.found],
            [true, { ...held, publishers: 0, unauthorized: 0, kicked: 20, heldBack: 0, enforced: true }]
          )
          assert.strictEqual(stage.connections.size, 0)
        })
      )
      assert.strictEqual(counts["greenroom_degraded kind=mass_kick_held_back"], 0)
      assert.strictEqual(log.said().filter((line) => line === "INFO publisher kicked").length, 20)
      assert.strictEqual(log.said().at(-1), "INFO the publishers without a session are no longer held back")
    })
  )

  it.effect("shows them while they are held back", () =>
    Effect.gen(function* () {
      const stage = crowd(20)
      const { counts, result } = yield* metered(
        Effect.gen(function* () {
          const { reconciler } = yield* running(stage)
          yield* later(3_000)
          return yield* reconciler.lastSnapshot
        })
      )
      assert.strictEqual(result?.found.heldBack, 20)
      assert.strictEqual(counts.greenroom_unauthorized_publishers, 20)
      assert.strictEqual(counts["greenroom_degraded kind=mass_kick_held_back"], 1)
    })
  )
})

describe("a wish to enforce", () => {
  it.effect("is over when nobody is left of whom it spoke: those who come later are held back again", () =>
    Effect.gen(function* () {
      const stage = crowd(20)
      const { services } = yield* running(stage)
      yield* asked(stage, true, services)
      assert.strictEqual(stage.lease.enforceUntil, 0)
      crowd(20, stage)
      yield* later(5_000)
      assert.strictEqual(stage.connections.size, 20)
    })
  )

  it.effect("waits for publishers that no list shows: it is fulfilled once their paths were reset", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      for (let n = 1; n <= 20; n++) stage.connect(n, { protocol: "moq", listed: false })
      const fulfilled: Array<number> = []
      stage.before["Leases.recordPass"] = (_, record) =>
        Effect.sync(() => {
          if (record.fulfilled) fulfilled.push(stage.connections.size)
        })
      const { services } = yield* running(stage)
      yield* later(5_000)
      assert.strictEqual(stage.connections.size, 20)
      const answer = yield* asked(stage, true, services)
      assert.deepStrictEqual([answer.fresh, answer.snapshot?.found.unauthorized, stage.connections.size], [true, 0, 0])
      assert.deepStrictEqual(fulfilled.slice(0, 1), [0], "none was left when it counted as fulfilled")
    })
  )

  it.effect("is not fulfilled by a pass that saw such a publisher for the first time", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      stage.connect(1, { protocol: "moq", listed: false })
      const { services } = yield* running(stage)
      const fulfilled: Array<boolean> = []
      stage.before["Leases.recordPass"] = (_, record) => Effect.sync(() => void fulfilled.push(record.fulfilled))
      stage.connections.clear()
      yield* later(1_000)
      stage.connect(2, { protocol: "moq", listed: false })
      fulfilled.length = 0
      yield* asked(stage, true, services)
      assert.strictEqual(fulfilled[0], false)
      assert.include(fulfilled, true)
    })
  )

  it.effect("runs out after 30 s, when the media server cannot be reached before", () =>
    Effect.gen(function* () {
      const stage = crowd(20)
      const { services } = yield* running(stage)
      stage.before["MediaServer.snapshot"] = () => mediaServerDown
      const answer = yield* asked(stage, true, services)
      assert.isFalse(answer.fresh)
      yield* later(25_000)
      delete stage.before["MediaServer.snapshot"]
      yield* later(5_000)
      assert.strictEqual(stage.connections.size, 20)
    })
  )

  it.effect("that is fulfilled already is answered at once", () =>
    Effect.gen(function* () {
      const stage = makeStage()
      const { services } = yield* running(stage)
      yield* later(1_000)
      const layer = Layer.merge(stage.layer, services)
      const fiber = yield* Effect.forkChild(requestReconciliation(true).pipe(Effect.provide(layer)))
      yield* later(200)
      assert.isDefined(fiber.pollUnsafe())
      assert.strictEqual((yield* Fiber.join(fiber)).snapshot?.found.unauthorized, 0)
    })
  )

  it.effect("is taken by an instance that stands by, and fulfilled by the one that leads", () =>
    Effect.gen(function* () {
      const stage = crowd(20)
      yield* running(stage)
      yield* later(1_000)
      // Another process over the same store and media server.
      stage.policy.holder = "another"
      const { services } = yield* running(stage)
      stage.policy.holder = "me"
      yield* later(1_000)
      const answer = yield* asked(stage, true, services)
      assert.deepStrictEqual([answer.fresh, answer.snapshot?.found.kicked], [true, 20])
      assert.strictEqual(stage.connections.size, 0)
    })
  )
})

describe("a forced stop", () => {
  const scene = () => {
    const stage = makeStage()
    stage.addSession(1)
    stage.connect(1)
    const listings = makeListings(stage)
    listings.streams.set(streamId(1), aStream(1))
    const force = (services: Services, n = 1) =>
      inTime(forceStop(streamId(n)).pipe(Effect.provide(Layer.merge(listings.layer, services))))
    return { stage, force }
  }

  it.effect("ends a stream while nobody can look; its publisher, if there, is kicked when somebody can again", () =>
    Effect.gen(function* () {
      const { stage, force } = scene()
      const { services } = yield* running(stage)
      for (const name of ["snapshot", "find", "kick"]) stage.before[`MediaServer.${name}`] = () => mediaServerDown
      yield* later(3_000)
      assert.deepStrictEqual(yield* force(services), Option.some("Ended"))
      assert.strictEqual(stage.reason(1), "stopped")
      assert.deepStrictEqual(eventsOf(stage, 1), ["admitted", "ready", "stop_requested", "ended"])
      for (const name of ["snapshot", "find", "kick"]) delete stage.before[`MediaServer.${name}`]
      yield* later(2_000)
      assert.strictEqual(stage.connections.size, 0)
    })
  )

  it.effect("is refused while the media server answers, or was looked at within three seconds", () =>
    Effect.gen(function* () {
      const { stage, force } = scene()
      const { services } = yield* running(stage)
      assert.deepStrictEqual(yield* force(services), Option.some("CanBeAsked"))
      stage.before["MediaServer.snapshot"] = () => mediaServerDown
      yield* later(60_000)
      assert.deepStrictEqual(yield* force(services), Option.some("CanBeAsked"), "it answers other calls")
      assert.deepStrictEqual(eventsOf(stage, 1), ["admitted", "ready"])
    })
  )

  it.effect("keeps the first reason, changes nothing of what has ended, and knows nobody else's streams", () =>
    Effect.gen(function* () {
      const { stage, force } = scene()
      stage.addKey(1, { id: keyId(1), revokedAt: null, enabled: false })
      for (const name of ["snapshot", "find", "kick"]) stage.before[`MediaServer.${name}`] = () => mediaServerDown
      const { services } = yield* running(stage)
      yield* later(3_000)
      yield* force(services)
      assert.strictEqual(stage.reason(1), "disabled")
      const events = eventsOf(stage, 1)
      assert.deepStrictEqual(yield* force(services), Option.some("Ended"))
      assert.deepStrictEqual(eventsOf(stage, 1), events)
      assert.deepStrictEqual(yield* force(services, 9), Option.none())
    })
  )
})
