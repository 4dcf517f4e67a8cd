/**
 * Media workers on the real thing: a real MediaMTX, PostgreSQL and ffmpeg, with the command that workers have unless told otherwise.
 * The media server is not Greenroom's own, so that it lives on when Greenroom is killed. The times stand in the table at the end.
 */
import { execFileSync } from "node:child_process"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { type PipelineId, pipelinePath } from "@greenroom/core"
import { Effect, type Scope } from "effect"
import type { IssuedKey } from "../worlds/Api.ts"
import { browserBinary, browserEncoder } from "../worlds/browserEncoder.ts"
import { ffmpegEncoder, framesAt, kinds, makeClip, makeClipOf, picturePacketsAt } from "../worlds/ffmpegEncoder.ts"
import { makeMeasurements } from "../worlds/Measurements.ts"
import { isRoot, processesWith, temporaryFolder } from "../worlds/processes.ts"
import { missing, type RealMediaMtx, realMediaMtx } from "../worlds/realMediaMtx.ts"
import { API_SECRET, authAddress, prepareService, type RunningService } from "../worlds/runService.ts"

/** The user that workers run as when root starts the service: the default of `WORKER_USER`. */
const DEFAULT_WORKER_UID = 65527

const measurements = makeMeasurements()
const measure = (what: string, of: string, millis: number, promised: number | null = null) =>
  measurements.add({ what, of, millis, promised })

/** Polls every 10 ms; how long it took. */
const until = <A>(what: string, look: () => A | undefined | false | Promise<A | undefined | false>, millis = 30_000) =>
  Effect.promise(async () => {
    const began = performance.now()
    for (;;) {
      const found = await look()
      if (found !== undefined && found !== false) return { found, took: performance.now() - began }
      if (performance.now() - began > millis) throw new Error(`not after ${millis} ms: ${what}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  })

const userOf = (pid: number) => Number(execFileSync("ps", ["-o", "uid=", "-p", String(pid)], { encoding: "utf8" }))

/** As the documentation has it: it waits for a key frame, because FLV takes no frame without its time of decoding. */
const overRtmp = JSON.stringify(
  `ffmpeg -hide_banner -nostdin -loglevel error -rtsp_transport tcp -timeout 4000000
  -analyzeduration 10000000 -fpsprobesize 0 -i {input} -c copy -f flv {rtmp_output}`.split(/\s+/)
)

interface Worker {
  readonly state: string
  readonly reason: string | null
  readonly attempt: number
  readonly pid: number | null
  readonly input_stream_id: string | null
  readonly output_stream_id: string | null
}

interface Path {
  readonly name: string
  readonly tracks: ReadonlyArray<string>
  readonly available: boolean
  readonly availableTime: string | null
  readonly inboundBytes: number
  readonly source: { readonly type: string; readonly id: string } | null
}

/** A camera that MediaMTX pulls; its place is taken by a stream that a publisher sends to the same MediaMTX. */
const PULLED = "camera" as PipelineId
const ORIGIN = "cameras/origin"

const begin = Effect.fnUntraced(function* (environment: Readonly<Record<string, string>> = {}) {
  let mtx: RealMediaMtx | undefined
  const service: RunningService = yield* prepareService(() => ({
    MEDIAMTX_API_URL: mtx!.apiUrl,
    MEDIAMTX_RTSP_URL: `rtsp://127.0.0.1:${mtx!.ports.rtsp}`,
    MEDIAMTX_RTMP_URL: `rtmp://127.0.0.1:${mtx!.ports.rtmp}`,
    PUBLIC_RTMP_URL: `rtmp://127.0.0.1:${mtx!.ports.rtmp}`,
    PUBLIC_RTSP_URL: `rtsp://127.0.0.1:${mtx!.ports.rtsp}`,
    PUBLIC_WEBRTC_URL: `http://127.0.0.1:${mtx!.ports.webrtc}`,
    WORKERS: "on",
    ...environment
  }))
  const real = yield* realMediaMtx({
    authHttpAddress: authAddress(service.port),
    protocols: ["rtsp", "rtmp", "webrtc"],
    paths: ({ rtsp }) => ({
      [pipelinePath(PULLED, "in")]: `{ source: "rtsp://127.0.0.1:${rtsp}/${ORIGIN}", rtspTransport: tcp }`
    })
  })
  mtx = real
  yield* service.start
  const clip = yield* makeClip(yield* temporaryFolder, 30)
  const authorization = `Basic ${Buffer.from(`greenroom:${API_SECRET}`).toString("base64")}`
  const pathOf = async (name: string): Promise<Path | undefined> => {
    const answer = await fetch(`${real.apiUrl}/v3/paths/list?itemsPerPage=1000`, { headers: { authorization } })
    const { items } = (await answer.json()) as { readonly items: ReadonlyArray<Path> }
    return items.find((path) => path.name === name && path.available)
  }
  const worker = (id: string) =>
    Effect.runPromise(Effect.map(service.api.call<Worker>("GET", `/workers/${id}`), ({ body }) => body))
  const inState = (id: string, state: string) =>
    until(`the worker of ${id} is ${state}`, async () => (await worker(id)).state === state)

  const aKey = (id: string) =>
    Effect.gen(function* () {
      const { body: studio } = yield* service.api.call<{ readonly id: string }>("POST", "/broadcasters", {
        display_name: `Studio ${id}`
      })
      const order = { broadcaster_id: studio.id, path: `live/${id}/in` }
      return (yield* service.api.call<IssuedKey>("POST", "/stream-keys", order)).body
    })
  const encode = (key: IssuedKey, protocol: "rtsp" | "rtmp", what = clip) =>
    ffmpegEncoder(what, { protocol, url: key.ingest[protocol] } as never, protocol)

  return {
    service,
    real,
    worker,
    inState,
    aKey,
    encode,
    pathOf,
    onAir: (path: string) => until(`${path} is on the air`, () => pathOf(path)),
    offAir: (path: string) => until(`${path} is off the air`, async () => (await pathOf(path)) === undefined),
    /** ffmpeg processes that work on the pipeline of this media server, without their guards. */
    processes: (id: string) =>
      processesWith(`:${real.ports.rtsp}/live/${id}/out`).filter(({ command }) =>
        command.startsWith("ffmpeg -hide_banner -nostdin")
      ),
    /** When the log says that a worker of the pipeline started, the last time. */
    startedAt: (id: string) => {
      const starts = service
        .lines()
        .map((line) => line as unknown as { message: string; pipeline?: string; time: string })
        .filter((line) => line.message === "a worker starts" && line.pipeline === id)
      return Date.parse(starts.at(-1)!.time)
    }
  }
})

/** What a failed scene leaves to read: the end of both logs, without the calls of the API. */
const forcedStops = Effect.fnUntraced(function* ({ service, real }: Effect.Success<ReturnType<typeof begin>>) {
  const lines = service
    .printed()
    .split("\n")
    .filter((line) => !/"route":"\/workers/.test(line))
  console.log([...lines.slice(-60), (yield* real.log).slice(-4_000)].join("\n"))
})

const scene = (
  name: string,
  play: (stage: Effect.Success<ReturnType<typeof begin>>) => Effect.Effect<void, unknown, Scope.Scope>,
  environment: Readonly<Record<string, string>> = {}
) =>
  it.live(name, () =>
    Effect.gen(function* () {
      const stage = yield* begin(environment)
      yield* Effect.onError(play(stage), () => forcedStops(stage))
      const printed = stage.service.printed()
      for (const text of [printed, yield* stage.real.log]) assert.notMatch(text, /sk_[\w-]{20}/)
      assert.deepStrictEqual(stage.service.api.leaks(), [])
    })
  )

if (missing.length > 0) {
  console.warn(`Media workers: not run, no ${missing.join(" and no ")} in PATH`)
  describe("media workers", () => it.skip("on the real thing", () => {}))
} else {
  afterAll(() => console.log(`\n${measurements.table()}\n`))

  describe("media workers", () => {
    for (const protocol of ["rtsp", "rtmp"] as const) {
      scene(`carry a source over ${protocol} to its output, and go with it`, (stage) =>
        Effect.gen(function* () {
          for (const id of ["one", "two", "three"]) {
            const key = yield* stage.aKey(id)
            const encoder = yield* stage.encode(key, protocol)
            const input = yield* stage.onAir(`live/${id}/in`)
            const output = yield* stage.onAir(`live/${id}/out`)
            yield* stage.inState(id, "running")
            const began = Date.parse(input.found.availableTime!)
            const there = Date.parse(output.found.availableTime!)
            const started = stage.startedAt(id)
            measure("source ready → its worker starts", protocol, started - began, 1_000)
            measure("worker starts → output ready", protocol, there - started, 1_000)
            assert.strictEqual(stage.processes(id).length, 1)
            const user = userOf(stage.processes(id)[0]!.pid)
            assert.strictEqual(user, isRoot ? DEFAULT_WORKER_UID : process.getuid?.())
            assert.isAbove(yield* framesAt(`rtsp://127.0.0.1:${stage.real.ports.rtsp}/live/${id}/out`), 0)

            yield* encoder.kill
            const began2 = performance.now()
            yield* until("the worker's process has gone", () => stage.processes(id).length === 0)
            measure("source killed → its worker's process gone", protocol, performance.now() - began2, 5_000)
            yield* stage.inState(id, "stopped")
            measure("source killed → worker stopped", protocol, performance.now() - began2, 5_000)
            yield* stage.offAir(`live/${id}/out`)
          }
        })
      )
    }

    scene("carry a source that MediaMTX pulls by itself, and go with it", (stage) =>
      Effect.gen(function* () {
        const { body: studio } = yield* stage.service.api.call<{ readonly id: string }>("POST", "/broadcasters", {
          display_name: "Camera"
        })
        const order = { broadcaster_id: studio.id, path: ORIGIN }
        const { body: key } = yield* stage.service.api.call<IssuedKey>("POST", "/stream-keys", order)
        const encoder = yield* stage.encode(key, "rtmp")
        const input = yield* stage.onAir(pipelinePath(PULLED, "in"))
        assert.strictEqual(input.found.source?.type, "rtspSource")
        yield* stage.inState(PULLED, "running")
        yield* stage.onAir(pipelinePath(PULLED, "out"))
        const worker = yield* Effect.promise(() => stage.worker(PULLED))
        assert.strictEqual(worker.input_stream_id, null)
        const { body: output } = yield* stage.service.api.call<{
          readonly broadcaster: { readonly display_name: string }
        }>("GET", `/streams/${worker.output_stream_id}`)
        assert.strictEqual(output.broadcaster.display_name, "Media server")
        assert.isAbove(yield* framesAt(`rtsp://127.0.0.1:${stage.real.ports.rtsp}/live/${PULLED}/out`), 0)

        yield* encoder.kill
        yield* until("the worker's process has gone", () => stage.processes(PULLED).length === 0)
        yield* stage.offAir(pipelinePath(PULLED, "out"))
        yield* stage.encode(key, "rtmp")
        yield* stage.inState(PULLED, "running")
      })
    )

    scene(
      "carry a source to its output over RTMP when they are told to",
      (stage) =>
        Effect.gen(function* () {
          for (const id of ["one", "two"]) {
            const encoder = yield* stage.encode(yield* stage.aKey(id), "rtmp")
            yield* stage.onAir(`live/${id}/in`)
            const output = yield* stage.onAir(`live/${id}/out`)
            yield* stage.inState(id, "running")
            assert.strictEqual(output.found.source?.type, "rtmpConn")
            const there = Date.parse(output.found.availableTime!)
            measure("worker starts → RTMP output ready", "rtmp", there - stage.startedAt(id), 3_000)
            assert.isAbove(yield* framesAt(`rtsp://127.0.0.1:${stage.real.ports.rtsp}/live/${id}/out`), 0)
            assert.strictEqual((yield* Effect.promise(() => stage.worker(id))).attempt, 1)
            yield* encoder.kill
            yield* stage.inState(id, "stopped")
            yield* stage.offAir(`live/${id}/out`)
          }
        }),
      { WORKER_COMMAND: overRtmp }
    )

    scene("carry each codec, at the first attempt", (stage) =>
      Effect.gen(function* () {
        const folder = yield* temporaryFolder
        for (const kind of Object.keys(kinds) as Array<keyof typeof kinds>) {
          const id = kind.replaceAll(" ", "_")
          const encoder = yield* stage.encode(yield* stage.aKey(id), "rtsp", yield* makeClipOf(folder, kind))
          const input = yield* stage.onAir(`live/${id}/in`)
          yield* stage.inState(id, "running")
          const output = yield* stage.onAir(`live/${id}/out`)
          assert.deepStrictEqual(output.found.tracks, input.found.tracks, kind)
          const inbound = output.found.inboundBytes
          yield* until(`${kind} flows`, async () => {
            const now = await stage.pathOf(`live/${id}/out`)
            return now !== undefined && now.inboundBytes > inbound + 2_000
          })
          assert.strictEqual((yield* Effect.promise(() => stage.worker(id))).attempt, 1, kind)
          yield* encoder.kill
        }
      })
    )

    for (const protocol of ["rtsp", "rtmp"] as const) {
      scene(`leave reordered frames their times, from ${protocol}`, (stage) =>
        Effect.gen(function* () {
          const clip = yield* makeClipOf(yield* temporaryFolder, "H264 with B-frames and AAC")
          yield* stage.encode(yield* stage.aKey("x"), protocol, clip)
          yield* stage.inState("x", "running")
          const url = (direction: string) => `rtsp://127.0.0.1:${stage.real.ports.rtsp}/live/x/${direction}`
          const [input, output] = yield* Effect.all([picturePacketsAt(url("in"), 6), picturePacketsAt(url("out"), 6)], {
            concurrency: 2
          })
          const times = output.map(({ pts }) => pts)
          assert.isAbove(times.length, 90)
          assert.isAtLeast(
            new Set(times).size,
            times.length - 1,
            "no two pictures at one time, but for that of a guess"
          )
          assert.isTrue(
            times.some((pts, n) => n > 0 && pts < times[n - 1]!),
            "they are reordered"
          )
          const of = new Map(input.map((packet) => [packet.hash, packet]))
          const moved = output.flatMap(({ hash, pts }) => {
            const before = of.get(hash)
            return before === undefined ? [] : [pts - before.pts]
          })
          assert.isAbove(moved.length, 60)
          // Each reader moves its times once, when it learns the media server's clock, and guesses its first.
          const moves = moved.filter((millis, n) => n > 0 && Math.abs(millis - moved[n - 1]!) > 1.5)
          assert.isAtMost(moves.length, 4, moved.map(Math.round).join(" "))
        })
      )
    }

    if (browserBinary !== undefined) {
      scene("carry what a browser publishes, H264 or VP8, with Opus", (stage) =>
        Effect.gen(function* () {
          for (const codec of ["H264", "VP8"] as const) {
            const key = yield* stage.aKey(codec)
            const browser = yield* browserEncoder({ protocol: "webrtc", ...key.ingest.whip } as never, codec)
            yield* stage.onAir(`live/${codec}/in`)
            yield* stage.inState(codec, "running")
            const { found } = yield* stage.onAir(`live/${codec}/out`)
            assert.sameMembers([...found.tracks], ["Opus", codec])
            assert.isAbove(yield* framesAt(`rtsp://127.0.0.1:${stage.real.ports.rtsp}/live/${codec}/out`), 0)
            assert.strictEqual((yield* Effect.promise(() => stage.worker(codec))).attempt, 1)
            yield* browser.kill
          }
        })
      )
    }

    scene("that are killed are back; a key that is revoked takes source and output off the air", (stage) =>
      Effect.gen(function* () {
        const key = yield* stage.aKey("x")
        yield* stage.encode(key, "rtsp")
        yield* stage.inState("x", "running")
        const [first] = stage.processes("x")
        process.kill(first!.pid, "SIGKILL")
        const back = yield* until("another one publishes", async () => {
          const [now] = stage.processes("x")
          return now !== undefined && now.pid !== first!.pid && (await stage.worker("x")).state === "running"
        })
        measure("worker killed → the next one runs", "rtsp", back.took, 3_000)

        const began = performance.now()
        const { status } = yield* stage.service.api.call("DELETE", `/stream-keys/${key.id}`)
        assert.strictEqual(status, 204)
        yield* stage.offAir("live/x/in")
        yield* stage.offAir("live/x/out")
        measure("key revoked → source and output gone", "rtsp", performance.now() - began, 5_000)
        yield* until("the worker's process has gone", () => stage.processes("x").length === 0)
      })
    )

    scene("are one each after Greenroom was killed with five and started again, and none is left meanwhile", (stage) =>
      Effect.gen(function* () {
        const ids = ["s1", "s2", "s3", "s4", "s5"]
        const pids = () => ids.flatMap((id) => stage.processes(id).map(({ pid }) => pid))
        for (const id of ids) yield* stage.encode(yield* stage.aKey(id), "rtsp")
        for (const id of ids) yield* stage.inState(id, "running")
        for (let round = 0; round < 3; round++) {
          const former = pids()
          assert.strictEqual(former.length, 5)
          yield* stage.service.kill
          const gone = yield* until("no worker is left", () => pids().length === 0)
          measure("Greenroom killed → its five workers' processes gone", "rtsp", gone.took, 6_000)
          yield* stage.service.start
          const ready = performance.now()
          let most = 0
          yield* until("five publish", async () => {
            most = Math.max(most, ...ids.map((id) => stage.processes(id).length))
            const workers = await Promise.all(ids.map(stage.worker))
            // The rows of the killed instance say so, too, until the lease is this one's: the processes tell.
            return pids().length === 5 && workers.every(({ state, pid }) => state === "running" && pid !== null)
          })
          measure("Greenroom ready again → five workers run", "rtsp", performance.now() - ready)
          for (let look = 0; look < 10; look++) {
            most = Math.max(most, ...ids.map((id) => stage.processes(id).length))
            yield* Effect.sleep("200 millis")
          }
          assert.strictEqual(most, 1)
          assert.strictEqual(pids().length, 5)
          for (const pid of pids()) assert.notInclude(former, pid)
          yield* until("an output is listed", async () => {
            const listed = await Effect.runPromise(stage.service.api.streams("path=live/s3/out"))
            return listed.length === 1
          })
        }
      })
    )

    scene(
      "are one on the newest source when twenty encoders come for one key",
      (stage) =>
        Effect.gen(function* () {
          const key = yield* stage.aKey("x")
          let most = 0
          for (let encoder = 0; encoder < 20; encoder++) {
            yield* stage.encode(key, "rtsp")
            yield* Effect.sleep("250 millis")
            most = Math.max(most, stage.processes("x").length)
          }
          yield* stage.inState("x", "running")
          yield* Effect.sleep("2 seconds")
          most = Math.max(most, stage.processes("x").length)
          assert.strictEqual(most, 1)
          assert.strictEqual(stage.processes("x").length, 1)
          assert.strictEqual((yield* stage.service.api.streams("path=live/x/out")).length, 1)
        }),
      { ON_DUPLICATE_PUBLISH: "takeover" }
    )

    scene(
      "are five at once; a sixth waits, says so, and comes when one ends",
      (stage) =>
        Effect.gen(function* () {
          const ids = ["s1", "s2", "s3", "s4", "s5"]
          const encoders = yield* Effect.forEach(ids, (id) =>
            Effect.flatMap(stage.aKey(id), (key) => stage.encode(key, "rtmp"))
          )
          for (const id of ids) yield* stage.inState(id, "running")
          for (const id of ids) {
            const { found } = yield* stage.onAir(`live/${id}/out`)
            measure(
              "worker starts → output ready, five at once",
              "rtmp",
              Date.parse(found.availableTime!) - stage.startedAt(id),
              1_000
            )
          }
          yield* stage.encode(yield* stage.aKey("s6"), "rtsp")
          yield* stage.inState("s6", "idle")
          yield* until("it says why", async () => /MAX_WORKERS/.test((await stage.worker("s6")).reason ?? ""))
          yield* encoders[0]!.kill
          const { took } = yield* stage.inState("s6", "running")
          measure("a place is free → who waited runs", "rtsp", took)
        }),
      { MAX_WORKERS: "5" }
    )

    scene(
      "whose command does not work are tried four times and then given up, with what it said",
      (stage) =>
        Effect.gen(function* () {
          yield* stage.encode(yield* stage.aKey("x"), "rtsp")
          yield* stage.onAir("live/x/in")
          const { took } = yield* stage.inState("x", "failed")
          measure("first attempt → failed (1 + 2 + 4 s of waiting)", "rtsp", took, 10_000)
          const worker = yield* Effect.promise(() => stage.worker("x"))
          assert.strictEqual(worker.attempt, 4)
          assert.match(worker.reason!, /404 Not Found/)
          assert.strictEqual((yield* stage.service.api.streams("path=live/x/in")).length, 1)
        }),
      {
        WORKER_COMMAND: JSON.stringify([
          "sh",
          "-c",
          // Another path than the input's, whose URL has a query.
          'input=$(echo "$1" | cut -d "?" -f 1); exec ffmpeg -loglevel error -rtsp_transport tcp -i "$input-not-there" -c copy -f rtsp "$2"',
          "sh",
          "{input}",
          "{output}"
        ])
      }
    )
  })
}
