/**
 * The scenarios' deployments with a real MediaMTX, a real PostgreSQL and real encoders: the service with a MediaMTX that it starts and
 * supervises itself, the service in front of somebody else's, and in front of one that asks somebody else.
 */
import * as Net from "node:net"
import * as path from "node:path"
import { Effect, Layer } from "effect"
import { authServer } from "./authServer.ts"
import { browserEncoder } from "./browserEncoder.ts"
import { type Encryption, encryption } from "./encryption.ts"
import { ffmpegEncoder, framesAt, makeClip } from "./ffmpegEncoder.ts"
import { makeMeasurements } from "./Measurements.ts"
import { moqEncoder } from "./moqEncoder.ts"
import { freePorts, processes, temporaryFolder } from "./processes.ts"
import type { RealBinary } from "./realBinaries.ts"
import { mediaMtxBinary, type RealMediaMtx, realMediaMtx } from "./realMediaMtx.ts"
import { API_SECRET, authAddress, prepareService, type RunningService } from "./runService.ts"
import { type MediaServerControls, TestDeployment } from "./TestDeployment.ts"

/** All deployments measure into one table. */
export const measurements = makeMeasurements()

export const until = (what: string, condition: () => boolean | Promise<boolean>) =>
  Effect.promise(async () => {
    const deadline = performance.now() + 60_000
    while (!(await condition())) {
      if (performance.now() > deadline) throw new Error(`not after a minute: ${what}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  })

export const listens = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = Net.connect(port, "127.0.0.1")
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false))
    socket.once("connect", () => socket.destroy())
  })

export const mediaServerAnswers = ({ api }: RunningService) =>
  until("the media server answers", async () => {
    const { body } = await Effect.runPromise(api.call<{ readonly media_server?: string } | null>("GET", "/health"))
    return body?.media_server === "ok"
  })

export const deployment = Effect.fnUntraced(function* (
  service: RunningService,
  mediaServer: MediaServerControls,
  asked: ReadonlyArray<RunningService> = [service]
) {
  const clip = yield* makeClip(yield* temporaryFolder)
  const encode: TestDeployment["Service"]["encode"] = (target) => {
    const { protocol } = target
    if (protocol === "webrtc") return browserEncoder(target)
    return protocol === "moq" ? moqEncoder(target) : ffmpegEncoder(clip, target, protocol)
  }
  return TestDeployment.of({
    service,
    asked,
    encode,
    encodeSlowly: encode,
    stranger: encode,
    framesAt,
    mediaServer,
    measure: measurements.add,
    slack: 20
  })
})

/** The one process that runs this binary on this configuration as a descendant of the service: never somebody else's. */
const ownChild = (service: RunningService, configuration: string): number | undefined => {
  const all = processes()
  const parentOf = new Map(all.map(({ pid, parent }) => [pid, parent]))
  const descends = (pid: number): boolean => {
    const parent = parentOf.get(pid)
    return parent !== undefined && (parent === service.pid() || descends(parent))
  }
  const command = `${mediaMtxBinary} ${configuration}`
  return all.find((listed) => listed.command === command && descends(listed.pid))?.pid
}

/** `npm start`: the service brings its own PostgreSQL and its own MediaMTX, and starts that again when it dies. */
export const embedded = Layer.effect(
  TestDeployment,
  Effect.gen(function* () {
    const names = ["api", "rtmp", "rtsp", "srt", "hls", "webrtc", "webrtcUdp"]
    const ports = yield* Effect.promise(() => freePorts(names.length))
    const service = yield* prepareService(() => ({
      MEDIAMTX_BIN: mediaMtxBinary!,
      MEDIAMTX_PORTS: names.map((name, index) => `${name}=${ports[index]}`).join(",")
    }))
    yield* service.start
    yield* mediaServerAnswers(service)
    const configuration = path.join(service.directory, "mediamtx", "mediamtx.json")
    const signal = (name: NodeJS.Signals) =>
      Effect.sync(() => {
        const pid = ownChild(service, configuration)
        if (pid === undefined) throw new Error("the service runs no media server")
        process.kill(pid, name)
        return pid
      })
    const end = (name: NodeJS.Signals) =>
      Effect.flatMap(signal(name), (pid) =>
        until("the media server is dead", () => processes().every((listed) => listed.pid !== pid))
      )
    return yield* deployment(service, {
      kill: end("SIGKILL"),
      stop: end("SIGTERM"),
      start: Effect.void,
      back: until("the media server takes publishers", () => listens(ports[1]!)),
      freeze: Effect.asVoid(signal("SIGSTOP")),
      thaw: Effect.asVoid(signal("SIGCONT"))
    })
  })
)

export const publicUrls = ({ ports }: RealMediaMtx) => ({
  PUBLIC_HLS_URL: `http://127.0.0.1:${ports.hls}`,
  PUBLIC_WEBRTC_URL: `http://127.0.0.1:${ports.webrtc}`,
  PUBLIC_RTMP_URL: `rtmp://127.0.0.1:${ports.rtmp}`,
  PUBLIC_RTSP_URL: `rtsp://127.0.0.1:${ports.rtsp}`,
  PUBLIC_SRT_URL: `srt://127.0.0.1:${ports.srt}`
})

export interface MediaServerOptions {
  readonly tls?: Pick<Encryption, "lines" | "urls">
  readonly binary?: RealBinary
  readonly moqPort?: number
}

/** A deployment, and the media server in it. */
export const inFrontOf = Effect.fnUntraced(function* (
  authHttpAddress: (port: number) => string,
  { tls = { lines: [], urls: {} }, ...options }: MediaServerOptions = {}
) {
  let mtx: RealMediaMtx | undefined
  const service = yield* prepareService(() => ({ MEDIAMTX_API_URL: mtx!.apiUrl, ...publicUrls(mtx!), ...tls.urls }))
  const made = yield* realMediaMtx({
    authHttpAddress: authHttpAddress(service.port),
    protocols: ["rtsp", "rtmp", "srt", "hls", "webrtc"],
    lines: tls.lines,
    ...options
  })
  mtx = made
  yield* service.start
  yield* mediaServerAnswers(service)
  const own = yield* deployment(service, {
    kill: made.stop("SIGKILL"),
    stop: made.stop("SIGTERM"),
    start: made.start,
    back: until("the media server takes publishers", () => listens(made.ports.rtmp)),
    freeze: made.freeze,
    thaw: made.thaw
  })
  return { deployment: own, mtx: made }
})

const deploymentOf = <E, R>(made: Effect.Effect<{ readonly deployment: TestDeployment["Service"] }, E, R>) =>
  Layer.effect(
    TestDeployment,
    Effect.map(made, ({ deployment }) => deployment)
  )

/** A MediaMTX of its own life, which outlives a Greenroom that is killed. */
export const foreign = deploymentOf(inFrontOf(authAddress))

/** The same, where RTMP and RTSP are spoken over TLS alone. */
export const foreignEncrypted = deploymentOf(
  Effect.flatMap(encryption("strict"), (tls) => inFrontOf(authAddress, { tls }))
)

export const asksNobody = Effect.fnUntraced(function* (options: MediaServerOptions = {}) {
  const lenient = yield* authServer(({ action, password }) =>
    Effect.succeed(action !== "api" || password === API_SECRET)
  )
  return yield* inFrontOf(() => lenient.address, options)
})

/** A MediaMTX that lets every publisher in and asks Greenroom about nobody. */
export const open = deploymentOf(asksNobody())

/** The same, where RTMP and RTSP are spoken over TLS as well. */
export const openEncrypted = deploymentOf(Effect.flatMap(encryption("optional"), (tls) => asksNobody({ tls })))
