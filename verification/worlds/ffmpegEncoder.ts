/**
 * ffmpeg as an encoder and ffprobe as a player. The picture is encoded once, into a file, so that twenty publishers are no
 * work for the machine.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process"
import * as path from "node:path"
import { promisify } from "node:util"
import { Effect } from "effect"
import { ffmpegBinary } from "./realMediaMtx.ts"
import type { Target } from "./Target.ts"
import type { Encoder } from "./TestDeployment.ts"

const run = promisify(execFile)
const quiet = ["-hide_banner", "-loglevel", "error"]
const CLIP_SECONDS = 60
const SHOWN_MAX = 4_000

/** A key frame a second; H264 and AAC with global headers, which RTSP needs: Matroska has them, MPEG-TS has not. */
export const makeClip = (folder: string, rate = 10, soundRate = "32k") =>
  Effect.promise(async () => {
    const clip = path.join(folder, `clip-${soundRate}.mkv`)
    const picture = ["-f", "lavfi", "-i", `testsrc2=size=160x90:rate=${rate}`]
    const sound = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100"]
    const video = [
      "-c:v",
      "libx264",
      "-preset",
      "ultrafast",
      "-tune",
      "zerolatency",
      "-g",
      String(rate),
      "-pix_fmt",
      "yuv420p"
    ]
    const audio = ["-c:a", "aac", "-b:a", soundRate, "-flags", "+global_header"]
    await run(ffmpegBinary ?? "ffmpeg", [
      ...quiet,
      ...picture,
      ...sound,
      "-t",
      String(CLIP_SECONDS),
      ...video,
      ...audio,
      clip
    ])
    return clip
  })

/** What encoders send besides H264 without reordered frames: one clip of each. */
export const kinds = {
  "H264 with B-frames and AAC": ["-c:v libx264 -preset veryfast -bf 2 -g 30 -pix_fmt yuv420p", "-c:a aac"],
  H265: ["-c:v libx265 -preset ultrafast -x265-params log-level=none -g 30 -pix_fmt yuv420p", "-an"],
  "H264 alone": ["-c:v libx264 -preset ultrafast -tune zerolatency -g 30 -pix_fmt yuv420p", "-an"],
  "AAC alone": ["-vn", "-c:a aac"],
  "Opus alone": ["-vn", "-c:a libopus"]
} as const

export const makeClipOf = (folder: string, kind: keyof typeof kinds) =>
  Effect.promise(async () => {
    const clip = path.join(folder, `${kind.replaceAll(" ", "-")}.mkv`)
    const picture = ["-f", "lavfi", "-i", "testsrc2=size=160x90:rate=30"]
    const sound = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"]
    const codecs = [...kinds[kind].flatMap((part) => part.split(" ")), "-flags", "+global_header"]
    await run(ffmpegBinary ?? "ffmpeg", [...quiet, ...picture, ...sound, "-t", "30", ...codecs, clip])
    return clip
  })

/** A packet of a picture as a player gets it, told by its contents. */
export interface PicturePacket {
  readonly hash: string
  /** In milliseconds. */
  readonly pts: number
}

/** The packets of the picture that ffprobe reads there over RTSP within so many seconds. */
export const picturePacketsAt = (url: string, seconds: number) =>
  Effect.promise(async (): Promise<ReadonlyArray<PicturePacket>> => {
    const shown = ["-show_packets", "-show_data_hash", "md5", "-show_entries", "packet=pts_time,data_hash"]
    const what = ["-select_streams", "v", "-read_intervals", `%+${seconds}`, ...shown, "-of", "json"]
    const { stdout } = await run("ffprobe", ["-v", "error", "-rtsp_transport", "tcp", ...what, url], {
      timeout: 60_000,
      killSignal: "SIGKILL",
      maxBuffer: 16 * 1024 * 1024
    })
    const { packets } = JSON.parse(stdout) as { packets: ReadonlyArray<Record<string, string>> }
    return packets.flatMap(({ pts_time, data_hash }) =>
      pts_time === undefined || data_hash === undefined ? [] : [{ hash: data_hash, pts: Number(pts_time) * 1_000 }]
    )
  })

const outputs = {
  rtmp: ["-f", "flv"],
  rtsp: ["-f", "rtsp", "-rtsp_transport", "tcp"],
  srt: ["-f", "mpegts"]
} as const

const isOver = (child: ChildProcess) => child.exitCode !== null || child.signalCode !== null

export const ffmpegEncoder = Effect.fnUntraced(function* (
  clip: string,
  { url }: Target,
  protocol: keyof typeof outputs
) {
  const input = ["-re", "-stream_loop", "-1", "-i", clip, "-c", "copy"]
  let shown = ""
  const start = Effect.sync(() => {
    const args = [...quiet, ...input, ...outputs[protocol], url]
    const child = spawn(ffmpegBinary ?? "ffmpeg", args, { stdio: ["ignore", "ignore", "pipe"] })
    child.stderr.on("data", (chunk: Buffer) => {
      shown = (shown + chunk.toString()).slice(-SHOWN_MAX)
    })
    return child
  })
  const exited = (child: ChildProcess) =>
    Effect.callback<void>((resume) => {
      if (isOver(child)) return resume(Effect.void)
      child.once("exit", () => resume(Effect.void))
    })
  const end = (child: ChildProcess, signal: NodeJS.Signals) =>
    Effect.suspend(() => {
      child.kill(signal)
      return exited(child)
    })
  const child = yield* Effect.acquireRelease(start, (child) => end(child, "SIGKILL"))
  const encoder: Encoder = {
    protocol,
    ended: exited(child),
    hasEnded: () => isOver(child),
    kill: end(child, "SIGKILL"),
    stop: end(child, "SIGINT"),
    shown: () => shown
  }
  return encoder
})

/** Video frames that ffprobe reads there; 0 when it reads none in time. */
export const framesAt = (url: string) =>
  Effect.promise(async () => {
    const transport = /^rtsps?:/.test(url) ? ["-rtsp_transport", "tcp"] : []
    const analysis = ["-analyzeduration", "1000000", "-select_streams", "v", "-read_intervals", "%+#30"]
    const shown = ["-show_entries", "frame=media_type", "-of", "csv=p=0"]
    const { stdout } = await run("ffprobe", ["-v", "error", ...transport, ...analysis, ...shown, url], {
      timeout: 30_000,
      killSignal: "SIGKILL"
    }).catch(() => ({ stdout: "" }))
    return stdout.split("\n").filter((line) => line.startsWith("video")).length
  })
