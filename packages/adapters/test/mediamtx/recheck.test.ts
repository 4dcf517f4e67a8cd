/** Which calls a recheck makes, and what it must not overlook. Its answers are those of a snapshot wherever anything has changed. */
import { assert, describe, it } from "@effect/vitest"
import type { MediaServer } from "@greenroom/core"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { clientOf, json } from "./client.ts"
import { type FakeMediaMtx, fakeMediaMtx, onPath } from "./fakeMediaMtx.ts"

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

const asSnapshot = Effect.fnUntraced(function* (mediaServer: MediaServer["Service"]) {
  return [yield* mediaServer.recheck, yield* mediaServer.snapshot] as const
})

describe("MediaMtx: a recheck", () => {
  it.effect("asks for the paths, and gives the observations anew", () =>
    Effect.gen(function* () {
      const { fake, mediaServer, before } = yield* scene
      fake.paths = [{ ...onPath("live/1", "rtmpConn", "one"), inboundBytes: 7 }]
      const again = yield* mediaServer.recheck
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
      yield* mediaServer.recheck
      assert.deepStrictEqual(fake.requests, [PATHS, INFO])
      fake.started = "2026-01-02T00:00:00Z"
      assert.strictEqual((yield* mediaServer.recheck).started, fake.started)
    })
  )

  it.effect("gives the very same snapshot when the answer is the same", () =>
    Effect.gen(function* () {
      const { mediaServer, before } = yield* scene
      assert.strictEqual(yield* mediaServer.recheck, before)
    })
  )

  it.effect(
    "reads the lists of protocols after 3 s where a publisher may be on no path yet, all of them after 10 s",
    () =>
      Effect.gen(function* () {
        const { fake, mediaServer } = yield* scene
        yield* TestClock.adjust("2900 millis")
        yield* mediaServer.recheck
        assert.notInclude(fake.requests, list("webrtcsessions"))
        yield* TestClock.adjust("100 millis")
        fake.lists.webrtcsessions = [{ id: "w", state: "publish", path: "live/w", peerConnectionEstablished: true }]
        fake.requests.length = 0
        const { sources } = yield* mediaServer.recheck
        assert.sameMembers(fake.requests, [list("webrtcsessions"), PATHS, INFO])
        assert.sameMembers(
          sources.map(({ id }) => id),
          ["one", "w"]
        )
        yield* TestClock.adjust("7 seconds")
        yield* mediaServer.recheck
        assert.isTrue(isSnapshot(fake))
      })
  )

  const changes: ReadonlyArray<readonly [string, Partial<Pick<FakeMediaMtx, "paths" | "started">>]> = [
    ["a publisher has left", { paths: [] }],
    ["a publisher has come", { paths: [onPath("live/1", "rtmpConn", "one"), onPath("live/2", "srtConn", "two")] }],
    ["another publisher has the path", { paths: [onPath("live/1", "rtmpConn", "two")] }],
    ["a publisher is on another path", { paths: [onPath("live/2", "rtmpConn", "one")] }],
    ["a path is not ready", { paths: [{ ...onPath("live/1", "rtmpConn", "one"), ready: false }] }],
    [
      "another process answers, whose publisher has another id",
      { started: "2026-01-02T00:00:00Z", paths: [onPath("live/1", "rtmpConn", "two")] }
    ]
  ]
  it.effect.each(changes)("is a snapshot when %s", ([, change]) =>
    Effect.gen(function* () {
      const { fake, mediaServer } = yield* scene
      Object.assign(fake, change)
      fake.lists.rtmpconns = []
      const [again, anew] = yield* asSnapshot(mediaServer)
      assert.isTrue(isSnapshot(fake))
      assert.deepStrictEqual(again, anew)
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
      assert.strictEqual((yield* mediaServer.recheck).started, "2026-01-02T00:00:00Z")
      assert.isTrue(isSnapshot(fake))
    })
  )

  it.effect("is a snapshot while a publisher is on a path and in no list", () =>
    Effect.gen(function* () {
      const { fake, mediaServer } = yield* scene
      fake.lists.rtmpconns = []
      yield* mediaServer.snapshot
      fake.requests.length = 0
      yield* mediaServer.recheck
      assert.isTrue(isSnapshot(fake))
    })
  )

  it.effect("is a snapshot of a version that has no time of its start", () =>
    Effect.gen(function* () {
      const { fake, apiUrl } = yield* fakeMediaMtx({ version: null })
      const mediaServer = yield* clientOf(apiUrl)
      yield* mediaServer.snapshot
      fake.requests.length = 0
      yield* mediaServer.recheck
      assert.isTrue(isSnapshot(fake))
    })
  )

  it.effect("fails when its calls fail: the lists of before are no snapshot by themselves", () =>
    Effect.gen(function* () {
      const { fake, mediaServer } = yield* scene
      fake.intercept = (request) => (request === PATHS ? json({}, 500) : undefined)
      assert.strictEqual((yield* Effect.flip(mediaServer.recheck)).reason, "nonsense")
    })
  )
})
