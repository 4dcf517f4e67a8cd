/** What Greenroom takes for granted of MediaMTX, where its documentation says nothing. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { authServer } from "../worlds/authServer.ts"
import { missing, realMediaMtx } from "../worlds/realMediaMtx.ts"
import { rtspClient } from "../worlds/rtspClient.ts"

const AUTH_HELD = "1500 millis"
const HANGS_FOR_MS = 1_000
const READERS = 6

interface Sessions {
  readonly items: ReadonlyArray<{ readonly id: string; readonly path: string }>
}

if (missing.length > 0) {
  console.warn(`Facts about MediaMTX: not run, no ${missing.join(" and no ")} in PATH`)
  describe("MediaMTX", () => it.skip("the facts", () => {}))
} else {
  describe("MediaMTX", () => {
    it.live("a kick of an RTSP session that hangs behind an auth keeps every list waiting until it is over", () =>
      Effect.gen(function* () {
        let busy = false
        const auth = yield* authServer(({ action }) =>
          busy && action === "publish" ? Effect.as(Effect.sleep(AUTH_HELD), true) : Effect.succeed(true)
        )
        const mtx = yield* realMediaMtx({ authHttpAddress: auth.address, protocols: ["rtsp"] })
        const call = async (method: string, path: string) => {
          const response = await fetch(`${mtx.apiUrl}/v3/rtspsessions/${path}`, { method })
          return { status: response.status, body: (await response.json()) as Sessions, at: performance.now() }
        }
        const address = (path: string) => `rtsp://127.0.0.1:${mtx.ports.rtsp}/${path}`
        const publisher = yield* rtspClient(address("kicked"))
        assert.isTrue(yield* publisher.announce)
        yield* publisher.record
        const { body } = yield* Effect.promise(() => call("GET", "list"))
        const { id } = body.items.find(({ path }) => path === "kicked")!

        busy = true
        const newcomer = yield* rtspClient(address("newcomer"))
        yield* Effect.forkScoped(newcomer.announce)
        yield* Effect.sleep("100 millis")
        const began = performance.now()
        const kick = call("POST", `kick/${id}`)
        yield* Effect.sleep("50 millis")
        const lists = Array.from({ length: READERS }, () => call("GET", "list"))
        const kicked = yield* Effect.promise(() => kick)
        assert.strictEqual(kicked.status, 200)
        assert.isAbove(kicked.at - began, HANGS_FOR_MS, "it hung")
        for (const list of yield* Effect.promise(() => Promise.all(lists))) {
          assert.isAbove(list.at - began, HANGS_FOR_MS)
          assert.notInclude(
            list.body.items.map((session) => session.id),
            id
          )
        }
        assert.notInclude(yield* mtx.log, "concurrent map")
      })
    )
  })
}
