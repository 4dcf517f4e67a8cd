/**
 * The scenarios' deployment without MediaMTX and ffmpeg: the service in a process of its own, over its own PostgreSQL, in front of a
 * simulated MediaMTX in this one. An encoder reads its address as ffmpeg and MediaMTX together would.
 */
import { SimulatorHttp } from "@greenroom/mediamtx-simulator/http"
import { Effect, Layer } from "effect"
import { makeMeasurements } from "./Measurements.ts"
import { authAddress, prepareService, type RunningService } from "./runService.ts"
import type { Target } from "./Target.ts"
import { type Encoder, TestDeployment } from "./TestDeployment.ts"

/** Shorter than the real ones where nothing depends on it. A busy machine takes its time to answer an auth call. */
export const times = {
  readyAfter: { rtmp: 60, srt: 40, webrtc: 20 },
  denialDelay: 100,
  readTimeout: 600,
  authTimeout: 4_000
}

/** The real one's. */
const RTMP_ANALYSIS = "2 seconds"

export const publicUrls = {
  PUBLIC_HLS_URL: "http://127.0.0.1:8888",
  PUBLIC_WEBRTC_URL: "http://127.0.0.1:8889",
  PUBLIC_RTMP_URL: "rtmp://127.0.0.1:1935",
  PUBLIC_RTSP_URL: "rtsp://127.0.0.1:8554",
  PUBLIC_SRT_URL: "srt://127.0.0.1:8890"
}

type PublishOptions = Parameters<SimulatorHttp.SimulatorServer["publish"]>[0]

export const clientOf = ({ protocol, url, bearer }: Target): PublishOptions => {
  const { pathname, search, username, password } = new URL(url)
  const path = decodeURIComponent(pathname.slice(1))
  switch (protocol) {
    case "rtmp":
      return { protocol, path, query: search.slice(1) }
    case "rtsp":
      return { protocol, path, user: username, password }
    case "srt": {
      const streamId = new URLSearchParams(search).get("streamid") ?? ""
      const [, publishPath = "", user = "", secret = ""] = streamId.split(":")
      return { protocol, path: publishPath, user, password: secret }
    }
    case "webrtc":
      return { protocol, path: path.replace(/\/whip$/, ""), token: bearer }
    case "moq":
      return { protocol, path, token: bearer }
  }
}

/** What a player asks for: the path, over whichever protocol. */
const playedPath = (url: string): string =>
  decodeURIComponent(new URL(url).pathname.slice(1)).replace(/\/index.m3u8$/, "")

export const connector = (simulator: SimulatorHttp.SimulatorServer) =>
  Effect.fnUntraced(function* (options: PublishOptions, protocol: Target["protocol"]) {
    const publisher = yield* Effect.acquireRelease(simulator.publish(options), ({ drop }) => drop)
    let over = false
    const end = Effect.sync(() => {
      over = true
    })
    yield* publisher.closed.pipe(Effect.andThen(end), Effect.forkScoped)
    const encoder: Encoder = {
      protocol,
      ended: Effect.asVoid(publisher.closed),
      hasEnded: () => over,
      kill: Effect.andThen(publisher.kill, end),
      stop: Effect.andThen(publisher.drop, end),
      shown: () => ""
    }
    return { publisher, encoder }
  })

/** The deployment of a service in front of this simulator. */
export const deploymentOn = (
  simulator: SimulatorHttp.SimulatorServer,
  service: RunningService,
  asked: ReadonlyArray<RunningService> = [service]
): TestDeployment["Service"] => {
  const connected = connector(simulator)
  const connect = (options: PublishOptions, protocol: Target["protocol"]) =>
    Effect.map(connected(options, protocol), ({ encoder }) => encoder)
  return TestDeployment.of({
    service,
    asked,
    encode: (target) => connect(clientOf(target), target.protocol),
    encodeSlowly: (target) => connect({ ...clientOf(target), readyAfter: RTMP_ANALYSIS }, target.protocol),
    stranger: (target) => connect({ ...clientOf(target), unasked: true }, target.protocol),
    framesAt: Effect.fnUntraced(function* (url) {
      const reader = yield* simulator.read({ protocol: "rtsp", path: playedPath(url) })
      const { connections } = yield* simulator.world
      yield* reader.drop
      return connections.get(reader.id)?.phase._tag === "Reading" ? 1 : 0
    }),
    mediaServer: {
      kill: simulator.stop,
      stop: simulator.stop,
      start: simulator.start,
      back: Effect.void,
      freeze: simulator.fault({ _tag: "Frozen" }),
      thaw: simulator.fault(null)
    },
    measure: makeMeasurements().add,
    slack: 20
  })
}

export const layer = Layer.effect(
  TestDeployment,
  Effect.gen(function* () {
    const simulator = yield* SimulatorHttp.make(times)
    const service = yield* prepareService(() => ({ MEDIAMTX_API_URL: simulator.apiUrl, ...publicUrls }))
    yield* simulator.authenticateAt(authAddress(service.port))
    yield* service.start
    return deploymentOn(simulator, service)
  })
)
