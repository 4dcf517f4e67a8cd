/**
 * The same requests to a real MediaMTX and to the simulator of its version: the same statuses, content types, errors and fields, empty and with
 * publishers. Over every binary in `MEDIAMTX_BINS`.
 */
import { assert, describe, it } from "@effect/vitest"
import { eventually } from "@greenroom/testing"
import { Effect } from "effect"
import { type AuthServer, authServer } from "../../../verification/worlds/authServer.ts"
import { missingFor, type RealBinary, realBinaries } from "../../../verification/worlds/realBinaries.ts"
import {
  type FfmpegPlayerOptions,
  ffmpegPlayer,
  ffmpegPublisher,
  type Publishable,
  type RealMediaMtx,
  realMediaMtx
} from "../../../verification/worlds/realMediaMtx.ts"
import { SimulatorHttp } from "../src/httpServer.ts"
import { factsOf } from "../src/index.ts"

import { shapeOf } from "./captures.ts"

const NOBODY = "00000000-0000-4000-8000-000000000000"

const lists = [
  ...["rtmpconns", "rtmpsconns", "rtspsessions", "rtspssessions", "srtconns"],
  ...["webrtcsessions", "moqsessions", "hlssessions"]
]

const requests: ReadonlyArray<readonly [string, string?]> = [
  ["GET /v3/info"],
  ...[...lists, "rtspconns", "rtmp/conns", "rtsp/conns", "rtsp/sessions"].flatMap(
    (list): ReadonlyArray<readonly [string]> => [
      [`GET /v3/${list}/list`],
      [`GET /v3/${list}/list?itemsPerPage=1000000`],
      [`GET /v3/${list}/list?itemsPerPage=0`],
      [`GET /v3/${list}/list?itemsPerPage=many`],
      [`GET /v3/${list}/list?page=-1`],
      [`GET /v3/${list}/get/${NOBODY}`],
      [`GET /v3/${list}/get/zzz`],
      [`GET /v3/${list}/get/${"z".repeat(36)}`],
      [`POST /v3/${list}/kick/${NOBODY}`],
      [`GET /v3/${list}/kick/${NOBODY}`],
      [`POST /v3/${list}/kick/no-uuid`]
    ]
  ),
  ["GET /v3/paths/list"],
  ["GET /v3/paths/get/nope"],
  ["GET /v3/nope"],
  ["POST /v3/info"],
  ["GET /v3/config/global/get"],
  ["GET /v3/config/pathdefaults/get"],
  ["GET /v3/config/path-defaults/get"],
  ["POST /v3/config/paths/add/live/a", '{"maxReaders":5}'],
  ["POST /v3/config/paths/add/live/a", '{"maxReaders":5}'],
  ["GET /v3/config/paths/get/live/a"],
  ["GET /v3/paths/get/live/a"],
  ["GET /v3/paths/list"],
  ["DELETE /v3/config/paths/delete/live/a"],
  ["DELETE /v3/config/paths/delete/live/a"],
  ["GET /v3/config/paths/get/live/a"],
  ["POST /v3/config/paths/add/live/a:b", "{}"],
  ["POST /v3/config/paths/add/live%2Fb", '{"maxReaders":5}'],
  ["DELETE /v3/config/paths/delete/live/b"],
  ["POST /v3/config/paths/add/all_others", "{}"],
  ["POST /v3/config/paths/add/live/c", ""]
]

const ask = (apiUrl: string, [request, body]: readonly [string, string?], authorization: string) =>
  Effect.promise(async () => {
    const [method = "", path = ""] = request.split(" ")
    const headers = { authorization }
    const response = await fetch(`${apiUrl}${path}`, { method, headers, ...(body === undefined ? {} : { body }) })
    const text = await response.text()
    const type = response.headers.get("content-type")
    const isJson = type?.startsWith("application/json") === true
    const value = isJson ? JSON.parse(text) : text
    const shape = path.startsWith("/v3/config/") ? Object.keys(value).sort() : shapeOf(value)
    const said = isJson && response.status === 200 ? shape : value
    return { request, status: response.status, type, server: response.headers.get("server"), said }
  })

const API = { user: "any", password: "secret" }
const basic = (password: string) => `Basic ${btoa(`${API.user}:${password}`)}`
const decide = ({ action, password }: { readonly action: string; readonly password: string }) =>
  Effect.succeed(action === "api" ? password === API.password : password !== "")

const live = { wait: (millis: number) => Effect.sleep(millis) }

const pair = Effect.fnUntraced(function* (binary: RealBinary) {
  const auth = yield* authServer(decide)
  const real = yield* realMediaMtx({
    authHttpAddress: auth.address,
    binary,
    protocols: ["rtsp", "rtmp", "srt", "hls"],
    lines: ["hlsVariant: mpegts"]
  })
  const simulator = yield* SimulatorHttp.make({
    authenticate: decide,
    version: binary.version,
    off: ["rtmps", "rtsps", "webrtc", "moq"],
    readyAfter: { rtmp: 5, srt: 5 },
    denialDelay: 0
  })
  return { auth, real, simulator }
})

const json = (apiUrl: string, path: string, method = "GET") =>
  Effect.promise(async () => {
    const response = await fetch(`${apiUrl}${path}`, { method, headers: { authorization: basic(API.password) } })
    const text = await response.text()
    return { status: response.status, type: response.headers.get("content-type"), text }
  })

/** Of one publisher, as soon as its path is ready: its item, its path's, and the answer to its kick and to the next. */
const seenOf = Effect.fnUntraced(function* (apiUrl: string, list: string) {
  const found = yield* eventually(live, json(apiUrl, "/v3/paths/list"), ({ text }) => JSON.parse(text).items[0]?.ready)
  const { source } = JSON.parse(found.text).items[0]
  const item = JSON.parse((yield* json(apiUrl, `/v3/${list}/get/${source.id}`)).text)
  const connections = list === "rtspsessions" ? JSON.parse((yield* json(apiUrl, "/v3/rtspconns/list")).text) : null
  const kicked = yield* json(apiUrl, `/v3/${list}/kick/${source.id}`, "POST")
  const again = yield* eventually(live, json(apiUrl, `/v3/${list}/get/${source.id}`), ({ status }) => status === 404)
  const path = shapeOf(JSON.parse(found.text)).filter((field) => !field.includes(".codecProps."))
  return {
    path,
    type: source.type,
    item: shapeOf(item),
    state: item.state,
    connections: shapeOf(connections),
    kicked,
    again
  }
})

/** Of one viewer, as soon as it reads: its type, its item, and the answer to its kick and to the next. */
const seenViewer = Effect.fnUntraced(function* (apiUrl: string, list: string) {
  const readersIn = (text: string) => JSON.parse(text).items[0]?.readers ?? []
  const found = yield* eventually(live, json(apiUrl, "/v3/paths/list"), ({ text }) => readersIn(text).length > 0)
  const [reader] = readersIn(found.text)
  const item = JSON.parse((yield* json(apiUrl, `/v3/${list}/get/${reader.id}`)).text)
  const kicked = yield* json(apiUrl, `/v3/${list}/kick/${reader.id}`, "POST")
  const again = yield* eventually(live, json(apiUrl, `/v3/${list}/get/${reader.id}`), ({ status }) => status === 404)
  const { state, path, query, user } = item
  return { type: reader.type, item: shapeOf(item), shown: { state, path, query, user }, kicked, again }
})

/** Of the viewer's auth calls what does not change from one run to the next; of the ids, which are the same. */
const askedOfViewer = (auth: AuthServer) =>
  Effect.map(auth.bodies, (bodies) => {
    const asked = bodies.filter(({ action }) => action === "read")
    const ids = asked.map(({ id }) => id)
    return asked.map(({ ip, id, userAgent, ...rest }) => ({ ...rest, id: id === null ? null : ids.indexOf(id) }))
  })

/** The bodies of the publisher's auth calls: which fields, and where its password is. */
const askedOf = (auth: AuthServer, path: string) =>
  Effect.map(auth.bodies, (bodies) =>
    bodies.filter((body) => body.path === path).map((body) => Object.keys(body).sort())
  )

const publishers: ReadonlyArray<{ readonly protocol: Publishable; readonly list: string }> = [
  { protocol: "rtmp", list: "rtmpconns" },
  { protocol: "rtsp", list: "rtspsessions" },
  { protocol: "srt", list: "srtconns" }
]

const viewers: ReadonlyArray<{ readonly list: string } & FfmpegPlayerOptions> = [
  { protocol: "rtmp", list: "rtmpconns", path: "live/a", query: "user=bob&pass=rd&x=1" },
  { protocol: "rtsp", list: "rtspsessions", path: "live/a", user: "bob", password: "rd", query: "x=1" },
  { protocol: "srt", list: "srtconns", path: "live/a", user: "bob", password: "rd" },
  { protocol: "hls", list: "hlssessions", path: "live/a", user: "bob", password: "rd", query: "x=1" }
]

const onAir = (real: RealMediaMtx, simulator: SimulatorHttp.SimulatorServer, protocol: Publishable) =>
  Effect.gen(function* () {
    yield* ffmpegPublisher(real, { protocol, path: "live/a", key: "key" })
    yield* simulator.publish({ protocol, path: "live/a", user: "any", password: "key" })
  })

const without = missingFor("mediamtx", "ffmpeg")
const binaries = realBinaries()
if (binaries.length === 0) {
  describe("simulator and real MediaMTX (not run: no mediamtx in PATH)", () => {
    it.skip("answer alike", () => {})
  })
}
for (const binary of binaries) {
  describe(`simulator and real MediaMTX, ${binary.version}`, () => {
    it.live("answer alike", () =>
      Effect.gen(function* () {
        const { real, simulator } = yield* pair(binary)
        for (const request of requests) {
          const expected = yield* ask(real.apiUrl, request, basic(API.password))
          assert.deepStrictEqual(yield* ask(simulator.apiUrl, request, basic(API.password)), expected)
        }
        const nobody = `Basic ${btoa(":")}`
        const refusal = yield* ask(real.apiUrl, ["GET /v3/paths/list"], nobody)
        assert.strictEqual(refusal.status, 401)
        assert.deepStrictEqual(yield* ask(simulator.apiUrl, ["GET /v3/paths/list"], nobody), refusal)
      })
    )

    const withFfmpeg = without.length > 0 ? it.live.skip : it.live
    for (const { protocol, list } of publishers) {
      withFfmpeg(`show and kick a publisher over ${protocol} alike`, () =>
        Effect.gen(function* () {
          const { auth, real, simulator } = yield* pair(binary)
          const simulatorsAuth = yield* authServer(decide)
          yield* simulator.authenticateAt(simulatorsAuth.address)
          yield* onAir(real, simulator, protocol)
          assert.deepStrictEqual(yield* seenOf(simulator.apiUrl, list), yield* seenOf(real.apiUrl, list))
          const expected = yield* askedOf(auth, "live/a")
          assert.isAbove(expected.length, 0)
          assert.deepStrictEqual((yield* askedOf(simulatorsAuth, "live/a"))[0], expected[0])
        })
      )
    }
    for (const { list, ...player } of viewers) {
      if (player.protocol === "hls" && !factsOf(binary.version).hlsSessions) continue
      withFfmpeg(`ask about, show and kick a viewer over ${player.protocol} alike`, () =>
        Effect.gen(function* () {
          const { auth, real, simulator } = yield* pair(binary)
          const simulatorsAuth = yield* authServer(decide)
          yield* simulator.authenticateAt(simulatorsAuth.address)
          yield* onAir(real, simulator, "rtsp")
          for (const { apiUrl } of [real, simulator]) {
            yield* eventually(live, json(apiUrl, "/v3/paths/list"), ({ text }) => JSON.parse(text).items[0]?.ready)
          }
          yield* ffmpegPlayer(real, player)
          yield* simulator.read(player)
          const seen = yield* seenViewer(real.apiUrl, list)
          assert.deepStrictEqual(yield* seenViewer(simulator.apiUrl, list), seen)
          const asked = yield* askedOfViewer(auth)
          assert.isAbove(asked.length, 0)
          assert.deepStrictEqual(
            yield* askedOfViewer(simulatorsAuth),
            asked.slice(0, player.protocol === "rtsp" ? 3 : 2)
          )
        })
      )
    }
  })
}
