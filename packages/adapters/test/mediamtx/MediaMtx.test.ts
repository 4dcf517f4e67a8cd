/** What the client makes of a control API that is wrong, old, half off, or not MediaMTX at all. */
import { setImmediate } from "node:timers/promises"
import { inspect, isDeepStrictEqual } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { MediaServer, type MediaServerUnavailable, type Source } from "@greenroom/core"
import type { Fault } from "@greenroom/mediamtx-simulator"
import type { SimulatorHttp } from "@greenroom/mediamtx-simulator/http"
import { Effect, Fiber, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { withWallClock } from "../../../core/test/support/frozen.ts"
import { MediaMtx } from "../../src/mediamtx/index.ts"
import { simulatorStage } from "../fixtures/simulatorStage.ts"
import { clientOf, json, noRoute, serverOf } from "./client.ts"
import { fakeMediaMtx, onPath } from "./fakeMediaMtx.ts"

const NOBODY: Source = { protocol: "rtmp", id: "00000000-0000-4000-8000-000000000000" }

/** Until the simulator was asked for more than so many times: requests travel in real time, whatever the test clock says. */
const asked = (simulator: SimulatorHttp.SimulatorServer, before: number) =>
  Effect.gen(function* () {
    while ((yield* simulator.requests).length <= before) yield* Effect.promise(() => setImmediate())
  })

const quick = { deadlines: { snapshot: 400, find: 200, kick: 300, resetPath: 600 } }

it.effect(
  "MediaMtx: after an RTSP lookup without an answer none is sent for a second, also when the clock is set back",
  () =>
    withWallClock((set) =>
      Effect.gen(function* () {
        const { mediaServer, simulator } = yield* simulatorStage({ client: quick })
        const source: Source = { ...NOBODY, protocol: "rtsp" }
        yield* simulator.fault({ _tag: "Frozen" })
        const before = (yield* simulator.requests).length
        const failing = yield* Effect.forkChild(Effect.flip(mediaServer.find(source)))
        yield* asked(simulator, before)
        yield* TestClock.adjust("500 millis")
        yield* Fiber.join(failing)
        yield* simulator.fault(null)
        yield* set(-3_600_000)
        assert.strictEqual((yield* Effect.flip(mediaServer.find(source))).operation, "find")
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* mediaServer.find(source), "gone")
      })
    )
)

describe("MediaMtx: a control API that misbehaves makes no look", () => {
  const cases: ReadonlyArray<readonly [string, Fault, MediaServerUnavailable["reason"]]> = [
    ["is frozen", { _tag: "Frozen" }, "unreachable"],
    ["is slower than the deadline", { _tag: "Slow", by: 1_000 }, "unreachable"],
    ["hangs up", { _tag: "HangUp" }, "unreachable"],
    ["says 401", { _tag: "Status", status: 401 }, "refused"],
    ["says 500", { _tag: "Status", status: 500 }, "nonsense"],
    ["says 404 with a body of its own", { _tag: "Status", status: 404, body: "<h1>Not Found</h1>" }, "nonsense"],
    ["sends us elsewhere", { _tag: "Status", status: 302, location: "/v3/info" }, "nonsense"],
    ["answers no JSON", { _tag: "Garbage" }, "nonsense"]
  ]
  for (const [what, fault, reason] of cases) {
    // Under the test clock: a deadline passes when it is told to, and not because the machine is busy.
    it.effect(`one that ${what}`, () =>
      Effect.gen(function* () {
        const { mediaServer, simulator } = yield* simulatorStage({ client: quick })
        const silent = fault._tag === "Frozen" || fault._tag === "Slow"
        const failureOf = Effect.fnUntraced(function* (call: Effect.Effect<unknown, MediaServerUnavailable>) {
          const before = (yield* simulator.requests).length
          const failing = yield* Effect.forkChild(Effect.flip(call))
          if (silent) {
            yield* asked(simulator, before)
            yield* TestClock.adjust("500 millis")
          }
          return yield* Fiber.join(failing)
        })
        yield* simulator.fault(fault)
        assert.strictEqual((yield* failureOf(mediaServer.snapshot)).reason, reason)
        assert.strictEqual(yield* mediaServer.health, "unreachable")
        assert.strictEqual((yield* failureOf(mediaServer.find(NOBODY))).reason, reason)
        yield* simulator.fault(null)
        assert.strictEqual(yield* mediaServer.find(NOBODY), "gone")
        assert.strictEqual(yield* mediaServer.health, "ok")
        assert.deepStrictEqual((yield* mediaServer.snapshot).sources, [])
      })
    )
  }

  for (const only of [
    "rtmpconns",
    "rtmpsconns",
    "rtspsessions",
    "rtspssessions",
    "srtconns",
    "webrtcsessions",
    "moqsessions",
    "paths"
  ]) {
    it.live(`one whose ${only} list fails, or is half a list, while all others are whole`, () =>
      Effect.gen(function* () {
        const stage = yield* simulatorStage()
        for (const protocol of stage.protocols) {
          const publisher = yield* stage.simulator.publish({ protocol, path: `live/${protocol}`, unasked: true })
          assert.isTrue(yield* publisher.ready)
        }
        assert.lengthOf((yield* stage.mediaServer.snapshot).sources, stage.protocols.length)
        for (const fault of [
          { _tag: "Status", status: 500, only },
          { _tag: "Status", status: 404, body: "<h1>404 page not found</h1>", only },
          { _tag: "HalfList", only },
          { _tag: "Garbage", only },
          { _tag: "HangUp", only }
        ] as const) {
          yield* stage.simulator.fault(fault)
          const failure = yield* Effect.flip(stage.mediaServer.snapshot)
          assert.include(failure.operation, only)
        }
      })
    )
  }

  it.live("one that was started anew between the beginning and the end of the look", () =>
    Effect.gen(function* () {
      let started = 0
      const page = json({ itemCount: 0, pageCount: 0, items: [] })
      const url = yield* serverOf((request) =>
        request === "GET /v3/info" ? json({ version: "v1.20.1", started: `start ${started++}` }) : page
      )
      const mediaServer = yield* clientOf(url)
      assert.strictEqual((yield* Effect.flip(mediaServer.snapshot)).reason, "nonsense")
    })
  )

  it.live("one whose list has more pages than the one that was asked for", () =>
    Effect.gen(function* () {
      const item = { id: NOBODY.id, state: "idle" }
      const url = yield* serverOf((request) => {
        if (request === "GET /v3/info") return json({ started: "s" })
        return json(
          request.includes("srtconns")
            ? { itemCount: 2, pageCount: 2, items: [item] }
            : { itemCount: 0, pageCount: 0, items: [] }
        )
      })
      const failure = yield* Effect.flip((yield* clientOf(url)).snapshot)
      assert.strictEqual(failure.reason, "nonsense")
      assert.include(failure.operation, "srtconns")
    })
  )

  // Under the test clock: no look is begun anew beside one that has that much to read, and none is given up.
  it.effect("one whose answer is longer than 64 MiB", () =>
    Effect.gen(function* () {
      const body = " ".repeat(65 * 1024 * 1024)
      const url = yield* serverOf(() => ({ status: 200, body }))
      const failure = yield* Effect.flip((yield* clientOf(url)).snapshot)
      assert.strictEqual(failure.reason, "nonsense")
      assert.include(failure.detail, "longer than")
    })
  )
})

describe("MediaMtx: routes that are not there", () => {
  it.live("a protocol that is off is an empty list, and nobody of it is there", () =>
    Effect.gen(function* () {
      const { mediaServer, simulator } = yield* simulatorStage()
      const publisher = yield* simulator.publish({ protocol: "srt", path: "live/a", unasked: true })
      assert.isTrue(yield* publisher.ready)
      yield* simulator.switchOff(["rtmp", "rtmps", "rtsp", "rtsps", "webrtc"])
      assert.deepStrictEqual(
        (yield* mediaServer.snapshot).sources.map(({ id }) => id),
        [publisher.id]
      )
      for (const protocol of ["rtmp", "rtsps", "webrtc"] as const) {
        assert.strictEqual(yield* mediaServer.find({ ...NOBODY, protocol }), "gone")
        assert.strictEqual(yield* mediaServer.kick({ ...NOBODY, protocol }), "gone")
      }
      assert.strictEqual(yield* mediaServer.find({ protocol: null, id: publisher.id }), "present")
    })
  )

  it.live("a server that knows none of the routes is no MediaMTX: no look, and nobody is gone", () =>
    Effect.gen(function* () {
      const mediaServer = yield* clientOf(yield* serverOf(() => noRoute))
      assert.strictEqual((yield* Effect.flip(mediaServer.snapshot)).reason, "nonsense")
      assert.strictEqual((yield* Effect.flip(mediaServer.find(NOBODY))).reason, "nonsense")
      assert.strictEqual((yield* Effect.flip(mediaServer.kick(NOBODY))).reason, "nonsense")
    })
  )

  it.live("somebody else's JSON 404 does not make anybody gone", () =>
    Effect.gen(function* () {
      const others = [json({ detail: "no such thing" }, 404), json({ status: "error", error: "try later" }, 404)]
      for (const answer of others) {
        const mediaServer = yield* clientOf(yield* serverOf(() => answer))
        assert.strictEqual((yield* Effect.flip(mediaServer.find(NOBODY))).reason, "nonsense")
        assert.strictEqual((yield* Effect.flip(mediaServer.kick(NOBODY))).reason, "nonsense")
      }
    })
  )

  it.live("another connection's entry does not make anybody present", () =>
    Effect.gen(function* () {
      const url = yield* serverOf(() => json({ id: "11111111-0000-4000-8000-000000000000", state: "publish" }))
      assert.strictEqual((yield* Effect.flip((yield* clientOf(url)).find(NOBODY))).reason, "nonsense")
    })
  )
})

describe("MediaMtx: an old MediaMTX (1.9)", () => {
  const id = "8b7c17a2-af9c-44b5-a7f2-a412b9f8213e"
  const old = serverOf((request) => {
    const [, path = ""] = /^[A-Z]+ ([^?]+)/.exec(request) ?? []
    if (path === "/v3/paths/list") {
      const source = { type: "rtmpConn", id }
      const item = { name: "live/a", confName: "all", source, ready: true, readyTime: "2024-01-01T00:00:00Z" }
      const more = {
        tracks: ["H264", "Opus"],
        bytesReceived: 77,
        bytesSent: 0,
        readers: [{ type: "hlsMuxer", id: "" }]
      }
      const pulled = { ...item, ...more, name: "cam", source: { type: "rtspSource", id: "" } }
      const empty = { ...item, ...more, name: "none", source: null, ready: false }
      return json({ itemCount: 3, pageCount: 1, items: [pulled, { ...item, ...more }, empty] })
    }
    if (path === "/v3/rtmpconns/list") {
      const item = { id, created: "2024-01-01T00:00:00Z", remoteAddr: "127.0.0.1:1", state: "publish", path: "live/a" }
      return json({ itemCount: 1, pageCount: 1, items: [{ ...item, bytesReceived: 77, bytesSent: 0 }] })
    }
    if (path === `/v3/rtmpconns/kick/${id}`) return { status: 200 }
    if (path.startsWith("/v3/rtmpconns/")) return json({ error: "connection not found" }, 404)
    return noRoute
  })

  it.live("is looked at, although it has no /v3/info", () =>
    Effect.gen(function* () {
      const mediaServer = yield* clientOf(yield* old)
      const look = yield* mediaServer.snapshot
      assert.strictEqual(look.started, "unknown")
      assert.deepStrictEqual(look.sources, [
        { id, protocol: "rtmp", state: "publish", established: true, path: "live/a" }
      ])
      const observation = { tracks: [{ codec: "H264" }, { codec: "Opus" }], viewerCount: 0, inboundBytes: 77 }
      assert.deepStrictEqual(look.paths, [
        { name: "live/a", ready: true, sourceType: "rtmpConn", sourceId: id, observation }
      ])
    })
  )

  it.live("kicks with an empty 200, and says gone without a status", () =>
    Effect.gen(function* () {
      const mediaServer = yield* clientOf(yield* old)
      assert.strictEqual(yield* mediaServer.kick({ protocol: "rtmp", id }), "kicked")
      assert.strictEqual(yield* mediaServer.find(NOBODY), "gone")
    })
  )
})

describe("MediaMtx: a publisher on a path and in no list", () => {
  const id = "8b7c17a2-af9c-44b5-a7f2-a412b9f8213e"

  for (const [type, protocol] of [
    ["moqSession", "moq"],
    ["rtmpConn", "rtmp"],
    ["rtspSession", "rtsp"],
    ["fooSession", null]
  ] as const) {
    it.live(`a ${type} is in the look, and is not gone until a look shows its path without it`, () =>
      Effect.gen(function* () {
        const { fake, apiUrl } = yield* fakeMediaMtx({
          lists: { rtmpconns: [], rtspsessions: [] },
          paths: [onPath("live/a", type, id)]
        })
        const mediaServer = yield* clientOf(apiUrl)
        assert.strictEqual(yield* mediaServer.find({ protocol, id }), "gone", "as far as lists know")
        const { sources, paths } = yield* mediaServer.snapshot
        assert.deepStrictEqual(sources, [])
        assert.deepStrictEqual(
          paths.map(({ name, sourceType, sourceId }) => [name, sourceType, sourceId]),
          [["live/a", type, id]]
        )
        assert.strictEqual(yield* mediaServer.find({ protocol, id }), "gone", "it may have come between two lists")
        yield* mediaServer.snapshot
        assert.strictEqual(yield* mediaServer.find({ protocol, id }), "present")
        fake.paths = []
        yield* mediaServer.snapshot
        assert.strictEqual(yield* mediaServer.find({ protocol, id }), "gone")
      })
    )
  }

  it.live("a source that MediaMTX pulls itself is no publisher, but one of its own while it is up", () =>
    Effect.gen(function* () {
      const types = ["rtspSource", "redirect", "rpiCameraSource", "hlsSource"]
      const { fake, apiUrl } = yield* fakeMediaMtx({ paths: types.map((type) => onPath(`live/${type}`, type, "")) })
      const mediaServer = yield* clientOf(apiUrl)
      const { paths, ownPaths } = yield* mediaServer.snapshot
      assert.deepStrictEqual(paths, [])
      assert.deepStrictEqual(
        ownPaths,
        types.map((type) => ({ name: `live/${type}`, since: "" }))
      )
      const own = { name: "live/a/in", source: { type: "rtspSource", id: "" } }
      fake.paths = [
        { ...own, ready: false, readyTime: null },
        { ...own, name: "b", ready: true, readyTime: "t1" },
        { ...own, name: "c", ready: true, readyTime: "t1", available: true, online: true, onlineTime: "t2" },
        { ...own, name: "offline", ready: true, readyTime: "t1", available: true, online: false, onlineTime: null },
        { name: "always", ready: true, readyTime: "t1", available: true, online: false, source: null }
      ]
      assert.deepStrictEqual((yield* mediaServer.snapshot).ownPaths, [
        { name: "b", since: "t1" },
        { name: "c", since: "t2" }
      ])
    })
  )

  it.live("an RTSP publisher on a path is marked while there is no list of RTSP", () =>
    Effect.gen(function* () {
      const { fake, apiUrl } = yield* fakeMediaMtx({ paths: [onPath("live/a", "rtspSession", "an-id")] })
      const mediaServer = yield* clientOf(apiUrl)
      assert.isTrue((yield* mediaServer.snapshot).paths[0]?.unlistable)
      fake.lists.rtspsessions = []
      assert.isUndefined((yield* mediaServer.snapshot).paths[0]?.unlistable)
    })
  )

  it.live("a MoQ session is on the air when a path has it for its source", () =>
    Effect.gen(function* () {
      const { fake, apiUrl } = yield* fakeMediaMtx({
        lists: { moqsessions: [{ id, state: "publish", path: "live/a" }] }
      })
      const mediaServer = yield* clientOf(apiUrl)
      assert.isFalse((yield* mediaServer.snapshot).sources[0]?.established)
      fake.paths = [onPath("live/a", "moqSession", id)]
      assert.isTrue((yield* mediaServer.snapshot).sources[0]?.established)
    })
  )
})

describe("MediaMtx: what it tells", () => {
  it.live("a WebRTC session that was not let in calls itself a publisher, and is not established", () =>
    Effect.gen(function* () {
      const { mediaServer, simulator, letIn } = yield* simulatorStage({ simulator: { denialDelay: 5_000 } })
      yield* letIn(() => Effect.succeed(false))
      const { id } = yield* simulator.publishAsked({ protocol: "webrtc", path: "live/a", token: "t" })
      assert.deepStrictEqual((yield* mediaServer.snapshot).sources, [
        { id, protocol: "webrtc", state: "publish", established: false, path: "live/a" }
      ])
    })
  )

  it.live("who watches is counted, and is no publisher", () =>
    Effect.gen(function* () {
      const { mediaServer, simulator } = yield* simulatorStage()
      const publisher = yield* simulator.publish({ protocol: "rtsp", path: "live/a", unasked: true })
      assert.isTrue(yield* publisher.ready)
      const reader = yield* simulator.read({ protocol: "srt", path: "live/a", unasked: true })
      const look = yield* mediaServer.snapshot
      assert.strictEqual(look.paths[0]?.observation.viewerCount, 1)
      assert.strictEqual(look.sources.find(({ id }) => id === reader.id)?.state, "read")
    })
  )

  for (const id of ["", ".", "..", "a/b", "a?b", "a#b", "a%2fb", "x".repeat(65)]) {
    it.live(`an id like ${JSON.stringify(id.slice(0, 9))} is gone without being put into a URL`, () =>
      Effect.gen(function* () {
        const { mediaServer, simulator } = yield* simulatorStage()
        assert.strictEqual(yield* mediaServer.find({ protocol: null, id }), "gone")
        assert.strictEqual(yield* mediaServer.kick({ protocol: null, id }), "gone")
        assert.deepStrictEqual(yield* simulator.requests, [])
      })
    )
  }
})

describe("MediaMtx: many", () => {
  it.live("240 publishers are in one look, more than a page of MediaMTX's has unless it is asked for more", () =>
    Effect.gen(function* () {
      const { mediaServer, protocols, simulator } = yield* simulatorStage()
      const publishers = yield* Effect.forEach(Array.from({ length: 240 }), (_, n) =>
        simulator.publish({ protocol: protocols[n % 2]!, path: `live/${n}`, unasked: true })
      )
      for (const publisher of publishers) assert.isTrue(yield* publisher.ready)
      const { sources, paths } = yield* mediaServer.snapshot
      const ids = publishers.map(({ id }) => id)
      assert.sameMembers(
        sources.map(({ id }) => id),
        ids
      )
      assert.sameMembers(
        paths.map(({ sourceId }) => sourceId),
        ids
      )
    })
  )
})

describe("MediaMtx: what it remembers", () => {
  it.live("which protocols are on: all before it was learnt, then those of the last look", () =>
    Effect.gen(function* () {
      const { mediaServer, simulator } = yield* simulatorStage()
      const everything = { hls: false, webrtc: true, rtmp: true, rtsp: true, srt: true }
      assert.deepStrictEqual(yield* mediaServer.enabled, { ...everything, hls: true })
      yield* simulator.switchOff(["rtsp", "webrtc"])
      yield* mediaServer.snapshot
      const learnt = { hls: true, webrtc: false, rtmp: true, rtsp: false, srt: true }
      assert.deepStrictEqual(yield* mediaServer.enabled, learnt)
      yield* simulator.stop
      yield* Effect.flip(mediaServer.snapshot)
      assert.deepStrictEqual(yield* mediaServer.enabled, learnt)
    })
  )

  it.live("an instance that stands by, and never looks, learns them behind its first answer", () =>
    Effect.gen(function* () {
      const { mediaServer, simulator } = yield* simulatorStage()
      yield* simulator.switchOff(["rtsp", "webrtc"])
      yield* mediaServer.enabled
      const learnt = { hls: true, webrtc: false, rtmp: true, rtsp: false, srt: true }
      while (!isDeepStrictEqual(yield* mediaServer.enabled, learnt)) yield* Effect.sleep(10)
      assert.strictEqual(configurationsAsked(yield* simulator.requests), 1)
    })
  )

  it.effect("a media server that does not say holds up no answer, and is not asked at each", () =>
    Effect.gen(function* () {
      const { mediaServer, simulator } = yield* simulatorStage()
      yield* simulator.fault({ _tag: "Frozen", only: "config" })
      // None of them waits for time to pass: the test clock stands still.
      yield* Effect.repeat(mediaServer.enabled, { times: 20 })
      yield* asked(simulator, 0)
      yield* TestClock.adjust(600)
      yield* mediaServer.enabled
      // An answer to this one comes after a question that was sent before it.
      yield* mediaServer.find(NOBODY)
      assert.strictEqual(configurationsAsked(yield* simulator.requests), 1)
    })
  )

  const configurationsAsked = (requests: ReadonlyArray<{ readonly url: string }>) =>
    requests.filter(({ url }) => url === "/v3/config/global/get").length

  it.effect("it asks for the configuration every ten seconds and once a start", () =>
    Effect.gen(function* () {
      const { mediaServer, simulator } = yield* simulatorStage()
      const asked = Effect.map(simulator.requests, configurationsAsked)
      for (let i = 0; i < 3; i++) yield* mediaServer.snapshot
      assert.strictEqual(yield* asked, 1)
      yield* TestClock.adjust("11 seconds")
      yield* mediaServer.snapshot
      assert.strictEqual(yield* asked, 2)
      yield* simulator.stop
      yield* Effect.flip(mediaServer.snapshot)
      yield* simulator.start
      yield* mediaServer.snapshot
      yield* mediaServer.snapshot
      assert.strictEqual(yield* asked, 3)
    })
  )

  it.live("a configuration that cannot be had does not spoil the look", () =>
    Effect.gen(function* () {
      const { mediaServer, simulator } = yield* simulatorStage()
      yield* simulator.fault({ _tag: "Status", status: 500, only: "config" })
      yield* mediaServer.snapshot
      yield* simulator.fault({ _tag: "Frozen", only: "config" })
      yield* mediaServer.snapshot
      assert.deepStrictEqual((yield* mediaServer.enabled).rtmp, true)
    })
  )
})

describe("MediaMtx: secrets", () => {
  it.live("the password goes to MediaMTX as Basic, and appears in no error", () =>
    Effect.gen(function* () {
      const password = "hunter2-hunter2"
      const seen: Array<string> = []
      const { simulator } = yield* simulatorStage({
        simulator: {
          authenticate: (question) =>
            Effect.sync(() => {
              seen.push(`${question.user}:${question.password}`)
              return false
            })
        }
      })
      const mediaServer = yield* clientOf(simulator.apiUrl, { password: Redacted.make(password) })
      const failure = yield* Effect.flip(mediaServer.snapshot)
      assert.strictEqual(failure.reason, "refused")
      assert.strictEqual(seen[0], `greenroom:${password}`)
      const key = `sk_${"k".repeat(43)}`
      const failures = [
        failure,
        yield* Effect.flip(mediaServer.resetPath(key)),
        yield* Effect.flip(mediaServer.find({ protocol: "rtmp", id: key }))
      ]
      for (const text of failures.flatMap((one) => [inspect(one, { depth: 9 }), JSON.stringify(one), one.message])) {
        assert.notInclude(text, password)
        assert.notInclude(text, Buffer.from(`greenroom:${password}`).toString("base64"))
        assert.notInclude(text, key)
      }
    })
  )
})

describe("MediaMtx: what an answer holds that does not decode", () => {
  it.live("does not get into the error", () =>
    Effect.gen(function* () {
      const key = `sk_${"k".repeat(43)}`
      const item = { id: NOBODY.id, state: key, path: 7, [key]: key }
      const url = yield* serverOf((request) =>
        request === "GET /v3/info" ? json({ started: "s" }) : json({ itemCount: 1, pageCount: 1, items: [item] })
      )
      const failure = yield* Effect.flip((yield* clientOf(url)).snapshot)
      assert.include(failure.detail, "does not decode")
      assert.notInclude(inspect(failure, { depth: 9 }), "kkkk")
    })
  )
})

describe("MediaMtx.absent", () => {
  it.effect("says so to every call", () =>
    Effect.gen(function* () {
      const mediaServer = yield* MediaServer
      const calls = [
        mediaServer.snapshot,
        mediaServer.find(NOBODY),
        mediaServer.kick(NOBODY),
        mediaServer.resetPath("a")
      ]
      for (const call of calls) assert.strictEqual((yield* Effect.flip(Effect.asVoid(call))).reason, "absent")
      assert.strictEqual(yield* mediaServer.health, "absent")
      assert.isTrue((yield* mediaServer.enabled).hls)
    }).pipe(Effect.provide(MediaMtx.absent))
  )
})
