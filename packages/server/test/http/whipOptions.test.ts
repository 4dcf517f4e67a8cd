/**
 * What a browser asks before it publishes, through a real MediaMTX (`MEDIAMTX_BIN`, else in `PATH`; left out without it): WHIP's
 * `OPTIONS`, whose answer has the ICE servers, and the publish page.
 */
import { it as effectIt } from "@effect/vitest"
import { Effect } from "effect"
import { afterAll, beforeAll, describe, expect } from "vitest"
import { mediaMtxBinary, realMediaMtx } from "../../../../verification/worlds/realMediaMtx.ts"
import { call, newKey, publishCall } from "./support/client.ts"
import { type Service, start } from "./support/service.ts"

if (mediaMtxBinary === undefined) console.log("skipped: WHIP's OPTIONS (no mediamtx)")

describe.skipIf(mediaMtxBinary === undefined)("before a browser publishes", { timeout: 60_000 }, () => {
  let service: Service
  beforeAll(async () => {
    service = await start()
  })
  afterAll(() => service.close())

  effectIt.live("a good key gets the ICE servers and the page, in use or not, and a bad one neither", () =>
    Effect.gen(function* () {
      const mediaMtx = yield* realMediaMtx({
        authHttpAddress: `${service.base}/auth`,
        protocols: ["webrtc"],
        lines: ["webrtcICEServers2: [{ url: 'stun:127.0.0.1:3478' }]"]
      })
      yield* Effect.promise(async () => {
        const ask = async (method: string, page: string, bearer?: string) => {
          const headers = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }
          const url = `http://127.0.0.1:${mediaMtx.ports.webrtc}/live/browser/${page}`
          const answer = await fetch(url, { method, headers, redirect: "manual" })
          await answer.arrayBuffer()
          return [answer.status, answer.headers.get("link")]
        }
        const { key_value, id } = await newKey(service)
        const links = '<stun:127.0.0.1:3478>; rel="ice-server"'
        expect(await ask("OPTIONS", "whip", key_value)).toEqual([204, links])
        expect(await ask("OPTIONS", "whip", `browser:${key_value}`)).toEqual([204, links])
        expect(await ask("GET", "publish", key_value)).toEqual([200, null])
        const { status } = (await call(service, "GET", `/stream-keys/${id}`)).json
        expect(status).toBe("active")

        const publishing = publishCall(key_value, { path: "live/browser", protocol: "webrtc" })
        expect((await call(service, "POST", "/auth", { body: publishing, secret: null })).status).toBe(200)
        expect(await ask("OPTIONS", "whip", key_value)).toEqual([204, links])

        for (const bearer of [`sk_${"x".repeat(43)}`, "nonsense", undefined]) {
          expect(await ask("OPTIONS", "whip", bearer)).toEqual([401, null])
          expect((await ask("GET", "publish", bearer))[0]).toBe(401)
        }
      })
    })
  )
})
