/** What a chaos run plays on: a MediaMTX, a PostgreSQL and a Greenroom, real processes of its own on the loopback. */
import { Effect } from "effect"
import { database } from "../worlds/database.ts"
import { webhookEnvironment } from "../worlds/eventWitnesses.ts"
import { makeClip } from "../worlds/ffmpegEncoder.ts"
import { freePorts, temporaryFolder } from "../worlds/processes.ts"
import { publicUrls } from "../worlds/realDeployments.ts"
import { type RealMediaMtx, realMediaMtx } from "../worlds/realMediaMtx.ts"
import { API_SECRET, authAddress, prepareService } from "../worlds/runService.ts"
import type { OnAir } from "./Agreement.ts"
import type { Victim } from "./Chaos.ts"

interface PathList {
  readonly items: ReadonlyArray<{
    readonly name: string
    readonly ready: boolean
    readonly source: { readonly type: string; readonly id: string } | null
  }>
}

const LOOK_WITHIN_MS = 1_500

/** Who publishes, as the media server itself lists it; `undefined` when it does not say. */
const lookAt = ({ apiUrl }: RealMediaMtx): Effect.Effect<OnAir | undefined> => {
  const authorization = `Basic ${Buffer.from(`greenroom:${API_SECRET}`).toString("base64")}`
  return Effect.promise(async () => {
    const signal = AbortSignal.timeout(LOOK_WITHIN_MS)
    const url = `${apiUrl}/v3/paths/list?itemsPerPage=1000000`
    const response = await fetch(url, { headers: { authorization }, signal }).catch(() => null)
    if (response?.status !== 200) return undefined
    const { items } = (await response.json()) as PathList
    const own = items.filter(({ ready, source }) => ready && /(Conn|Session)$/.test(source?.type ?? ""))
    return new Map(own.map(({ name, source }) => [name, source!.id] as const))
  }).pipe(Effect.catchDefect(() => Effect.succeed(undefined)))
}

/** Everything runs; it goes with the scope. */
export const scene = Effect.gen(function* () {
  const folder = yield* temporaryFolder
  const db = yield* database(`${folder}/postgres`)
  let mtx: RealMediaMtx | undefined
  const greenroom = yield* prepareService(() => ({
    HOST: "127.0.0.1",
    LOG_LEVEL: "info",
    ...webhookEnvironment,
    DATABASE_URL: db.url,
    MEDIAMTX_API_URL: mtx!.apiUrl,
    ...publicUrls(mtx!)
  }))
  // Ports that the system does not give to others while the server is down.
  const [api, rtsp, rtmp, hls, webrtc, srt] = yield* Effect.promise(() => freePorts(6))
  const ports = { rtsp: rtsp!, rtmp: rtmp!, hls: hls!, webrtc: webrtc!, srt: srt! }
  const made = yield* realMediaMtx({ authHttpAddress: authAddress(greenroom.port), ports: { api: api!, ...ports } })
  mtx = made
  yield* greenroom.start
  const victims: ReadonlyArray<Victim> = [
    { name: "MediaMTX", kill: made.stop("SIGKILL"), start: made.start, freeze: made.freeze, thaw: made.thaw },
    { name: "PostgreSQL", kill: db.kill, start: db.start, freeze: db.freeze, thaw: db.thaw },
    { name: "Greenroom", ...greenroom }
  ]
  return { greenroom, database: db, look: lookAt(made), victims, clip: yield* makeClip(folder), folder }
})
