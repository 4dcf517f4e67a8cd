/**
 * A real MediaMTX, of any version from 1.9 on, on free ports of 127.0.0.1, and ffmpeg publishers for it. Processes and the folder of the configuration go with
 * their scope. The binary is `MEDIAMTX_BIN`, else `mediamtx` in `PATH`; `missing` says what is not there.
 */
import { type ChildProcess, spawn } from "node:child_process"
import * as Dgram from "node:dgram"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import * as Net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Protocol, ViewerProtocol } from "@greenroom/core"
import { type Credentials, isAtLeast, type Version } from "@greenroom/mediamtx-simulator"
import { Effect, type Scope } from "effect"
import { type MediaMtxProcess, startProcess } from "./mediaMtxProcess.ts"
import { binaryAt, ffmpegBinary, mediaMtxBinary, missingFor, type RealBinary } from "./realBinaries.ts"

export { ffmpegBinary, mediaMtxBinary } from "./realBinaries.ts"

/** Empty when tests against the real one can run. */
export const missing: ReadonlyArray<string> = missingFor("mediamtx", "ffmpeg")

const freeTcpPort = Effect.callback<number>((resume) => {
  const server = Net.createServer()
  server.listen(0, "127.0.0.1", () => {
    const { port } = server.address() as Net.AddressInfo
    server.close(() => resume(Effect.succeed(port)))
  })
})

const freeUdpPort = Effect.callback<number>((resume) => {
  const socket = Dgram.createSocket("udp4")
  socket.bind(0, "127.0.0.1", () => {
    const { port } = socket.address()
    socket.close(() => resume(Effect.succeed(port)))
  })
})

const end = (child: ChildProcess, signal: NodeJS.Signals): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
    child.once("exit", () => resume(Effect.void))
    child.kill(signal)
  })

const endProcess = ({ child, signal }: MediaMtxProcess, name: NodeJS.Signals): Effect.Effect<void> =>
  child.exitCode !== null || child.signalCode !== null
    ? Effect.void
    : Effect.andThen(
        signal(name),
        Effect.callback<void>((resume) => {
          if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
          child.once("exit", () => resume(Effect.void))
        })
      )

type Served = "rtsp" | "rtmp" | "srt" | "hls" | "webrtc"

export interface RealMediaMtxOptions {
  /** `mediaMtxBinary` by default. */
  readonly binary?: RealBinary
  readonly authHttpAddress: string
  /** MoQ over HTTP/3 on this free port, on versions that have it. */
  readonly moqPort?: number
  /** RTSP, RTMP and SRT unless told. */
  readonly protocols?: ReadonlyArray<Served>
  /** Free ones unless told. */
  readonly ports?: { readonly [P in Served | "api"]: number }
  /** Configurations of paths, by name, in YAML's flow style; whoever publishes may do so on all others. */
  readonly paths?: (ports: { readonly [P in Served]: number }) => Readonly<Record<string, string>>
  /** More lines of the configuration, of its top level, such as `readTimeout: 10s`. */
  readonly lines?: ReadonlyArray<string>
}

export interface RealMediaMtx {
  readonly version: Version
  readonly apiUrl: string
  readonly ports: { readonly [P in Served]: number }
  readonly start: Effect.Effect<void>
  /** As an operator stops it, or with SIGKILL. */
  readonly stop: (signal?: NodeJS.Signals) => Effect.Effect<void>
  readonly freeze: Effect.Effect<void>
  readonly thaw: Effect.Effect<void>
  /** What it wrote, all starts together. */
  readonly log: Effect.Effect<string>
}

/** Names and fields that are not the same in every version: an unknown one ends the start. */
const settingsOf = (version: Version, moqPort: number | undefined): ReadonlyArray<string> => {
  const transports = isAtLeast(version, "1.11.0") ? "rtspTransports" : "protocols"
  const names = isAtLeast(version, "1.19.1")
    ? ["moqHTTP2Address", "moqHTTP3Address"]
    : ["moqHTTPS2Address", "moqHTTPS3Address"]
  const quic = isAtLeast(version, "1.20.0") ? ["moqQUICAddress: 127.0.0.1:0"] : []
  const addresses = moqPort === undefined ? [] : [...names.map((name) => `${name}: 127.0.0.1:${moqPort}`), ...quic]
  const moq = isAtLeast(version, "1.19.0") ? [`moq: ${moqPort !== undefined}`, ...addresses] : []
  return [`${transports}: [tcp]`, ...moq]
}

/** What it writes when its control API answers: `listener opened` up to 1.17. The API is the last to start. */
const listening = /\[API\] (started|listener opened)/

export const realMediaMtx = Effect.fnUntraced(function* (
  options: RealMediaMtxOptions
): Effect.fn.Return<RealMediaMtx, never, Scope.Scope> {
  const binary = options.binary ?? (mediaMtxBinary === undefined ? undefined : binaryAt(mediaMtxBinary))
  if (binary === undefined) return yield* Effect.die(new Error("no mediamtx"))
  const folder = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "greenroom-mediamtx-"))),
    (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
  )
  const { api, ...ports } = options.ports ?? {
    api: yield* freeTcpPort,
    rtsp: yield* freeTcpPort,
    rtmp: yield* freeTcpPort,
    hls: yield* freeTcpPort,
    webrtc: yield* freeTcpPort,
    srt: yield* freeUdpPort
  }
  const udp = yield* freeUdpPort
  const on = new Set<Served>(options.protocols ?? ["rtsp", "rtmp", "srt"])
  const configuration = [
    "logLevel: info",
    "logDestinations: [stdout]",
    "readTimeout: 4s",
    "authMethod: http",
    `authHTTPAddress: ${options.authHttpAddress}`,
    "authHTTPExclude: []",
    "api: true",
    `apiAddress: 127.0.0.1:${api}`,
    ...(["rtsp", "rtmp", "hls", "webrtc", "srt"] as const).flatMap((name) => [
      `${name}: ${on.has(name)}`,
      `${name}Address: 127.0.0.1:${ports[name]}`
    ]),
    `webrtcLocalUDPAddress: 127.0.0.1:${udp}`,
    ...settingsOf(binary.version, options.moqPort),
    ...(options.lines ?? []),
    "paths:",
    ...Object.entries(options.paths?.(ports) ?? {}).map(([name, configuration]) => `  ${name}: ${configuration}`),
    "  all_others: {}",
    ""
  ].join("\n")
  const file = join(folder, "mediamtx.yml")
  yield* Effect.promise(() => writeFile(file, configuration))

  let running: MediaMtxProcess | undefined
  let log = ""

  const start = Effect.callback<void>((resume) => {
    const from = log.length
    running = startProcess(binary, file, folder)
    const started = running.child
    const read = (chunk: Buffer) => {
      log += chunk.toString()
      if (listening.test(log.slice(from))) resume(Effect.void)
    }
    started.stdout?.on("data", read)
    started.stderr?.on("data", read)
    const fail = (cause?: unknown) =>
      resume(Effect.die(new Error(`MediaMTX did not start:\n${log.slice(from)}`, { cause })))
    started.once("exit", () => fail())
    started.once("error", fail)
  })

  const signal = (name: NodeJS.Signals) => Effect.suspend(() => running?.signal(name) ?? Effect.void)
  const stop = (name: NodeJS.Signals = "SIGTERM") =>
    Effect.suspend(() => (running === undefined ? Effect.void : endProcess(running, name)))

  yield* Effect.addFinalizer(() => stop("SIGKILL"))
  yield* start
  return {
    version: binary.version,
    apiUrl: `http://127.0.0.1:${api}`,
    ports,
    start,
    stop,
    freeze: signal("SIGSTOP"),
    thaw: signal("SIGCONT"),
    log: Effect.sync(() => log)
  }
})

export interface FfmpegPublisher {
  readonly drop: Effect.Effect<void>
  readonly kill: Effect.Effect<void>
  readonly freeze: Effect.Effect<void>
  readonly thaw: Effect.Effect<void>
  /** Until its process has ended. */
  readonly ended: Effect.Effect<void>
  readonly log: Effect.Effect<string>
}

export type Publishable = Extract<Protocol, "rtmp" | "rtsp" | "srt">

const target = (mtx: Pick<RealMediaMtx, "ports">, protocol: Publishable, path: string, key: string) => {
  const { rtmp, rtsp, srt } = mtx.ports
  switch (protocol) {
    case "rtmp":
      return ["-f", "flv", `rtmp://127.0.0.1:${rtmp}/${path}?user=any&pass=${key}`]
    case "rtsp":
      return ["-f", "rtsp", "-rtsp_transport", "tcp", `rtsp://any:${key}@127.0.0.1:${rtsp}/${path}`]
    case "srt":
      return ["-f", "mpegts", `srt://127.0.0.1:${srt}?streamid=publish:${path}:any:${key}&pkt_size=1316`]
  }
}

const source =
  "-hide_banner -loglevel error -re -f lavfi -i testsrc=size=160x90:rate=10 -c:v libx264 -preset ultrafast -tune zerolatency -g 10"

const runFfmpeg = Effect.fnUntraced(function* (args: ReadonlyArray<string>) {
  let log = ""
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const started = spawn(ffmpegBinary ?? "ffmpeg", args, { stdio: ["ignore", "ignore", "pipe"] })
      started.stderr.on("data", (chunk: Buffer) => {
        log += chunk.toString()
      })
      return started
    }),
    (started) => end(started, "SIGKILL")
  )
  const signal = (name: NodeJS.Signals) =>
    Effect.sync(() => {
      child.kill(name)
    })
  const ffmpeg: FfmpegPublisher = {
    drop: signal("SIGINT"),
    kill: signal("SIGKILL"),
    freeze: signal("SIGSTOP"),
    thaw: signal("SIGCONT"),
    ended: Effect.callback<void>((resume) => {
      if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
      child.once("exit", () => resume(Effect.void))
    }),
    log: Effect.sync(() => log)
  }
  return ffmpeg
})

/** An ffmpeg that publishes a small H264 picture until its scope closes. */
export const ffmpegPublisher = (
  mtx: Pick<RealMediaMtx, "ports">,
  { protocol, path, key }: { readonly protocol: Publishable; readonly path: string; readonly key: string }
): Effect.Effect<FfmpegPublisher, never, Scope.Scope> =>
  runFfmpeg([...source.split(" "), ...target(mtx, protocol, path, key)])

export type Playable = Exclude<ViewerProtocol, "rtmps" | "rtsps" | "webrtc" | "moq">

export interface FfmpegPlayerOptions extends Credentials {
  readonly protocol: Playable
  readonly path: string
}

const playedFrom = (mtx: Pick<RealMediaMtx, "ports">, options: FfmpegPlayerOptions): ReadonlyArray<string> => {
  const { protocol, path, user = "", password, token, query } = options
  const { rtmp, rtsp, srt, hls } = mtx.ports
  const pair = password === undefined ? "" : `${user}:${password}@`
  const bearer = token === undefined ? [] : ["-headers", `Authorization: Bearer ${token}\r\n`]
  const inUrl = query === undefined ? "" : `?${query}`
  switch (protocol) {
    case "rtmp":
      return ["-i", `rtmp://127.0.0.1:${rtmp}/${path}${inUrl}`]
    case "rtsp":
      return ["-rtsp_transport", "tcp", "-i", `rtsp://${pair}127.0.0.1:${rtsp}/${path}${inUrl}`]
    case "srt":
      return [
        "-i",
        `srt://127.0.0.1:${srt}?streamid=read:${path}${password === undefined ? "" : `:${user}:${password}`}`
      ]
    case "hls":
      return [...bearer, "-i", `http://${pair}127.0.0.1:${hls}/${path}/index.m3u8${inUrl}`]
  }
}

/** An ffmpeg that plays a path, and throws away what it gets, until its scope closes. */
export const ffmpegPlayer = (
  mtx: Pick<RealMediaMtx, "ports">,
  options: FfmpegPlayerOptions
): Effect.Effect<FfmpegPublisher, never, Scope.Scope> =>
  runFfmpeg(["-hide_banner", "-loglevel", "error", ...playedFrom(mtx, options), "-c", "copy", "-f", "null", "-"])
