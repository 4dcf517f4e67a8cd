/** The memory media server beyond the laws: its faults, its hanging, and that it is the same again under the same seed. */
import { assert, describe, it } from "@effect/vitest"
import type { MediaServerUnavailable } from "@greenroom/core"
import { Simulator } from "@greenroom/mediamtx-simulator"
import { Deferred, Effect, Fiber, Random, Ref } from "effect"
import { TestClock } from "effect/testing"
import * as MemoryMediaServer from "../../src/memory/MemoryMediaServer.ts"

const make = Effect.fnUntraced(function* (
  options: MemoryMediaServer.MemoryMediaServerOptions = {},
  world: Simulator.SimulatorOptions = {}
) {
  const media = yield* Simulator.make(world)
  const mediaServer = yield* Effect.provideService(MemoryMediaServer.make(options), Simulator.Simulator, media)
  return { media, mediaServer }
})

describe("MemoryMediaServer", () => {
  it.effect("fails every call as its fault says, a frozen one at its deadline", () =>
    Effect.gen(function* () {
      const fault = yield* Ref.make<MemoryMediaServer.MemoryFault | null>(null)
      const { media, mediaServer } = yield* make({ fault })
      const publisher = yield* media.publishAsked({ protocol: "srt", path: "live/a" })
      assert.strictEqual(yield* mediaServer.find(publisher), "present")
      assert.lengthOf((yield* mediaServer.snapshot).sources, 1)
      const expected: ReadonlyArray<readonly [MemoryMediaServer.MemoryFault, MediaServerUnavailable["reason"]]> = [
        ["frozen", "unreachable"],
        ["refused", "refused"],
        ["nonsense", "nonsense"]
      ]
      for (const [trouble, reason] of expected) {
        yield* Ref.set(fault, trouble)
        for (const call of [mediaServer.snapshot, mediaServer.find(publisher), mediaServer.kick(publisher)]) {
          const failing = yield* Effect.forkChild(Effect.flip<unknown, MediaServerUnavailable, never>(call))
          yield* TestClock.adjust("5 seconds")
          assert.strictEqual((yield* Fiber.join(failing)).reason, reason)
        }
      }
    })
  )

  it.effect("a look waits behind a pending auth, an RTSP lookup behind one of RTSP, an RTMP lookup behind none", () =>
    Effect.gen(function* () {
      const answer = yield* Deferred.make<boolean>()
      const { media, mediaServer } = yield* make()
      const rtmp = yield* media.publishAsked({ protocol: "rtmp", path: "live/a" })
      const rtsp = yield* media.publishAsked({ protocol: "rtsp", path: "live/b" })
      yield* media.authenticateWith(() => Deferred.await(answer))
      const newcomer = yield* media.publish({ protocol: "rtsp", path: "live/c" })
      assert.strictEqual(yield* mediaServer.find(rtmp), "present")
      const look = yield* Effect.forkChild(mediaServer.snapshot, { startImmediately: true })
      const find = yield* Effect.forkChild(Effect.flip(mediaServer.find(rtsp)), { startImmediately: true })
      yield* TestClock.adjust(500)
      assert.strictEqual((yield* Fiber.join(find)).reason, "unreachable")
      assert.isUndefined(look.pollUnsafe())
      yield* Deferred.succeed(answer, true)
      assert.isTrue(yield* newcomer.admitted)
      assert.lengthOf((yield* Fiber.join(look)).sources, 3)
    })
  )

  it.effect("an auth that takes longer than the read timeout is a refusal", () =>
    Effect.gen(function* () {
      const { media } = yield* make({}, { authenticate: () => Effect.never })
      const publisher = yield* media.publish({ protocol: "srt", path: "live/a" })
      const admitted = yield* Effect.forkChild(publisher.admitted)
      yield* TestClock.adjust(3_999)
      assert.isUndefined(admitted.pollUnsafe())
      yield* TestClock.adjust(1)
      assert.isFalse(yield* Fiber.join(admitted))
    })
  )

  it.effect("waiting for a publisher to be ready or closed goes by the clock", () =>
    Effect.gen(function* () {
      const { media } = yield* make()
      const publisher = yield* media.publishAsked({ protocol: "rtmp", path: "live/a" })
      const ready = yield* Effect.forkChild(publisher.ready)
      yield* TestClock.adjust(1_999)
      assert.isUndefined(ready.pollUnsafe())
      yield* TestClock.adjust(1)
      assert.isTrue(yield* Fiber.join(ready))
      const closed = yield* Effect.forkChild(publisher.closed)
      yield* publisher.freeze
      yield* TestClock.adjust(4_000)
      assert.strictEqual(yield* Fiber.join(closed), "timed_out")
    })
  )

  it.effect("a restart forgets who was being asked about, and asks the next one at once", () =>
    Effect.gen(function* () {
      const { media, mediaServer } = yield* make({}, { authenticate: () => Effect.never })
      const old = yield* media.publish({ protocol: "rtsp", path: "live/a" })
      yield* media.restart
      assert.isFalse(yield* old.admitted)
      assert.strictEqual(yield* old.closed, "server_down")
      yield* media.authenticateWith(() => Effect.succeed(true))
      yield* media.publishAsked({ protocol: "rtsp", path: "live/a" })
      assert.lengthOf((yield* mediaServer.snapshot).sources, 1)
    })
  )

  it.effect("a server that is down is not connected to, and asks nobody", () =>
    Effect.gen(function* () {
      let asked = 0
      const { media } = yield* make({}, { authenticate: () => Effect.sync(() => ++asked > 0) })
      yield* media.stop
      const publisher = yield* media.publishAsked({ protocol: "rtmp", path: "live/a" })
      assert.isFalse(yield* publisher.admitted)
      assert.isFalse(yield* publisher.ready)
      assert.strictEqual(yield* publisher.closed, "server_down")
      assert.strictEqual(asked, 0)
    })
  )

  it.effect("the same seed draws the same ids", () => {
    const ids = Effect.gen(function* () {
      const { media } = yield* make()
      return yield* Effect.forEach([1, 2, 3], (n) =>
        Effect.map(media.publish({ protocol: "srt", path: `live/${n}` }), ({ id }) => id)
      )
    })
    return Effect.gen(function* () {
      const [first, again, other] = yield* Effect.all(["a", "a", "b"].map((seed) => Random.withSeed(ids, seed)))
      assert.deepStrictEqual(first, again)
      assert.notDeepEqual(first, other)
      for (const id of [...first!, ...other!]) {
        assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      }
    })
  })
})
