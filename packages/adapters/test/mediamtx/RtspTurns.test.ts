/** MediaMTX can crash when a kick of an RTSP session runs in it beside another call about the sessions of the same list. */
import { setTimeout } from "node:timers/promises"
import { assert, describe, it } from "@effect/vitest"
import type { SimulatorHttp } from "@greenroom/mediamtx-simulator/http"
import { eventually } from "@greenroom/testing"
import { Deferred, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { makeRtspLock } from "../../src/mediamtx/RtspLock.ts"
import { simulatorStage } from "../fixtures/simulatorStage.ts"

/** A call that writes down its beginning and its end. */
const noting = (log: Array<string>) => (name: string, effect: Effect.Effect<void>) =>
  Effect.gen(function* () {
    log.push(`${name} begins`)
    yield* effect
    log.push(`${name} ends`)
    return name
  })

/** Requests travel in real time, whatever the test clock says. */
const realTime = { wait: (millis: number) => Effect.promise(() => setTimeout(millis)) }

/** Long enough for a request that is not to be sent to be noticed, should it be. */
const letRequestsTravel = realTime.wait(50)

/** How many requests the simulator was sent whose URL contains this. */
const requestsOf = (simulator: SimulatorHttp.SimulatorServer, urlPart: string) =>
  Effect.map(simulator.requests, (requests) => requests.filter(({ url }) => url.includes(urlPart)).length)

describe("RtspTurns", () => {
  it.effect("kicks run one at a time, in the order in which they came", () =>
    Effect.gen(function* () {
      const turns = yield* makeRtspLock
      const log: Array<string> = []
      const kick = (name: string) => turns.kick(noting(log)(name, Effect.sleep("10 millis")))
      const all = yield* Effect.forkChild(Effect.all([kick("a"), kick("b"), kick("c")], { concurrency: "unbounded" }))
      yield* TestClock.adjust("30 millis")
      assert.deepStrictEqual(yield* Fiber.join(all), ["a", "b", "c"])
      assert.deepStrictEqual(
        log,
        ["a", "b", "c"].flatMap((name) => [`${name} begins`, `${name} ends`])
      )
    })
  )

  it.effect("reads run beside one another, and never beside a kick", () =>
    Effect.gen(function* () {
      const turns = yield* makeRtspLock
      const log: Array<string> = []
      const call = (name: string) => noting(log)(name, Effect.sleep("10 millis"))
      const all = yield* Effect.forkChild(
        Effect.all([turns.read(call("r1")), turns.read(call("r2")), turns.kick(call("k1")), turns.kick(call("k2"))], {
          concurrency: "unbounded"
        })
      )
      yield* TestClock.adjust("15 millis")
      const late = yield* Effect.forkChild(turns.read(call("r3")))
      yield* TestClock.adjust("25 millis")
      yield* Fiber.join(all)
      yield* Fiber.join(late)
      const first = ["r1 begins", "r2 begins", "r1 ends", "r2 ends"]
      assert.deepStrictEqual(log, [...first, "k1 begins", "k1 ends", "k2 begins", "k2 ends", "r3 begins", "r3 ends"])
    })
  )

  it.effect("a call whose caller has left keeps its turn until it is over; one that still waited is never sent", () =>
    Effect.gen(function* () {
      const turns = yield* makeRtspLock
      const answer = yield* Deferred.make<void>()
      const log: Array<string> = []
      const call = noting(log)
      const first = yield* Effect.forkChild(
        Effect.timeoutOption(turns.kick(call("first", Deferred.await(answer))), 100)
      )
      const second = yield* Effect.forkChild(Effect.timeoutOption(turns.kick(call("second", Effect.void)), 200))
      const third = yield* Effect.forkChild(turns.read(call("third", Effect.void)))
      yield* TestClock.adjust(300)
      assert.strictEqual((yield* Fiber.join(first))._tag, "None")
      assert.strictEqual((yield* Fiber.join(second))._tag, "None")
      assert.deepStrictEqual(log, ["first begins"])
      yield* Deferred.succeed(answer, undefined)
      yield* Fiber.join(third)
      assert.deepStrictEqual(log, ["first begins", "first ends", "third begins", "third ends"])
    })
  )

  for (const [kind, other] of [
    ["kick", "read"],
    ["read", "kick"],
    ["kick", "kick"]
  ] as const) {
    it.effect(`a ${kind} that nobody waits for any more, and that never ends, keeps a ${other} for half a second`, () =>
      Effect.gen(function* () {
        const turns = yield* makeRtspLock
        let closed = false
        const stuck = Effect.onInterrupt(Effect.never, () => Effect.sync(() => (closed = true)))
        yield* Effect.timeoutOption(turns[kind](stuck), 500).pipe(Effect.forkChild)
        yield* TestClock.adjust("5 seconds")
        const next = yield* Effect.forkChild(turns[other](Effect.succeed("sent")))
        yield* TestClock.adjust(499)
        assert.isUndefined(next.pollUnsafe())
        assert.isFalse(closed)
        yield* TestClock.adjust(1)
        assert.strictEqual(yield* Fiber.join(next), "sent")
        assert.isTrue(closed)
      })
    )
  }

  it.effect("one whose caller still waits is not disturbed", () =>
    Effect.gen(function* () {
      const turns = yield* makeRtspLock
      const slow = yield* Effect.forkChild(turns.read(Effect.as(Effect.sleep("4 seconds"), "answered")))
      yield* TestClock.adjust(10)
      const kick = yield* Effect.forkChild(turns.kick(Effect.succeed("kicked")))
      yield* TestClock.adjust("3900 millis")
      assert.isUndefined(kick.pollUnsafe())
      yield* TestClock.adjust("100 millis")
      assert.strictEqual(yield* Fiber.join(slow), "answered")
      assert.strictEqual(yield* Fiber.join(kick), "kicked")
    })
  )

  it.effect("one that nobody waits for is not listened to for ever", () =>
    Effect.gen(function* () {
      const turns = yield* makeRtspLock
      const closed: Array<string> = []
      const stuck = (name: string) => Effect.onInterrupt(Effect.never, () => Effect.sync(() => closed.push(name)))
      yield* Effect.forkChild(Effect.timeoutOption(turns.read(stuck("read")), 500))
      yield* TestClock.adjust("11 seconds")
      assert.deepStrictEqual(closed, ["read"])
      yield* Effect.forkChild(Effect.timeoutOption(turns.kick(stuck("kick")), 500))
      yield* TestClock.adjust("59 seconds")
      assert.deepStrictEqual(closed, ["read"])
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(closed, ["read", "kick"])
    })
  )
})

describe("MediaMtx: a kick of an RTSP session never runs beside another call about them", () => {
  // In slow motion: a call that a busy machine holds up is not given up, which would end its turn.
  it.effect("looks, lookups and kicks at once, at a server that is slow", () =>
    Effect.gen(function* () {
      const { mediaServer, simulator } = yield* simulatorStage()
      yield* simulator.fault({ _tag: "Slow", by: 5, only: "rtsp" })
      const publishers = yield* Effect.forEach(Array.from({ length: 8 }), (_, n) =>
        simulator.publishAsked({ protocol: n % 2 === 0 ? "rtsp" : "rtsps", path: `live/${n}`, unasked: true })
      )
      const all = yield* Effect.forkChild(
        Effect.all(
          [
            ...publishers.map((publisher) => mediaServer.find(publisher)),
            mediaServer.snapshot,
            mediaServer.snapshot,
            ...publishers.map((publisher) => mediaServer.kick(publisher))
          ],
          { concurrency: "unbounded" }
        )
      )
      while (all.pollUnsafe() === undefined) {
        yield* TestClock.adjust(1)
        yield* realTime.wait(5)
      }
      yield* Fiber.join(all)
      yield* simulator.fault(null)
      assert.deepStrictEqual((yield* mediaServer.snapshot).sources, [])
      assert.strictEqual(yield* simulator.rtspOverlaps, 0)
    })
  )

  // Under the test clock: a deadline passes when it is told to, and not because the machine is busy.
  it.effect("also not beside a lookup that ran into its deadline, and still runs inside the server", () =>
    Effect.gen(function* () {
      const { mediaServer, simulator } = yield* simulatorStage({
        client: { deadlines: { find: 30, kick: "5 seconds" } }
      })
      const publisher = yield* simulator.publishAsked({ protocol: "rtsp", path: "live/a", unasked: true })
      yield* simulator.fault({ _tag: "Slow", by: 200, only: "rtsp" })
      const lookups = requestsOf(simulator, "rtspsessions/get")
      const first = yield* Effect.forkChild(Effect.flip(mediaServer.find(publisher)))
      yield* eventually(realTime, lookups, (count) => count > 0)
      yield* TestClock.adjust(30)
      assert.strictEqual((yield* Fiber.join(first)).reason, "unreachable")
      for (let i = 0; i < 3; i++) {
        assert.strictEqual((yield* Effect.flip(mediaServer.find(publisher))).reason, "unreachable")
      }
      assert.strictEqual(yield* lookups, 1)
      yield* simulator.fault(null)
      const kick = yield* Effect.forkChild(mediaServer.kick(publisher), { startImmediately: true })
      yield* TestClock.adjust(169)
      yield* letRequestsTravel
      assert.strictEqual(yield* requestsOf(simulator, "/kick/"), 0)
      yield* TestClock.adjust(1)
      assert.strictEqual(yield* Fiber.join(kick), "kicked")
      assert.strictEqual(yield* simulator.rtspOverlaps, 0)
    })
  )

  it.effect("a kick that was swallowed keeps the looks for half a second, and no longer", () =>
    Effect.gen(function* () {
      const { mediaServer, simulator } = yield* simulatorStage({
        client: { deadlines: { kick: 100, snapshot: "10 seconds" } }
      })
      const publisher = yield* simulator.publishAsked({ protocol: "rtsp", path: "live/a", unasked: true })
      yield* simulator.fault({ _tag: "Frozen", only: "/kick/" })
      const kick = yield* Effect.forkChild(Effect.flip(mediaServer.kick(publisher)))
      yield* eventually(realTime, requestsOf(simulator, "/kick/"), (count) => count > 0)
      yield* TestClock.adjust(100)
      assert.strictEqual((yield* Fiber.join(kick)).reason, "unreachable")
      const lists = requestsOf(simulator, "rtspsessions/list")
      const look = yield* Effect.forkChild(mediaServer.snapshot, { startImmediately: true })
      // Its other lists are asked for meanwhile.
      yield* eventually(realTime, requestsOf(simulator, "srtconns/list"), (count) => count > 0)
      yield* TestClock.adjust(499)
      yield* letRequestsTravel
      assert.strictEqual(yield* lists, 0)
      yield* TestClock.adjust(1)
      assert.lengthOf((yield* Fiber.join(look)).sources, 1)
      yield* simulator.fault(null)
      assert.strictEqual(yield* mediaServer.kick(publisher), "kicked")
    })
  )
})

describe("MediaMtx: while an auth is pending", () => {
  it.live("RTMP is looked up at once, RTSP fails at its deadline, and a look comes when the auth is over", () =>
    Effect.gen(function* () {
      const { mediaServer, simulator, letIn } = yield* simulatorStage({
        simulator: { readTimeout: 60_000 },
        client: { deadlines: { find: "2 seconds", snapshot: "30 seconds" } }
      })
      const rtmp = yield* simulator.publishAsked({ protocol: "rtmp", path: "live/rtmp", unasked: true })
      const rtsp = yield* simulator.publishAsked({ protocol: "rtsp", path: "live/rtsp", unasked: true })
      yield* mediaServer.snapshot
      const decided = yield* Deferred.make<boolean>()
      yield* letIn(() => Deferred.await(decided))
      yield* simulator.publish({ protocol: "rtsp", path: "live/new", token: "t" })
      assert.strictEqual(yield* mediaServer.find(rtmp), "present")
      const look = yield* Effect.forkChild(mediaServer.snapshot)
      assert.strictEqual((yield* Effect.flip(mediaServer.find(rtsp))).reason, "unreachable")
      assert.strictEqual(yield* mediaServer.health, "ok", "an RTSP lookup that hangs is no sign of a dead server")
      assert.isUndefined(look.pollUnsafe())
      yield* Deferred.succeed(decided, true)
      assert.lengthOf((yield* Fiber.join(look)).sources, 3)
      assert.strictEqual(yield* simulator.rtspOverlaps, 0)
    })
  )
})

describe("MediaMtx: calls that were swallowed", () => {
  for (const only of ["/v3/info", "rtspsessions/list", "srtconns/list", "/v3/paths/list"]) {
    it.live(`those to ${only}: the look that began while they were sees, a second after they are answered again`, () =>
      Effect.gen(function* () {
        const { mediaServer, simulator } = yield* simulatorStage()
        const publisher = yield* simulator.publishAsked({ protocol: "rtsp", path: "live/a", unasked: true })
        yield* mediaServer.snapshot
        yield* simulator.fault({ _tag: "Frozen", only })
        const before = (yield* simulator.requests).length
        const look = yield* Effect.forkChild(mediaServer.snapshot)
        const swallowed = Effect.map(simulator.requests, (all) =>
          all.slice(before).some(({ url }) => url.includes(only))
        )
        yield* eventually(realTime, swallowed, (yes) => yes)
        yield* simulator.fault(null)
        // It asks anew each second; without that it would end at its deadline, and fail.
        assert.lengthOf((yield* Fiber.join(look)).sources, 1)
        assert.strictEqual(yield* mediaServer.kick(publisher), "kicked")
        assert.strictEqual(yield* simulator.rtspOverlaps, 0)
      })
    )
  }
})
