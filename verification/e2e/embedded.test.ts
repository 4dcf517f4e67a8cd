/** The package `greenroom` in a host's own HTTP server, on a real MediaMTX, PostgreSQL and ffmpeg: admitted, live, taken off the air, ended whole. */
import { mkdtemp, rm } from "node:fs/promises"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { createGreenroom, type Greenroom } from "greenroom"
import { toNodeHandler } from "greenroom/node"
import { database } from "../worlds/database.ts"
import { ffmpegPublisher, missing, realMediaMtx } from "../worlds/realMediaMtx.ts"

const SECRET = "a secret of the host's own"

/** Listens before there is a Greenroom, because MediaMTX's configuration holds the address. */
const hostServer = Effect.acquireRelease(
  Effect.callback<{ readonly server: Server; readonly port: number; mount: (gr: Greenroom) => void }>((resume) => {
    let handler: ReturnType<typeof toNodeHandler> | undefined
    const server = createServer((request, response) => {
      if (handler === undefined) response.writeHead(503).end()
      else void handler(request, response)
    })
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo
      const mount = (gr: Greenroom) => {
        handler = toNodeHandler(gr)
      }
      resume(Effect.succeed({ server, port, mount }))
    })
  }),
  ({ server }) =>
    Effect.callback<void>((resume) => {
      server.close(() => resume(Effect.void))
      server.closeAllConnections()
    })
)

const folder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "greenroom-embedded-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
)

const until = async <A>(what: string, attempt: () => Promise<A | undefined>): Promise<A> => {
  for (const end = Date.now() + 60_000; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 50))) {
    const found = await attempt()
    if (found !== undefined) return found
  }
  throw new Error(`${what}: not within a minute`)
}

if (missing.length > 0) {
  console.warn(`The embedded service: not run, no ${missing.join(" and no ")} in PATH`)
  describe("an embedded Greenroom", () => it.skip("on the real thing", () => {}))
} else {
  describe("an embedded Greenroom", () => {
    it.live.each(["rtmp", "rtsp", "srt"] as const)("admits over %s, lists, and takes off the air", (protocol) =>
      Effect.gen(function* () {
        const host = yield* hostServer
        const { url } = yield* database(yield* folder)
        const mtx = yield* realMediaMtx({
          authHttpAddress: `http://mediamtx:${encodeURIComponent(SECRET)}@127.0.0.1:${host.port}/mtx/auth`
        })
        const gr = yield* Effect.acquireRelease(
          Effect.promise(() =>
            createGreenroom({
              database: { url },
              mediaMtx: { apiUrl: mtx.apiUrl, secret: SECRET },
              publicUrl: { rtsp: `rtsp://127.0.0.1:${mtx.ports.rtsp}` },
              mayPublish: ({ broadcaster }) => broadcaster.metadata.banned !== true || { refuse: "You are banned" },
              logger: () => {}
            })
          ),
          (gr) => Effect.promise(() => gr.close())
        )
        host.mount(gr)
        const account = { externalId: "user-1", displayName: "Ada" }
        yield* Effect.promise(() => gr.broadcasters.upsert(account))
        const broadcaster = { externalId: "user-1" }
        const { key, value, ingest } = yield* Effect.promise(() => gr.keys.create({ broadcaster }))
        const encoder = yield* ffmpegPublisher(mtx, { protocol, path: ingest.path, key: value })
        const live = yield* Effect.promise(() =>
          until("it is live", async () => (await gr.streams.live({ status: "active" }))[0])
        )
        assert.strictEqual(live.path, ingest.path)
        assert.strictEqual(live.urls.rtsp, `rtsp://127.0.0.1:${mtx.ports.rtsp}/${ingest.path}`)
        assert.deepStrictEqual(yield* Effect.promise(() => gr.keys.revoke(key.id)), { offAir: true })
        yield* encoder.ended

        yield* Effect.promise(() => gr.broadcasters.upsert({ ...account, metadata: { banned: true } }))
        const second = yield* Effect.promise(() => gr.keys.create({ broadcaster }))
        const refused = yield* ffmpegPublisher(mtx, { protocol, path: second.ingest.path, key: second.value })
        yield* refused.ended
        assert.include(yield* mtx.log, "You are banned")
        assert.deepStrictEqual(yield* Effect.promise(() => gr.streams.live()), [])
      }).pipe(Effect.scoped)
    )
  })
}
