/** The example scripts at work: each publishes, plays or passes through on a real MediaMTX that lets in who has the key. */
import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it, layer } from "@effect/vitest"
import { Context, Effect, Layer, Schedule } from "effect"
import { authServer } from "../worlds/authServer.ts"
import { missing, type RealMediaMtx, realMediaMtx } from "../worlds/realMediaMtx.ts"

const key = `sk_${"e".repeat(43)}`
const examples = fileURLToPath(new URL("../../examples/streams/", import.meta.url))
const has = (command: string) => spawnSync(command, ["--version"], { stdio: "ignore" }).error === undefined
const element = (name: string) => spawnSync("gst-inspect-1.0", ["--exists", name], { stdio: "ignore" }).status === 0
const gstreamer = ["rtspclientsink", "rtmp2sink", "h264parse", "aacparse", "voaacenc", "x264enc"].every(element)

class Studio extends Context.Service<Studio, { readonly mtx: RealMediaMtx; readonly keyFile: string }>()("Studio") {
  static readonly layer = Layer.effect(
    Studio,
    Effect.gen(function* () {
      const auth = yield* authServer((question) =>
        Effect.succeed(question.action !== "publish" || question.password === key)
      )
      const folder = yield* Effect.acquireRelease(
        Effect.promise(() => mkdtemp(path.join(tmpdir(), "greenroom-examples-"))),
        (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
      )
      const keyFile = path.join(folder, "key")
      yield* Effect.promise(() => writeFile(keyFile, `${key}\n`, { mode: 0o600 }))
      return Studio.of({ mtx: yield* realMediaMtx({ authHttpAddress: auth.address }), keyFile })
    })
  )
}

/** Runs a script until the scope closes. */
const running = Effect.fnUntraced(function* (script: string, ...args: ReadonlyArray<string>) {
  const { keyFile } = yield* Studio
  return yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(`${examples}${script}`, args, {
        stdio: "ignore",
        detached: true,
        env: {
          ...process.env,
          STREAM_KEY_FILE: keyFile,
          VIDEO_SINK: "fakesink",
          AUDIO_SINK: "fakesink",
          SDL_VIDEODRIVER: "dummy",
          SDL_AUDIODRIVER: "dummy",
          SDL_RENDER_DRIVER: "software"
        }
      })
    ),
    (child) =>
      Effect.promise(async () => {
        if (child.exitCode !== null || child.signalCode !== null) return
        const ended = new Promise((resolve) => child.once("exit", resolve))
        process.kill(-child.pid!, "SIGKILL")
        await ended
      })
  )
})

const exitOf = (child: ChildProcess) =>
  Effect.promise(
    () =>
      new Promise<number | null>((resolve) => {
        if (child.exitCode !== null) resolve(child.exitCode)
        else child.once("exit", resolve)
      })
  )

const probe = (url: string) =>
  Effect.tryPromise(
    () =>
      new Promise<ReadonlyArray<string>>((resolve, reject) =>
        execFile(
          "ffprobe",
          ["-v", "error", "-rtsp_transport", "tcp", "-show_entries", "stream=codec_name", "-of", "csv=p=0", url],
          { timeout: 15_000 },
          (error, stdout) => (error === null ? resolve(stdout.trim().split("\n").sort()) : reject(error))
        )
      )
  )

/** The codecs that a player finds at a path, as soon as there are any. */
const codecsAt = Effect.fnUntraced(function* (at: string) {
  const { mtx } = yield* Studio
  return yield* probe(`rtsp://127.0.0.1:${mtx.ports.rtsp}/${at}`).pipe(
    Effect.retry(Schedule.spaced("300 millis")),
    Effect.timeout("60 seconds")
  )
})

const urls = Effect.map(Studio, ({ mtx: { ports } }) => ({
  rtmp: `rtmp://127.0.0.1:${ports.rtmp}`,
  rtsp: `rtsp://127.0.0.1:${ports.rtsp}`,
  srt: `srt://127.0.0.1:${ports.srt}`
}))

const cases = {
  ffmpeg: { publish: ["rtmp", "rtsp", "srt"], player: "play-ffplay.sh" },
  gst: { publish: ["rtmp", "rtsp"], player: "play-gst.sh" }
} as const

const absent = { ffmpeg: has("ffplay") ? [] : ["ffplay"], gst: gstreamer ? [] : ["GStreamer with its plugins"] }

if (missing.length > 0) {
  console.warn(`The examples: not run, no ${missing.join(" and no ")} in PATH`)
  describe("the examples", () => it.skip("at work", () => {}))
} else {
  layer(Studio.layer, { excludeTestServices: true, timeout: "2 minutes" })("the examples at work", (it) => {
    for (const tool of ["ffmpeg", "gst"] as const) {
      const { publish, player } = cases[tool]
      if (absent[tool].length > 0) {
        console.warn(`The examples with ${tool}: not run, no ${absent[tool].join(" and no ")}`)
        it.effect.skip(`with ${tool}`, () => Effect.void)
        continue
      }
      for (const protocol of publish) {
        it.effect(`publish-${tool}.sh over ${protocol}: H.264 and AAC, with the key from its file`, () =>
          Effect.gen(function* () {
            const at = `live/${tool}-${protocol}/in`
            yield* running(`publish-${tool}.sh`, `${(yield* urls)[protocol]}/${at}`)
            const codecs = yield* codecsAt(at)
            assert.deepStrictEqual(
              [...codecs].map((codec) => codec.replace("aac_latm", "aac")),
              ["aac", "h264"]
            )
          })
        )
      }

      it.effect(`publish-${tool}.sh ends by itself after the seconds that it was given`, () =>
        Effect.gen(function* () {
          const child = yield* running(`publish-${tool}.sh`, `${(yield* urls).rtsp}/live/${tool}-short/in`, "2")
          assert.strictEqual(yield* exitOf(child), 0)
        })
      )

      for (const protocol of ["rtsp", "rtmp"] as const) {
        it.effect(`passthrough-${tool}.sh: what it reads over RTSP it publishes over ${protocol}`, () =>
          Effect.gen(function* () {
            const { rtsp, [protocol]: output } = yield* urls
            const at = `live/${tool}-through-${protocol}`
            yield* running("publish-ffmpeg.sh", `${rtsp}/${at}/in`)
            yield* codecsAt(`${at}/in`)
            yield* running(`passthrough-${tool}.sh`, `${rtsp}/${at}/in`, `${output}/${at}/out`)
            const codecs = yield* codecsAt(`${at}/out`)
            assert.deepStrictEqual(
              [...codecs].map((codec) => codec.replace("aac_latm", "aac")),
              ["aac", "h264"]
            )
          })
        )
      }

      it.effect(`${player} reads for as long as it was told, and then ends`, () =>
        Effect.gen(function* () {
          const { mtx } = yield* Studio
          const at = `live/${tool}-played/in`
          const { rtsp } = yield* urls
          yield* running("publish-ffmpeg.sh", `${rtsp}/${at}`)
          yield* codecsAt(at)
          const child = yield* running(player, `${rtsp}/${at}`, "4")
          assert.strictEqual(yield* exitOf(child), 0)
          assert.isAtLeast((yield* mtx.log).split(`is reading from path '${at}'`).length - 1, 2)
        })
      )
    }
  })
}
