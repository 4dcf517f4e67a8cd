/** ffmpeg that publishes a file over and over as it was encoded, with signals as a machine or a network would send them. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { ffmpegBinary } from "../../worlds/realMediaMtx.ts"

const formats = { rtmp: ["-f", "flv"], rtsp: ["-f", "rtsp", "-rtsp_transport", "tcp"] } as const
const running = new Set<() => Promise<void>>()

export const encode = (clip: string, protocol: keyof typeof formats, url: string) => {
  const input = ["-hide_banner", "-loglevel", "error", "-re", "-stream_loop", "-1", "-i", clip, "-c", "copy"]
  const child = spawn(ffmpegBinary ?? "ffmpeg", [...input, ...formats[protocol], url], { stdio: "ignore" })
  const ended = once(child, "exit")
  const kill = async () => {
    child.kill("SIGKILL")
    await ended
    running.delete(kill)
  }
  running.add(kill)
  return { kill, freeze: () => child.kill("SIGSTOP") }
}

export const killAll = () => Promise.all([...running].map((kill) => kill()))
