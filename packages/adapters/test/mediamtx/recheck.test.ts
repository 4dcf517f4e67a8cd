/** Which calls a recheck makes, and what it must not overlook. Its answers are those of a snapshot wherever anything has changed. */
import { assert, describe, it } from "@effect/vitest"
import type { Protocol } from "@greenroom/core"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { clientOf, json } from "./client.ts"
import { type FakeMediaMtx, fakeMediaMtx, onPath } from "./fakeMediaMtx.ts"

const noLists: ReadonlySet<Protocol> = new Set()
const PATHS = "GET /v3/paths/list?itemsPerPage=1000000"
const INFO = "GET /v3/info"
const list = (name: string) => `GET /v3/${name}/list?itemsPerPage=1000000`

/** One RTMP publisher, on its path; WebRTC is on, all else is off. */
const scene = Effect.gen(function* () {
  const { fake, apiUrl } = yield* fakeMediaMtx({
    lists: { rtmpconns: [{ id: "one", state: "publish", path: "live/1" }], webrtcsessions: [] },
    paths: [onPath("live/1", "rtmpConn", "one")]
  })
  const mediaServer = yield* clientOf(apiUrl)
  const before = yield* mediaServer.snapshot
  fake.requests.length = 0
  return { fake, mediaServer, before }
})

const isSnapshot = ({ requests }: FakeMediaMtx) => requests.includes(list("rtspsessions"))

describe("MediaMtx: a recheck", () => {
  it.effect("asks for the paths, and gives the observations anew", () =>
    Effect.gen(function* () {
      const { fake, mediaServer, before } = yield* scene
      fake.paths = [{ ...onPath("live/1", "rtmpConn", "one"), inboundBytes: 7 }]
      const again = yield* mediaServer.recheck(noLists)
      assert.deepStrictEqual(fake.requests, [PATHS])
      assert.strictEqual(again.paths[0]?.observation.inboundBytes, 7)
      assert.deepStrictEqual({ ...again, paths: [] }, { ...before, paths: [] })
    })
  )

  it.effect("asks for the process after the paths where no publisher proves it", () =>
    Effect.gen(function* () {
      const { fake, mediaServer } = yield* scene
      fake.paths = []
      fake.lists.rtmpconns = []
      yield* mediaServer.snapshot
      fake.requests.length = 0
      yield* mediaServer.recheck(noLists)
      assert.deepStrictEqual(fake.requests, [PATHS, INFO])
      fake.started = "2026-01-02T00:00:00Z"
      assert.strictEqual((yield* mediaServer.recheck(noLists)).started, fake.started)
    })
  )

  it.effect("gives the very same snapshot when the answer is the same", () =>
    Effect.gen(function* () {
      const { mediaServer, before } = yield* scene
      assert.strictEqual(yield* mediaServer.recheck(noLists), before)
    })
  )

  it.effect(
    "reads the lists of protocols after 3 s where a publisher may be on no path yet, all of them after 10 s",
    () =>
      Effect.gen(function* () {
        const { fake, mediaServer } = yield* scene
        yield* TestClock.adjust("2900 millis")
        yield* mediaServer.recheck(noLists)
        assert.notInclude(fake.requests, list("webrtcsessions"))
        yield* TestClock.adjust("100 millis")
        fake.lists.webrtcsessions = [{ id: "w", state: "publish", path: "live/w", peerConnectionEstablished: true }]
        fake.requests.length = 0
        const { sources } = yield* mediaServer.recheck(noLists)
        assert.sameMembers(fake.requests, [list("webrtcsessions"), PATHS, INFO])
        assert.sameMembers(
          sources.map(({ id }) => id),
          ["one", "w"]
        )
        yield* TestClock.adjust("7 seconds")
        yield* mediaServer.recheck(noLists)
        assert.isTrue(isSnapshot(fake))
      })
  )

  const changes: ReadonlyArray<readonly [string, ReadonlyArray<string>, Partial<Pick<FakeMediaMtx, "paths">>]> = [
    ["a publisher has left", ["rtmpconns"], { paths: [] }],
    [
      "a publisher has come",
      ["srtconns"],
      { paths: [onPath("live/1", "rtmpConn", "one"), onPath("live/2", "srtConn", "two")] }
    ],
    ["another publisher has the path", ["rtmpconns"], { paths: [onPath("live/1", "rtmpConn", "two")] }],
    [
      "one of another protocol has the path",
      ["rtmpconns", "srtconns"],
      { paths: [onPath("live/1", "srtConn", "two")] }
    ],
    ["a publisher is on another path", ["rtmpconns"], { paths: [onPath("live/2", "rtmpConn", "one")] }],
    ["a path is not ready", ["rtmpconns"], { paths: [{ ...onPath("live/1", "rtmpConn", "one"), ready: false }] }]
  ]
  it.effect.each(changes)("shows what a snapshot does when %s: it reads %j", ([, lists, change]) =>
    Effect.gen(function* () {
      const { fake, mediaServer } = yield* scene
      Object.assign(fake, change)
      if (lists.includes("rtmpconns")) fake.lists.rtmpconns = []
      if (lists.includes("srtconns")) fake.lists.srtconns = [{ id: "two", state: "publish", path: "live/1" }]
      const again = yield* mediaServer.recheck(noLists)
      assert.sameMembers(fake.requests, [PATHS, ...lists.map(list), INFO])
      assert.deepStrictEqual(again, yield* mediaServer.snapshot)
    })
  )

  it.effect("reads the lists that it is asked for, and asks for the process after them", () =>
    Effect.gen(function* () {
      const { fake, mediaServer } = yield* scene
      fake.lists.srtconns = [{ id: "two", state: "idle", path: "" }]
      const again = yield* mediaServer.recheck(new Set(["srt"]))
      assert.sameMembers(fake.requests, [PATHS, list("srtconns"), INFO])
      assert.strictEqual(fake.requests.at(-1), INFO)
      assert.include(
        again.sources.map(({ id }) => id),
        "two"
      )
    })
  )

  it.effect("is a snapshot when a publisher has come whose list is not known", () =>
    Effect.gen(function* () {
      const { fake, mediaServer } = yield* scene
      fake.paths = [onPath("live/1", "rtmpConn", "one"), onPath("live/2", "quicConn", "two")]
      yield* mediaServer.recheck(noLists)
      assert.isTrue(isSnapshot(fake))
    })
  )

  it.effect("is a snapshot when another process answers", () =>
    Effect.gen(function* () {
      const { fake, mediaServer } = yield* scene
      fake.started = "2026-01-02T00:00:00Z"
      fake.paths = [onPath("live/1", "rtmpConn", "two")]
      const again = yield* mediaServer.recheck(noLists)
      assert.isTrue(isSnapshot(fake))
      assert.strictEqual(again.started, fake.started)
    })
  )

  it.effect("is a snapshot when the process ends between its lists", () =>
    Effect.gen(function* () {
      const { fake, mediaServer } = yield* scene
      yield* TestClock.adjust("3 seconds")
      fake.intercept = (request) => {
        if (request === INFO) fake.started = "2026-01-02T00:00:00Z"
        return undefined
      }
      assert.strictEqual((yield* mediaServer.recheck(noLists)).started, "2026-01-02T00:00:00Z")
      assert.isTrue(isSnapshot(fake))
    })
  )

  it.effect("is a snapshot while a publisher is on a path and in no list", () =>
    Effect.gen(function* () {
      const { fake, mediaServer } = yield* scene
      fake.lists.rtmpconns = []
      yield* mediaServer.snapshot
      fake.requests.length = 0
      yield* mediaServer.recheck(noLists)
      assert.isTrue(isSnapshot(fake))
    })
  )

  it.effect("is a snapshot of a version that has no time of its start", () =>
    Effect.gen(function* () {
      const { fake, apiUrl } = yield* fakeMediaMtx({ version: null })
      const mediaServer = yield* clientOf(apiUrl)
      yield* mediaServer.snapshot
      fake.requests.length = 0
      yield* mediaServer.recheck(noLists)
      assert.isTrue(isSnapshot(fake))
    })
  )

  it.effect("fails when its calls fail: the lists of before are no snapshot by themselves", () =>
    Effect.gen(function* () {
      const { fake, mediaServer } = yield* scene
      fake.intercept = (request) => (request === PATHS ? json({}, 500) : undefined)
      assert.strictEqual((yield* Effect.flip(mediaServer.recheck(noLists))).reason, "nonsense")
    })
  )
})
