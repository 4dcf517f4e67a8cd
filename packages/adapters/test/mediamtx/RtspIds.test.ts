/** RTSP up to 1.19.2: `/auth` was given the connection's id, lists, paths and kicks have the session's. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { matchConnections } from "../../src/mediamtx/rtspConnections.ts"
import { clientOf, json } from "./client.ts"
import { type FakeMediaMtx, fakeMediaMtx, type Item, onPath } from "./fakeMediaMtx.ts"

const uuid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`
const C1 = uuid(1)
const C2 = uuid(2)
const S1 = uuid(11)
const S2 = uuid(12)

const at = (second: number) => `2026-01-01T00:00:${String(second).padStart(2, "0")}.000000123Z`

const connection = (id: string, port: number, second: number, more: object = {}): Item => ({
  id,
  remoteAddr: `192.0.2.1:${port}`,
  created: at(second),
  ...more
})
const session = (id: string, port: number, second: number, more: object = {}): Item => ({
  ...connection(id, port, second),
  state: "publish",
  path: "live/a",
  ...more
})

type Era = "1.9" | "1.11" | "1.17"
/** What each era tells of the link between the two, besides the address. */
const eras: { readonly [E in Era]: { readonly version: string | null; readonly linked: boolean } } = {
  "1.9": { version: null, linked: false },
  "1.11": { version: null, linked: true },
  "1.17": { version: "v1.17.1", linked: true }
}

const publisher = (era: Era): Partial<FakeMediaMtx> => {
  const { version, linked } = eras[era]
  const item = connection(C1, 5000, 1, linked ? { session: S1 } : {})
  const of = session(S1, 5000, 2, era === "1.17" ? { conns: [C1] } : {})
  const off = { rtspsconns: [], rtspssessions: [] }
  return {
    version,
    lists: { rtspconns: [item], rtspsessions: [of], ...off },
    paths: [onPath("live/a", "rtspSession", S1)]
  }
}

const kicks = ({ requests }: FakeMediaMtx) => requests.filter((request) => request.includes("/kick/"))
const empty = ({ lists }: FakeMediaMtx, ...names: ReadonlyArray<string>) => {
  for (const name of names) lists[name]?.splice(0)
}

const RTSP = { protocol: "rtsp", id: C1 } as const

for (const era of Object.keys(eras) as ReadonlyArray<Era>) {
  describe(`MediaMtx: an RTSP publisher of ${era}`, () => {
    it.live("is looked at, found and kicked under the id of its connection", () =>
      Effect.gen(function* () {
        const { fake, apiUrl } = yield* fakeMediaMtx(publisher(era))
        const mediaServer = yield* clientOf(apiUrl)
        const look = yield* mediaServer.snapshot
        assert.deepStrictEqual(look.sources, [
          { id: C1, protocol: "rtsp", state: "publish", established: true, path: "live/a" }
        ])
        assert.strictEqual(look.paths[0]?.sourceId, C1)
        assert.strictEqual(yield* mediaServer.find(RTSP), "present")
        assert.strictEqual(yield* mediaServer.find({ protocol: null, id: C1 }), "present")
        assert.strictEqual(yield* mediaServer.kick({ protocol: "rtsps", id: C1 }), "kicked")
        assert.strictEqual(kicks(fake).at(-1), `POST /v3/rtspsessions/kick/${S1}`)
        assert.strictEqual(yield* mediaServer.kick(RTSP), "gone", "its connection without a session")
        empty(fake, "rtspconns")
        assert.strictEqual(yield* mediaServer.find(RTSP), "gone")
      })
    )

    it.live("is found and kicked by an instance that never looked", () =>
      Effect.gen(function* () {
        const { fake, apiUrl } = yield* fakeMediaMtx(publisher(era))
        const mediaServer = yield* clientOf(apiUrl)
        assert.strictEqual(yield* mediaServer.find(RTSP), "present")
        assert.strictEqual(yield* mediaServer.kick(RTSP), "kicked")
        assert.deepStrictEqual(kicks(fake), [`POST /v3/rtspsessions/kick/${S1}`])
      })
    )

    it.live("is present while its auth is pending, when the connection does not name its session", () =>
      Effect.gen(function* () {
        const { fake, apiUrl } = yield* fakeMediaMtx(publisher(era))
        fake.lists.rtspconns = [connection(C1, 5000, 1, { session: null })]
        const mediaServer = yield* clientOf(apiUrl)
        assert.strictEqual(yield* mediaServer.find(RTSP), "present")
        assert.strictEqual((yield* mediaServer.snapshot).sources[0]?.id, C1)
      })
    )

    it.live(
      "keeps its id for as long as its session is listed, when it goes over UDP and its connection is closed",
      () =>
        Effect.gen(function* () {
          const { fake, apiUrl } = yield* fakeMediaMtx(publisher(era))
          const mediaServer = yield* clientOf(apiUrl)
          yield* mediaServer.snapshot
          empty(fake, "rtspconns")
          for (let i = 0; i < 3; i++) assert.strictEqual((yield* mediaServer.snapshot).sources[0]?.id, C1)
          assert.strictEqual(yield* mediaServer.find(RTSP), "present")
          assert.strictEqual(yield* mediaServer.kick(RTSP), "kicked")
          assert.deepStrictEqual(kicks(fake), [`POST /v3/rtspsessions/kick/${S1}`])
        })
    )

    it.live("keeps its id also on a path when no list shows it any more, and is not gone", () =>
      Effect.gen(function* () {
        const { fake, apiUrl } = yield* fakeMediaMtx(publisher(era))
        fake.paths = []
        const mediaServer = yield* clientOf(apiUrl)
        yield* mediaServer.snapshot
        empty(fake, "rtspconns", "rtspsessions")
        fake.paths = [onPath("live/a", "rtspSession", S1)]
        for (let i = 0; i < 3; i++) assert.strictEqual((yield* mediaServer.snapshot).paths[0]?.sourceId, C1)
        assert.strictEqual(yield* mediaServer.find(RTSP), "present")
        fake.paths = []
        yield* mediaServer.snapshot
        assert.strictEqual(yield* mediaServer.find(RTSP), "gone")
      })
    )

    it.live(
      "stands under its session's id when its connection was closed before anybody looked; a kick reaches it",
      () =>
        Effect.gen(function* () {
          const { fake, apiUrl } = yield* fakeMediaMtx(publisher(era))
          empty(fake, "rtspconns")
          const mediaServer = yield* clientOf(apiUrl)
          assert.strictEqual((yield* mediaServer.snapshot).sources[0]?.id, S1)
          assert.strictEqual(yield* mediaServer.find(RTSP), "gone")
          assert.strictEqual(yield* mediaServer.kick({ protocol: "rtsp", id: S1 }), "kicked")
        })
    )
  })
}

describe("MediaMtx: RTSP connections", () => {
  it.live("are asked about only when a session is new", () =>
    Effect.gen(function* () {
      const { fake, apiUrl } = yield* fakeMediaMtx(publisher("1.11"))
      const mediaServer = yield* clientOf(apiUrl)
      const asked = () => fake.requests.filter((request) => request.includes("/v3/rtspconns/")).length
      for (let i = 0; i < 3; i++) yield* mediaServer.snapshot
      assert.strictEqual(asked(), 1)
      fake.lists.rtspconns?.push(connection(C2, 5001, 3))
      fake.lists.rtspsessions?.push(session(S2, 5001, 4))
      for (let i = 0; i < 3; i++) yield* mediaServer.snapshot
      assert.strictEqual(asked(), 2)
    })
  )

  it.live("that close as they are matched make no publisher that was not admitted", () =>
    Effect.gen(function* () {
      const { fake, apiUrl } = yield* fakeMediaMtx(publisher("1.11"))
      fake.intercept = (request) => {
        if (request.includes("/v3/rtspconns/list")) empty(fake, "rtspconns", "rtspsessions")
        return undefined
      }
      assert.deepStrictEqual((yield* (yield* clientOf(apiUrl)).snapshot).sources, [])
    })
  )

  it.live("whose lookup somebody else denies make nobody gone", () =>
    Effect.gen(function* () {
      const { fake, apiUrl } = yield* fakeMediaMtx(publisher("1.11"))
      const mediaServer = yield* clientOf(apiUrl)
      fake.intercept = (request) => {
        if (request.includes("/v3/rtspconns/get")) return json({ error: "try later" }, 404)
        return undefined
      }
      assert.strictEqual((yield* Effect.flip(mediaServer.find(RTSP))).reason, "nonsense")
    })
  )
})

describe("MediaMtx: an RTSP publisher whose list is missing", () => {
  for (const era of ["1.11", "1.17"] as const) {
    it.live(`is marked on its path in ${era}, and fails no snapshot`, () =>
      Effect.gen(function* () {
        const { fake, apiUrl } = yield* fakeMediaMtx(publisher(era))
        delete fake.lists.rtspsessions
        delete fake.lists.rtspconns
        const { sources, paths } = yield* (yield* clientOf(apiUrl)).snapshot
        assert.deepStrictEqual(sources, [])
        assert.deepStrictEqual(
          paths.map(({ name, unlistable }) => [name, unlistable]),
          [["live/a", true]]
        )
      })
    )
  }

  it.live("is not marked where there is a list that does not show it", () =>
    Effect.gen(function* () {
      const { fake, apiUrl } = yield* fakeMediaMtx(publisher("1.17"))
      empty(fake, "rtspsessions", "rtspconns")
      assert.isUndefined((yield* (yield* clientOf(apiUrl)).snapshot).paths[0]?.unlistable)
    })
  )
})

describe("MediaMtx: RTSP when MediaMTX was replaced by another version", () => {
  const upgraded = (from: string | null, to: string | null) =>
    Effect.gen(function* () {
      const { fake, apiUrl } = yield* fakeMediaMtx({ ...publisher("1.17"), version: from })
      const mediaServer = yield* clientOf(apiUrl)
      assert.strictEqual(yield* mediaServer.find({ protocol: "rtsp", id: uuid(99) }), "gone")
      fake.version = to
      fake.started = "2026-01-02T00:00:00Z"
      return { fake, mediaServer }
    })

  for (const [from, to] of [
    ["v1.19.3", "v1.19.2"],
    ["v1.20.1", null]
  ] as const) {
    it.live(`a connection of ${to ?? "one without a version"} is present to an instance that knew ${from}`, () =>
      Effect.gen(function* () {
        const { mediaServer } = yield* upgraded(from, to)
        assert.strictEqual(yield* mediaServer.find(RTSP), "present")
        assert.strictEqual(yield* mediaServer.kick(RTSP), "kicked")
      })
    )
  }

  it.live("a session of 1.20.1 is present to an instance that knew 1.13, and no connections are asked about", () =>
    Effect.gen(function* () {
      const { fake, mediaServer } = yield* upgraded(null, "v1.20.1")
      fake.lists.rtspconns = []
      assert.strictEqual(yield* mediaServer.find({ protocol: "rtsp", id: S1 }), "present")
      assert.strictEqual((yield* mediaServer.snapshot).sources[0]?.id, S1)
      const from = fake.requests.length
      yield* mediaServer.snapshot
      assert.isFalse(
        fake.requests.slice(from).some((request) => request.includes("conns/") && request.includes("rtsp"))
      )
    })
  )
})

describe("matchConnections", () => {
  const match = (sessions: ReadonlyArray<Item>, connections: ReadonlyArray<Item>) => [
    ...matchConnections(sessions as never, connections as never)
  ]

  it("by the address, of which a client that came later may have got the same", () => {
    assert.deepStrictEqual(match([session(S1, 5000, 5)], [connection(C1, 5000, 1), connection(C2, 5001, 1)]), [
      [S1, C1]
    ])
    assert.deepStrictEqual(match([session(S1, 5000, 5)], [connection(C2, 5000, 6)]), [])
  })

  it("by MediaMTX's own link between connections with one address, either way", () => {
    const both = [connection(C1, 5000, 1, { session: S1 }), connection(C2, 5000, 2, { session: S2 })]
    assert.deepStrictEqual(match([session(S1, 5000, 5), session(S2, 5000, 6)], both), [
      [S1, C1],
      [S2, C2]
    ])
    const unlinked = [connection(C1, 5000, 1), connection(C2, 5000, 2)]
    assert.deepStrictEqual(match([session(S1, 5000, 5, { conns: [C2] })], unlinked), [[S1, C2]])
    assert.deepStrictEqual(match([session(S1, 5000, 5)], unlinked), [])
  })

  it("never with a connection that is linked to another session, listed or not", () => {
    const linked = connection(C1, 5000, 1, { session: S1 })
    assert.deepStrictEqual(match([session(S2, 5000, 5)], [linked]), [])
    assert.deepStrictEqual(match([session(S2, 5000, 5)], [linked, connection(C2, 5000, 2)]), [[S2, C2]])
    const both = [session(S1, 5000, 5, { conns: [C1] }), session(S2, 5000, 6)]
    assert.deepStrictEqual(match(both, [connection(C1, 5000, 1)]), [[S1, C1]])
  })
})

it("a session is its linked connection's, also when a clock was set back between them", () => {
  const item = { remoteAddr: "127.0.0.1:5000", state: "publish" } as const
  const session = { ...item, id: "s", created: "2026-01-01T00:00:00Z" }
  const connection = { ...item, id: "c", created: "2026-01-01T00:00:01Z", session: "s" }
  assert.strictEqual(matchConnections([session], [connection]).get("s"), "c")
  assert.isUndefined(matchConnections([session], [{ ...connection, session: null }]).get("s"))
})
