/** The same requests to a real MediaMTX and to the twin: the same statuses, content types, errors and fields. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TwinServer } from "../../src/twin/index.ts"
import { authServer } from "../fixtures/authServer.ts"
import { missing, realMediaMtx } from "../fixtures/realMediaMtx.ts"
import { shapeOf } from "./captures.ts"

const NOBODY = "00000000-0000-4000-8000-000000000000"

const requests: ReadonlyArray<readonly [string, string?]> = [
  ["GET /v3/info"],
  ...["rtmpconns", "rtmpsconns", "rtspsessions", "rtspssessions", "srtconns", "webrtcsessions"].flatMap(
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

describe("twin and real MediaMTX", () => {
  const test = missing.includes("mediamtx") ? it.live.skip : it.live
  test("answer alike", () =>
    Effect.gen(function* () {
      const decide = ({ password }: { readonly password: string }) => Effect.succeed(password === "secret")
      const auth = yield* authServer(decide)
      const real = yield* realMediaMtx({ authHttpAddress: auth.address })
      const twin = yield* TwinServer.make({ authenticate: decide, off: ["rtmps", "rtsps", "webrtc"], denialDelay: 0 })
      const basic = (password: string) => `Basic ${btoa(`any:${password}`)}`
      for (const request of requests) {
        const expected = yield* ask(real.apiUrl, request, basic("secret"))
        assert.deepStrictEqual(yield* ask(twin.apiUrl, request, basic("secret")), expected)
      }
      const nobody = `Basic ${btoa(":")}`
      const refusal = yield* ask(real.apiUrl, ["GET /v3/info"], nobody)
      assert.strictEqual(refusal.status, 401)
      assert.deepStrictEqual(yield* ask(twin.apiUrl, ["GET /v3/info"], nobody), refusal)
    }))
})
