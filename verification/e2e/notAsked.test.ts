/**
 * A media server that may not be the one that asks Greenroom, on the real thing: publishers on it are left alone, and `GET /health` says why.
 * Either it is configured not to ask, or another MediaMTX asks in its place.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { IssuedKey } from "../worlds/Api.ts"
import { authServer } from "../worlds/authServer.ts"
import { mediaServerAnswers, publicUrls, until } from "../worlds/realDeployments.ts"
import { ffmpegPublisher, missing, type RealMediaMtx, realMediaMtx } from "../worlds/realMediaMtx.ts"
import { API_SECRET, authAddress, prepareService, type RunningService } from "../worlds/runService.ts"

interface Health {
  readonly unauthorized_publishers: number | null
  readonly warnings: ReadonlyArray<{ readonly kind: string; readonly detail: string }>
}

const healthOf = ({ api }: RunningService) =>
  Effect.runPromise(api.call<Health>("GET", "/health")).then(({ body }) => body)

const warns = (service: RunningService, kind: string) =>
  until(`a warning: ${kind}`, async () => (await healthOf(service)).warnings.some((warning) => warning.kind === kind))

const isOver = (service: RunningService, kind: string) =>
  until(`no warning: ${kind}`, async () => (await healthOf(service)).warnings.every((warning) => warning.kind !== kind))

const heldBack = (service: RunningService, count: number) =>
  until(`${count} held back`, async () => (await healthOf(service)).unauthorized_publishers === count)

const publishes = async ({ apiUrl }: RealMediaMtx, path: string): Promise<boolean> => {
  const authorization = `Basic ${Buffer.from(`greenroom:${API_SECRET}`).toString("base64")}`
  const answer = await fetch(`${apiUrl}/v3/paths/list`, { headers: { authorization } }).catch(() => null)
  // A new configuration starts its control API anew.
  if (answer === null) return false
  const { items } = (await answer.json()) as { readonly items: ReadonlyArray<{ name: string; ready: boolean }> }
  return items.some(({ name, ready }) => name === path && ready)
}

const onAir = (mtx: RealMediaMtx, path: string) => until(`${path} is on the air`, () => publishes(mtx, path))

const aKey = Effect.fnUntraced(function* ({ api }: RunningService, path: string) {
  const { body: studio } = yield* api.call<{ readonly id: string }>("POST", "/broadcasters", { display_name: path })
  return (yield* api.call<IssuedKey>("POST", "/stream-keys", { broadcaster_id: studio.id, path })).body
})

/** Lets in whoever publishes, and Greenroom to the control API. */
const lenient = authServer(({ action, password }) => Effect.succeed(action !== "api" || password === API_SECRET))

const patched = ({ apiUrl }: RealMediaMtx, change: object) =>
  Effect.promise(async () => {
    const authorization = `Basic ${Buffer.from(`greenroom:${API_SECRET}`).toString("base64")}`
    const init = { method: "PATCH", headers: { authorization }, body: JSON.stringify(change) }
    assert.strictEqual((await fetch(`${apiUrl}/v3/config/global/patch`, init)).status, 200)
  })

if (missing.length > 0) {
  console.warn(`A media server that does not ask: not run, no ${missing.join(" and no ")} in PATH`)
  describe("a media server that does not ask", () => it.skip("on the real thing", () => {}))
} else {
  describe("a media server that does not ask", () => {
    const withoutAsking = { authHTTPExclude: [{ action: "publish" }] }
    it.live("keeps its publishers, also when that was configured while it ran; and is warned of until it asks", () =>
      Effect.gen(function* () {
        let mtx: RealMediaMtx | undefined
        const service = yield* prepareService(() => ({ MEDIAMTX_API_URL: mtx!.apiUrl, ...publicUrls(mtx!) }))
        mtx = yield* realMediaMtx({ authHttpAddress: authAddress(service.port), protocols: ["rtmp", "rtsp"] })
        yield* service.start
        yield* mediaServerAnswers(service)
        assert.deepStrictEqual((yield* Effect.promise(() => healthOf(service))).warnings, [])
        yield* patched(mtx, withoutAsking)
        yield* ffmpegPublisher(mtx, { protocol: "rtmp", path: "live/unasked", key: "none" })
        yield* onAir(mtx, "live/unasked")
        yield* heldBack(service, 1)
        yield* warns(service, "publishers_not_asked")
        assert.isTrue(yield* Effect.promise(() => publishes(mtx!, "live/unasked")))

        yield* patched(mtx, { authHTTPExclude: [] })
        yield* isOver(service, "publishers_not_asked")
      })
    )

    it.live(
      "is noticed when another one asks: those that were admitted never appear here, and nobody is kicked here",
      () =>
        Effect.gen(function* () {
          let mtx: RealMediaMtx | undefined
          const service = yield* prepareService(() => ({ MEDIAMTX_API_URL: mtx!.apiUrl, ...publicUrls(mtx!) }))
          mtx = yield* realMediaMtx({ authHttpAddress: (yield* lenient).address, protocols: ["rtmp"] })
          const asking = yield* realMediaMtx({ authHttpAddress: authAddress(service.port), protocols: ["rtmp"] })
          yield* service.start
          yield* mediaServerAnswers(service)
          for (const path of ["live/1", "live/2", "live/3"]) {
            const { key_value: key } = yield* aKey(service, path)
            yield* ffmpegPublisher(asking, { protocol: "rtmp", path, key })
            yield* onAir(asking, path)
          }
          yield* warns(service, "another_media_server_asks")
          yield* ffmpegPublisher(mtx, { protocol: "rtmp", path: "live/here", key: "none" })
          yield* onAir(mtx, "live/here")
          yield* heldBack(service, 1)
          assert.isTrue(yield* Effect.promise(() => publishes(mtx!, "live/here")))
          for (const path of ["live/1", "live/2", "live/3"]) {
            assert.isTrue(yield* Effect.promise(() => publishes(asking, path)), "it goes on where it is")
          }
        })
    )
  })
}
