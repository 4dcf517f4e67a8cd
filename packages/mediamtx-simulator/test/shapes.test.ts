/** The simulator speaks as the real one was recorded to speak, and both are understood by the same schemas. */
import { assert, describe, it } from "@effect/vitest"
import { ControlApiSchema } from "@greenroom/adapters/mediamtx"
import type { Protocol } from "@greenroom/core"
import { Effect, Schema } from "effect"
import { type AuthQuestion, questionsOf } from "../src/AuthQuestion.ts"
import { SimulatorHttp } from "../src/httpServer.ts"

import { capture, type Recorded, type RecordedCall, shapeOf } from "./captures.ts"

const { ConnectionList, ErrorBody, GlobalConfig, Info, PathConfig, PathList } = ControlApiSchema

const on = SimulatorHttp.make({ off: [], readyAfter: { rtmp: 1, rtsp: 1, srt: 1, webrtc: 1 } })

const ask = (simulator: SimulatorHttp.SimulatorServer, request: string, body?: string) =>
  Effect.promise(async () => {
    const [method = "", path = ""] = request.split(" ")
    const response = await fetch(`${simulator.apiUrl}${path}`, { method, ...(body === undefined ? {} : { body }) })
    const text = await response.text()
    const type = response.headers.get("content-type") ?? ""
    return [response.status, type.startsWith("application/json") ? JSON.parse(text) : text] as const
  })

const recorded: ReadonlyArray<{ readonly protocol: Protocol; readonly file: string; readonly list: string }> = [
  { protocol: "rtmp", file: "api_rtmp_publish_token", list: "rtmpconns" },
  { protocol: "rtsp", file: "api_rtsp_publish_token", list: "rtspsessions" },
  { protocol: "srt", file: "api_srt_publish_std", list: "srtconns" },
  { protocol: "webrtc", file: "api_webrtc_whip_publish_bearer", list: "webrtcsessions" }
]

describe("simulator: its answers have the fields of the recorded ones", () => {
  for (const { protocol, file, list } of recorded) {
    it.live(`a ${protocol} publisher, in its list and on its path`, () =>
      Effect.gen(function* () {
        const simulator = yield* on
        const real = capture(file)
        const tracks = real.path.tracks2.map(({ codec, codecProps }: Recorded) => ({ ...codecProps, codec }))
        const publisher = yield* simulator.publish({ protocol, path: "live/a", tracks })
        assert.isTrue(yield* publisher.ready)
        const [, listed] = yield* ask(simulator, `GET /v3/${list}/list`)
        assert.deepStrictEqual(shapeOf(listed), shapeOf(real[list]))
        const [, item] = yield* ask(simulator, `GET /v3/${list}/get/${publisher.id}`)
        assert.deepStrictEqual(item.id, publisher.id)
        assert.deepStrictEqual(shapeOf(item), shapeOf(real[list].items[0]))
        const [, path] = yield* ask(simulator, "GET /v3/paths/get/live/a")
        assert.deepStrictEqual(shapeOf(path), shapeOf(real.path))
        assert.deepStrictEqual(path.source.type, real.path.source.type)
        assert.deepStrictEqual([path.tracks, path.tracks2], [real.path.tracks, real.path.tracks2])
        const decoded = [
          Schema.decodeUnknownSync(ConnectionList)(listed),
          Schema.decodeUnknownSync(ConnectionList)(real[list])
        ]
        assert.deepStrictEqual(decoded[0]?.items[0]?.state, decoded[1]?.items[0]?.state)
      })
    )
  }

  it.live("a path with a reader", () =>
    Effect.gen(function* () {
      const simulator = yield* on
      const real = capture("api_rtsp_read_token")
      const publisher = yield* simulator.publish({ protocol: "rtmp", path: "live/a" })
      assert.isTrue(yield* publisher.ready)
      yield* simulator.read({ protocol: "rtsp", path: "live/a", token: "t" })
      const [, path] = yield* ask(simulator, "GET /v3/paths/get/live/a")
      assert.deepStrictEqual(shapeOf(path), shapeOf(real.path))
      assert.deepStrictEqual(path.readers[0].type, real.path.readers[0].type)
      const [, sessions] = yield* ask(simulator, "GET /v3/rtspsessions/list")
      assert.deepStrictEqual(shapeOf(sessions), shapeOf(real.rtspsessions))
      assert.strictEqual(sessions.items[0].state, real.rtspsessions.items[0].state)
    })
  )

  for (const { protocol, file, list } of [
    { protocol: "rtmp", file: "api_rtmp_read_userpass", list: "rtmpconns" },
    { protocol: "srt", file: "api_srt_read_userpass", list: "srtconns" },
    { protocol: "hls", file: "api_hls_read_querytoken", list: "hlssessions" }
  ] as const) {
    it.live(`a ${protocol} viewer, in its list, under its id and on its path`, () =>
      Effect.gen(function* () {
        const simulator = yield* on
        const real = capture(file)
        assert.isTrue(yield* (yield* simulator.publish({ protocol: "rtsp", path: "live/a" })).ready)
        const viewer = yield* simulator.read({ protocol, path: "live/a", user: "bob", password: "rd" })
        const [, listed] = yield* ask(simulator, `GET /v3/${list}/list`)
        assert.deepStrictEqual(shapeOf(listed.items[0]), shapeOf(real[list].items.at(-1)))
        const [, item] = yield* ask(simulator, `GET /v3/${list}/get/${viewer.id}`)
        assert.strictEqual(item.id, viewer.id)
        const [, path] = yield* ask(simulator, "GET /v3/paths/get/live/a")
        assert.deepStrictEqual(path.readers, [{ type: real.path.readers[0].type, id: viewer.id }])
      })
    )
  }

  it.live("its configurations", () =>
    Effect.gen(function* () {
      const simulator = yield* on
      const [, global] = yield* ask(simulator, "GET /v3/config/global/get")
      assert.sameMembers(Object.keys(global), Object.keys(capture("api_config_global_get")))
      yield* ask(simulator, "POST /v3/config/paths/add/cam/p00005", '{"maxReaders":3}')
      const [, path] = yield* ask(simulator, "GET /v3/config/paths/get/cam/p00005")
      assert.sameMembers(Object.keys(path), Object.keys(capture("api_config_paths_get")))
      assert.strictEqual(path.maxReaders, 3)
    })
  )

  it.live("its errors, word for word", () =>
    Effect.gen(function* () {
      const simulator = yield* SimulatorHttp.make()
      const real: Record<string, readonly [number, Recorded]> = capture("api_errors")
      const answered = Object.entries(real).filter(
        ([request, [status]]) => /^(GET|POST|DELETE) \//.test(request) && status !== 200
      )
      assert.isAtLeast(answered.length, 8)
      for (const [request, answer] of answered)
        assert.deepStrictEqual([...(yield* ask(simulator, request))], [...answer], request)
      const add = (body: string) => ask(simulator, "POST /v3/config/paths/add/live/x", body)
      assert.deepStrictEqual([...(yield* add(""))], [...real["POST add bad2"]!])
      assert.deepStrictEqual([...(yield* add("{}"))], [...real["POST add ok"]!])
      assert.deepStrictEqual([...(yield* add("{}"))], [...real["POST add again"]!])
      const [, info] = yield* ask(simulator, "GET /v3/info")
      assert.deepStrictEqual(shapeOf(info), shapeOf(real["GET /v3/info"]![1]))
      assert.match(info.started, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/)
    })
  )
})

describe("simulator: it asks as the real one was recorded to ask", () => {
  const asks = (name: string) => (capture(name) as ReadonlyArray<RecordedCall>).map(({ body }) => body)
  const alice = { user: "alice", password: "s3cret" }
  const cases = [
    { name: "auth_rtmp_publish_userpass", protocol: "rtmp", by: { query: "user=alice&pass=s3cret&foo=bar" } },
    { name: "auth_rtmp_publish_token", protocol: "rtmp", by: { token: "tok123" } },
    { name: "auth_rtsp_publish_userpass_401first", protocol: "rtsp", by: { ...alice, query: "foo=bar" } },
    { name: "auth_rtsp_publish_token", protocol: "rtsp", by: { query: "token=tok123" } },
    { name: "auth_srt_publish_userpass", protocol: "srt", by: { ...alice, query: "foo=bar" } },
    { name: "auth_webrtc_whip_publish_bearer", protocol: "webrtc", by: { token: "tok123", query: "foo=bar" } }
  ] as const
  for (const { name, protocol, by } of cases) {
    it(name, () => {
      const real = asks(name)
      const { id, path } = real[0] as { id: string; path: string }
      const questions = questionsOf({ id, path, protocol, action: "publish", ...by })
      const withoutAgent = (all: ReadonlyArray<object>) => all.map((one) => ({ ...one, userAgent: "" }))
      assert.deepStrictEqual(withoutAgent(questions), withoutAgent(real))
    })
  }

  const bob = { user: "bob", password: "rd" }
  const viewers = [
    { name: "auth_rtmp_read_userpass", protocol: "rtmp", by: { query: "user=bob&pass=rd&x=1" }, isRefusedFirst: false },
    { name: "auth_rtsp_read_userpass", protocol: "rtsp", by: { ...bob, query: "x=1" }, isRefusedFirst: true },
    { name: "auth_rtsp_read_token", protocol: "rtsp", by: { query: "token=tok9" }, isRefusedFirst: false },
    { name: "auth_srt_read_userpass", protocol: "srt", by: { ...bob, query: "x=1" }, isRefusedFirst: false },
    { name: "auth_hls_read_basic_url", protocol: "hls", by: { ...bob, query: "x=1" }, isRefusedFirst: true },
    { name: "auth_hls_read_bearer", protocol: "hls", by: { token: "tok7", query: "x=1" }, isRefusedFirst: false },
    {
      name: "auth_webrtc_whep_read_bearer_userpass",
      protocol: "webrtc",
      by: { user: "alice", password: "s3cret" },
      isRefusedFirst: false
    }
  ] as const
  for (const { name, protocol, by, isRefusedFirst } of viewers) {
    it.live(name, () =>
      Effect.gen(function* () {
        const real = asks(name)
        const questions: Array<AuthQuestion> = []
        const simulator = yield* SimulatorHttp.make({
          authenticate: (question) =>
            Effect.sync(() => question.action !== "read" || questions.push(question) > (isRefusedFirst ? 1 : 0)),
          readyAfter: { rtsp: 1 }
        })
        const { path } = real[0] as { path: string }
        assert.isTrue(yield* (yield* simulator.publish({ protocol: "rtsp", path })).ready)
        const viewer = yield* simulator.read({ protocol, path, ...by })
        const rest = (all: ReadonlyArray<object>) => all.map((one) => ({ ...one, id: "", userAgent: "" }))
        assert.deepStrictEqual(rest(questions), rest(real))
        // As the real one: which of them have one id, and that the last is the session's.
        const ids = (all: ReadonlyArray<object>) => {
          const named = (all as ReadonlyArray<{ id: string }>).map(({ id }) => id)
          return named.map((id) => named.indexOf(id))
        }
        assert.deepStrictEqual(ids(questions), ids(real))
        assert.strictEqual(questions.at(-1)?.id, viewer.id)
      })
    )
  }

  for (const [name, authorization, path] of [
    ["auth_api_basic", `Basic ${Buffer.from("admin:pw").toString("base64")}`, "/v3/paths/list?itemsPerPage=1"],
    ["auth_api_bearer", "Bearer apitok", "/v3/paths/list"]
  ] as const) {
    it.live(name, () =>
      Effect.gen(function* () {
        const questions: Array<object> = []
        const simulator = yield* SimulatorHttp.make({
          authenticate: (question) => Effect.sync(() => questions.push(question) > 0)
        })
        yield* Effect.promise(() => fetch(`${simulator.apiUrl}${path}`, { headers: { authorization } }))
        assert.deepStrictEqual(questions, asks(name))
      })
    )
  }
})

describe("the wire schemas understand what was recorded", () => {
  it("lists, paths, configurations, errors, info", () => {
    const errors = capture("api_errors")
    assert.strictEqual(Schema.decodeUnknownSync(ConnectionList)(capture("api_rtmpconns_list_page")).items.length, 2)
    assert.strictEqual(Schema.decodeUnknownSync(PathList)(capture("api_paths_list_live100_page")).pageCount, 50)
    assert.isFalse(Schema.decodeUnknownSync(GlobalConfig)(capture("api_config_global_get")).rtsp)
    assert.strictEqual(Schema.decodeUnknownSync(PathConfig)(capture("api_config_paths_get")).maxReaders, 0)
    assert.strictEqual(Schema.decodeUnknownSync(ErrorBody)(errors["GET /v3/paths/get/nope"][1]).error, "path not found")
    assert.isString(Schema.decodeUnknownSync(Info)(errors["GET /v3/info"][1]).started)
  })

  it("and nothing of what a client wrote into its URL comes along", () => {
    const page = Schema.decodeUnknownSync(ConnectionList)(capture("api_rtmp_publish_token").rtmpconns)
    assert.notInclude(JSON.stringify(page), "tok123")
    assert.doesNotHaveAnyKeys(page.items[0], ["query", "user", "remoteAddr", "userAgent"])
  })
})
