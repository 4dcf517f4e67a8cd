/** MediaMTX 1.21 renamed the routes of its control API, and keeps the old ones for now. */
import { assert, describe, it } from "@effect/vitest"
import { type Protocol, protocols } from "@greenroom/core"
import { Effect } from "effect"
import { clientOf, json } from "./client.ts"
import { type FakeMediaMtx, fakeMediaMtx, onPath } from "./fakeMediaMtx.ts"

const lists: { readonly [P in Protocol]: string } = {
  rtmp: "rtmpconns",
  rtmps: "rtmpsconns",
  rtsp: "rtspsessions",
  rtsps: "rtspssessions",
  srt: "srtconns",
  webrtc: "webrtcsessions",
  moq: "moqsessions"
}

const idOf = (protocol: Protocol) => `00000000-0000-4000-8000-00000000000${protocols.indexOf(protocol)}`

/** One publisher of each protocol. */
const everybody = (state: Partial<FakeMediaMtx>): Partial<FakeMediaMtx> => ({
  ...state,
  lists: Object.fromEntries(
    protocols.map((protocol) => [
      lists[protocol],
      [{ id: idOf(protocol), state: "publish", path: `live/${protocol}`, peerConnectionEstablished: true }]
    ])
  ),
  paths: [onPath("live/moq", "moqSession", idOf("moq"))]
})

const NEW = /\/v3\/(\w+\/(conns|sessions)|config\/path-defaults)\//
const usesNew = ({ requests }: FakeMediaMtx) => requests.some((request) => NEW.test(request))

describe("MediaMtx: the names of its routes", () => {
  const cases: ReadonlyArray<readonly [version: string | null, names: FakeMediaMtx["names"], asksByNewOnes: boolean]> =
    [
      [null, "old", false],
      ["v1.19.3", "old", false],
      ["v1.20.1", "old", false],
      ["v1.20.1-56-gabcdef0", "old", true],
      ["v1.20.1-90-gabcdef0", "both", true],
      ["v1.21.1", "both", true],
      ["v1.30.0", "new", true],
      ["v0.0.0", "old", true],
      ["v0.0.0", "new", true]
    ]
  for (const [version, names, asksByNewOnes] of cases) {
    it.live(`${version} with ${names}: every publisher is seen, found and kicked`, () =>
      Effect.gen(function* () {
        const { fake, apiUrl } = yield* fakeMediaMtx(everybody({ version, names }))
        if (version === null) fake.lists.rtspconns = fake.lists.rtspsconns = []
        const mediaServer = yield* clientOf(apiUrl)
        for (const protocol of protocols) {
          if (version === null && protocol.startsWith("rtsp")) continue
          assert.strictEqual(yield* mediaServer.find({ protocol, id: idOf(protocol) }), "present", protocol)
        }
        if (version !== null) {
          assert.sameMembers(
            (yield* mediaServer.snapshot).sources.map(({ id, established }) => `${id} ${established}`),
            protocols.map((protocol) => `${idOf(protocol)} true`)
          )
        }
        for (const protocol of protocols) {
          const source = { protocol, id: idOf(protocol) }
          assert.strictEqual(yield* mediaServer.kick(source), "kicked")
          assert.strictEqual(yield* mediaServer.kick(source), "gone")
        }
        assert.strictEqual(usesNew(fake), asksByNewOnes)
        if (names === "both") {
          const oldOnes = /\/v3\/\w+(conns|sessions)\/|pathdefaults/
          assert.isFalse(fake.requests.some((request) => oldOnes.test(request)))
        }
      })
    )
  }

  it.live("are asked about once a process", () =>
    Effect.gen(function* () {
      const { fake, apiUrl } = yield* fakeMediaMtx(everybody({ version: "v1.21.1", names: "both" }))
      // What it learns by the same route besides is the configuration, with each process, too.
      fake.config = {}
      const mediaServer = yield* clientOf(apiUrl)
      const asked = () => fake.requests.filter((request) => request.includes("path-defaults")).length
      for (let i = 0; i < 3; i++) yield* mediaServer.snapshot
      const once = asked()
      for (let i = 0; i < 3; i++) yield* mediaServer.snapshot
      yield* mediaServer.find({ protocol: "rtsp", id: idOf("srt") })
      assert.strictEqual(asked(), once)
      fake.started = "2026-01-02T00:00:00Z"
      yield* mediaServer.snapshot
      assert.strictEqual(asked(), 2 * once)
    })
  )

  it.live("change with an upgrade: nobody is gone because the old ones are", () =>
    Effect.gen(function* () {
      const { fake, apiUrl } = yield* fakeMediaMtx(everybody({ version: "v1.20.1" }))
      const mediaServer = yield* clientOf(apiUrl)
      yield* mediaServer.snapshot
      Object.assign(fake, { version: "v1.30.0", started: "2026-01-02T00:00:00Z", names: "new" })
      for (const protocol of ["srt", "rtmp", "rtsp", "webrtc", "moq"] as const) {
        assert.strictEqual(yield* mediaServer.find({ protocol, id: idOf(protocol) }), "present")
        Object.assign(fake, { version: "v1.20.1", started: "2026-01-01T00:00:00Z", names: "old" })
        yield* mediaServer.snapshot
        Object.assign(fake, { version: "v1.30.0", started: "2026-01-02T00:00:00Z", names: "new" })
        assert.strictEqual(yield* mediaServer.kick({ protocol, id: idOf(protocol) }), "kicked")
        Object.assign(fake, { version: "v1.20.1", started: "2026-01-01T00:00:00Z", names: "old" })
        yield* mediaServer.snapshot
        Object.assign(fake, { version: "v1.30.0", started: "2026-01-02T00:00:00Z", names: "new" })
      }
    })
  )

  it.live("of a version to come, that knows neither, make no look and nobody gone", () =>
    Effect.gen(function* () {
      const { apiUrl } = yield* fakeMediaMtx(everybody({ version: "v2.0.0", names: "neither" }))
      const mediaServer = yield* clientOf(apiUrl)
      assert.strictEqual((yield* Effect.flip(mediaServer.snapshot)).reason, "nonsense")
      assert.strictEqual(
        (yield* Effect.flip(mediaServer.find({ protocol: "srt", id: idOf("srt") }))).reason,
        "nonsense"
      )
    })
  )

  it.live("that somebody else's 404 denies are not taken for missing", () =>
    Effect.gen(function* () {
      const { fake, apiUrl } = yield* fakeMediaMtx(everybody({ version: "v1.21.1", names: "both" }))
      fake.intercept = (request) =>
        request.includes("path-defaults") ? json({ detail: "nothing here" }, 404) : undefined
      assert.strictEqual((yield* Effect.flip((yield* clientOf(apiUrl)).snapshot)).reason, "nonsense")
    })
  )

  it.live("learnt by two looks at once are one server's", () =>
    Effect.gen(function* () {
      const { apiUrl } = yield* fakeMediaMtx(everybody({ version: "v1.21.1", names: "both" }))
      const mediaServer = yield* clientOf(apiUrl)
      const looks = yield* Effect.all(
        Array.from({ length: 8 }, () => mediaServer.snapshot),
        { concurrency: "unbounded" }
      )
      for (const look of looks) assert.lengthOf(look.sources, protocols.length)
    })
  )
})
