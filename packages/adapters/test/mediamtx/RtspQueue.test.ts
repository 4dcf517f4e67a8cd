/** MediaMTX 1.20.1 can crash when two calls about RTSP sessions run in it at once. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { makeRtspQueue } from "../../src/mediamtx/RtspQueue.ts"
import { twinStage } from "../fixtures/twinStage.ts"

describe("RtspQueue", () => {
  it.effect("runs one call at a time, in the order in which they came", () =>
    Effect.gen(function* () {
      const queue = yield* makeRtspQueue("60 seconds")
      const log: Array<string> = []
      const call = (name: string) =>
        queue(
          Effect.gen(function* () {
            log.push(`${name} begins`)
            yield* Effect.sleep("10 millis")
            log.push(`${name} ends`)
            return name
          })
        )
      const all = yield* Effect.forkChild(Effect.all([call("a"), call("b"), call("c")], { concurrency: "unbounded" }))
      yield* TestClock.adjust("30 millis")
      assert.deepStrictEqual(yield* Fiber.join(all), ["a", "b", "c"])
      assert.deepStrictEqual(
        log,
        ["a", "b", "c"].flatMap((name) => [`${name} begins`, `${name} ends`])
      )
    })
  )

  it.effect("a call whose caller has left keeps the queue until it is over; one that still waited is never sent", () =>
    Effect.gen(function* () {
      const queue = yield* makeRtspQueue("60 seconds")
      const answer = yield* Deferred.make<void>()
      const log: Array<string> = []
      const send = (name: string, effect: Effect.Effect<void>) =>
        queue(
          Effect.andThen(
            Effect.sync(() => log.push(name)),
            effect
          )
        )
      const first = yield* Effect.forkChild(Effect.timeoutOption(send("first", Deferred.await(answer)), 100))
      const second = yield* Effect.forkChild(Effect.timeoutOption(send("second", Effect.void), 200))
      const third = yield* Effect.forkChild(send("third", Effect.void))
      yield* TestClock.adjust(300)
      assert.strictEqual((yield* Fiber.join(first))._tag, "None")
      assert.strictEqual((yield* Fiber.join(second))._tag, "None")
      assert.deepStrictEqual(log, ["first"])
      yield* Deferred.succeed(answer, undefined)
      yield* Fiber.join(third)
      assert.deepStrictEqual(log, ["first", "third"])
    })
  )

  it.effect("a call that never ends is given up after the patience, and the next one goes", () =>
    Effect.gen(function* () {
      const queue = yield* makeRtspQueue("60 seconds")
      let closed = false
      const stuck = Effect.onInterrupt(Effect.never, () => Effect.sync(() => (closed = true)))
      const first = yield* Effect.forkChild(Effect.flip(queue(stuck)))
      const second = yield* Effect.forkChild(queue(Effect.succeed("sent")))
      yield* TestClock.adjust("59 seconds")
      assert.isUndefined(second.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(second), "sent")
      assert.strictEqual((yield* Fiber.join(first)).reason, "unreachable")
      assert.isTrue(closed)
    })
  )
})

describe("MediaMtx: calls about RTSP sessions never overlap", () => {
  it.live("looks, lookups and kicks at once, at a server that is slow", () =>
    Effect.gen(function* () {
      const { mediaServer, twin } = yield* twinStage({
        client: { deadlines: { find: "5 seconds", kick: "5 seconds" } }
      })
      yield* twin.fault({ _tag: "Slow", by: 5, only: "rtsp" })
      const publishers = yield* Effect.forEach(Array.from({ length: 8 }), (_, n) =>
        twin.publishAsked({ protocol: n % 2 === 0 ? "rtsp" : "rtsps", path: `live/${n}`, unasked: true })
      )
      yield* Effect.all(
        [
          ...publishers.map((publisher) => mediaServer.find(publisher)),
          mediaServer.look,
          mediaServer.look,
          ...publishers.map((publisher) => mediaServer.kick(publisher))
        ],
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual((yield* mediaServer.look).sources, [])
      assert.strictEqual(yield* twin.rtspOverlaps, 0)
    })
  )

  it.live(
    "also when lookups run into their deadline, one after the other, and are still running inside the server",
    () =>
      Effect.gen(function* () {
        const { mediaServer, twin } = yield* twinStage({ client: { deadlines: { find: 30 } } })
        const publisher = yield* twin.publishAsked({ protocol: "rtsp", path: "live/a", unasked: true })
        yield* twin.fault({ _tag: "Slow", by: 200, only: "rtsp" })
        for (let i = 0; i < 4; i++) {
          assert.strictEqual((yield* Effect.flip(mediaServer.find(publisher))).reason, "unreachable")
        }
        const asked = (yield* twin.requests).filter(({ url }) => url.includes("rtspsessions/get"))
        assert.lengthOf(asked, 1)
        yield* twin.fault(null)
        assert.strictEqual(yield* mediaServer.kick(publisher), "kicked")
        assert.strictEqual(yield* twin.rtspOverlaps, 0)
      })
  )
})

describe("MediaMtx: while an auth is pending", () => {
  it.live("RTMP is looked up at once, RTSP fails at its deadline, and a look comes when the auth is over", () =>
    Effect.gen(function* () {
      const { mediaServer, twin, letIn } = yield* twinStage({ twin: { readTimeout: 10_000 } })
      const rtmp = yield* twin.publishAsked({ protocol: "rtmp", path: "live/rtmp", unasked: true })
      const rtsp = yield* twin.publishAsked({ protocol: "rtsp", path: "live/rtsp", unasked: true })
      yield* mediaServer.look
      const decided = yield* Deferred.make<boolean>()
      yield* letIn(() => Deferred.await(decided))
      yield* twin.publish({ protocol: "rtsp", path: "live/new", token: "t" })
      assert.strictEqual(yield* mediaServer.find(rtmp), "present")
      const look = yield* Effect.forkChild(mediaServer.look)
      assert.strictEqual((yield* Effect.flip(mediaServer.find(rtsp))).reason, "unreachable")
      assert.strictEqual(yield* mediaServer.health, "ok", "an RTSP lookup that hangs is no sign of a dead server")
      assert.isUndefined(look.pollUnsafe())
      yield* Deferred.succeed(decided, true)
      assert.lengthOf((yield* Fiber.join(look)).sources, 3)
      assert.strictEqual(yield* twin.rtspOverlaps, 0)
    })
  )
})
