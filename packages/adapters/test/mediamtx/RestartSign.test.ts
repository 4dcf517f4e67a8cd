/** A restart of a MediaMTX that does not give the time of its start. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { makeRestartSign } from "../../src/mediamtx/RestartSign.ts"
import { clientOf } from "./client.ts"
import { fakeMediaMtx, onPath } from "./fakeMediaMtx.ts"

const lookAt = (...ids: ReadonlyArray<string>) => ({ sources: ids.map((id) => ({ id })), paths: [] }) as never

describe("RestartSign", () => {
  const cases: ReadonlyArray<readonly [string, ReadonlyArray<string>, boolean, ReadonlyArray<string>, boolean]> = [
    ["a call was cut and all have gone", ["a", "b"], true, [], true],
    ["a call was cut and others are there", ["a", "b"], true, ["c"], true],
    ["a call was cut and one is still there", ["a", "b"], true, ["b", "c"], false],
    ["a call was cut and nobody was there", [], true, ["c"], false],
    ["all have gone and no call was cut", ["a", "b"], false, ["c"], false]
  ]
  for (const [what, before, cut, after, expected] of cases) {
    it(`${what}: ${expected ? "a restart" : "no restart"}`, () => {
      const sign = makeRestartSign()
      assert.deepStrictEqual(sign.seenAt(lookAt(...before)), { count: 0, now: false })
      if (cut) sign.onCut()
      assert.deepStrictEqual(sign.seenAt(lookAt(...after)), { count: expected ? 1 : 0, now: expected })
      assert.deepStrictEqual(sign.seenAt(lookAt()), { count: expected ? 1 : 0, now: false }, "it is counted once")
    })
  }

  it("a publisher that stands on a path and in no list is still there, too", () => {
    const sign = makeRestartSign()
    const onlyOnPath = { sources: [], paths: [{ sourceId: "a" }] } as never
    sign.seenAt(onlyOnPath)
    sign.onCut()
    assert.strictEqual(sign.seenAt(onlyOnPath).count, 0)
  })
})

const id = (n: number) => `00000000-0000-4000-8000-00000000000${n}`
const publisher = (n: number) => ({ id: id(n), state: "publish", path: "live/a" })

describe("MediaMtx: a restart between two looks", () => {
  const restartOf = (version: string | null, during: "a call" | "no call") =>
    Effect.gen(function* () {
      const { fake, apiUrl, cutIdle } = yield* fakeMediaMtx({
        version,
        lists: { rtmpconns: [publisher(1)] },
        paths: [onPath("live/a", "rtmpConn", id(1))]
      })
      const mediaServer = yield* clientOf(apiUrl)
      assert.strictEqual((yield* mediaServer.snapshot).restartsSeen?.count, version === null ? 0 : undefined)
      if (during === "no call") yield* cutIdle
      else {
        fake.intercept = () => "cut"
        assert.strictEqual((yield* Effect.flip(mediaServer.snapshot)).reason, "unreachable")
        fake.intercept = () => undefined
      }
      fake.started = "2026-01-02T00:00:00Z"
      fake.lists.rtmpconns = [publisher(2)]
      fake.paths = [onPath("live/a", "rtmpConn", id(2))]
      return mediaServer
    })

  for (const during of ["a call", "no call"] as const) {
    it.live(`with ${during} in between is seen where there is no started, once`, () =>
      Effect.gen(function* () {
        const mediaServer = yield* restartOf(null, during)
        assert.deepStrictEqual((yield* mediaServer.snapshot).restartsSeen, { count: 1, now: true })
        assert.deepStrictEqual((yield* mediaServer.snapshot).restartsSeen, { count: 1, now: false })
      })
    )
  }

  it.live("is known by started where there is one", () =>
    Effect.gen(function* () {
      const look = yield* (yield* restartOf("v1.20.1", "a call")).snapshot
      assert.strictEqual(look.started, "2026-01-02T00:00:00Z")
      assert.isUndefined(look.restartsSeen)
    })
  )

  it.live("is none when all leave at once, while the server goes on", () =>
    Effect.gen(function* () {
      const { fake, apiUrl } = yield* fakeMediaMtx({ version: null, lists: { rtmpconns: [publisher(1)] } })
      const mediaServer = yield* clientOf(apiUrl)
      yield* mediaServer.snapshot
      fake.lists.rtmpconns = []
      assert.strictEqual((yield* mediaServer.snapshot).restartsSeen?.count, 0)
    })
  )
})
