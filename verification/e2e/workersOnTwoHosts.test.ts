/**
 * Media workers of two Greenrooms on two machines, which here are two names of one: nobody can end the other's processes, because
 * none is told to. A real PostgreSQL, MediaMTX and ffmpeg.
 */
import { execFileSync } from "node:child_process"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { IssuedKey } from "../worlds/Api.ts"
import { database } from "../worlds/database.ts"
import { ffmpegEncoder, makeClip } from "../worlds/ffmpegEncoder.ts"
import { httpRelay } from "../worlds/HttpRelay.ts"
import { makeMeasurements } from "../worlds/Measurements.ts"
import { processesWith, temporaryFolder, until } from "../worlds/processes.ts"
import { missing, realMediaMtx } from "../worlds/realMediaMtx.ts"
import { authAddress, prepareService } from "../worlds/runService.ts"

const measurements = makeMeasurements()

const onHost = (name: string) => ["unshare", "--uts", "sh", "-c", `hostname ${name} && exec "$0" "$@"`]

const canRename = (() => {
  try {
    const [program, ...args] = onHost("another-host")
    return execFileSync(program!, [...args, "hostname"], { encoding: "utf8" }).trim() === "another-host"
  } catch {
    return false
  }
})()

/** Each freezes a leader and kills one. */
const ROUNDS = 5
const ROUND_WITHIN_MS = 60_000

interface Worker {
  readonly state: string
  readonly host: string | null
  readonly pid: number | null
}

const setUp = Effect.gen(function* () {
  const relay = yield* httpRelay
  const db = yield* database(`${yield* temporaryFolder}/postgres`)
  const real = yield* realMediaMtx({ authHttpAddress: authAddress(relay.port), protocols: ["rtsp", "rtmp"] })
  const make = (host: string) =>
    prepareService(
      () => ({
        DATABASE_URL: db.url,
        MEDIAMTX_API_URL: real.apiUrl,
        MEDIAMTX_RTSP_URL: `rtsp://127.0.0.1:${real.ports.rtsp}`,
        PUBLIC_RTSP_URL: `rtsp://127.0.0.1:${real.ports.rtsp}`,
        WORKERS: "on"
      }),
      db.directory,
      onHost(host)
    )
  const [one, two] = [yield* make("host-one"), yield* make("host-two")]
  yield* one.start
  yield* two.start
  yield* relay.leadTo(two.port)
  const clip = yield* makeClip(yield* temporaryFolder, 30)
  const { body: studio } = yield* one.api.call<{ readonly id: string }>("POST", "/broadcasters", { display_name: "S" })
  const order = { broadcaster_id: studio.id, path: "live/x/in" }
  const key = (yield* one.api.call<IssuedKey>("POST", "/stream-keys", order)).body
  yield* ffmpegEncoder(clip, { protocol: "rtsp", url: key.ingest.rtsp } as never, "rtsp")
  const workers = () =>
    processesWith(`:${real.ports.rtsp}/live/x/out`).filter(({ command }) => command.startsWith("ffmpeg "))
  const worker = (through: typeof one) =>
    Effect.runPromise(Effect.map(through.api.call<Worker>("GET", "/workers/x"), ({ body }) => body))
  const runsOn = (host: string, through: typeof one) =>
    Effect.gen(function* () {
      const began = performance.now()
      yield* until(
        `a worker runs on ${host}`,
        async () => {
          const seen = await worker(through)
          return seen.state === "running" && seen.host === host
        },
        20_000
      )
      return performance.now() - began
    })
  return { one, two, relay, workers, runsOn }
})

if (missing.length > 0 || !canRename) {
  const without = missing.length > 0 ? `no ${missing.join(" and no ")} in PATH` : "unshare --uts is not allowed"
  console.warn(`Media workers on two hosts: not run, ${without}`)
  describe("media workers on two hosts", () => it.skip("on the real thing", () => {}))
} else {
  afterAll(() => console.log(`\n${measurements.table()}\n`))

  describe("media workers on two hosts", () => {
    it.live(
      "are one, whether their leader stands still, goes on late, or is killed",
      () =>
        Effect.gen(function* () {
          const { one, two, relay, workers, runsOn } = yield* setUp
          const measured = Effect.fnUntraced(function* (what: string, host: string, through: typeof one) {
            const before = workers().map(({ pid }) => pid)
            const millis = yield* runsOn(host, through)
            measurements.add({ what: `${what} → a worker runs on the other host`, of: "rtsp", millis, promised: 5_000 })
            const now = workers().map(({ pid }) => pid)
            assert.strictEqual(now.length, 1)
            assert.notInclude(before, now[0])
            return now
          })

          yield* runsOn("host-one", two)
          for (let round = 0; round < ROUNDS; round++) {
            yield* one.freeze
            const now = yield* measured("leader stands still", "host-two", two)
            yield* one.thaw
            for (let look = 0; look < 10; look++) {
              assert.deepStrictEqual(
                workers().map(({ pid }) => pid),
                now
              )
              yield* Effect.sleep("200 millis")
            }
            yield* two.kill
            yield* relay.leadTo(one.port)
            yield* measured("leader killed", "host-one", one)
            yield* two.start
            yield* relay.leadTo(two.port)
          }
          assert.isTrue(
            one.lines().every(({ message }) => message !== "a worker has failed: it is not tried again on this source")
          )
          for (const service of [one, two]) assert.notMatch(service.printed(), /sk_[\w-]{20}/)
        }),
      ROUNDS * ROUND_WITHIN_MS
    )
  })
}
