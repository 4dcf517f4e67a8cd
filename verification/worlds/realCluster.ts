/** A cluster in front of a real MediaMTX. */
import { Context, Effect, Layer } from "effect"
import { Cluster, type ClusterOptions, prepareCluster, type Stagecraft } from "./Cluster.ts"
import type { HttpRelay } from "./HttpRelay.ts"
import { deployment, listens, mediaServerAnswers, publicUrls, until } from "./realDeployments.ts"
import { type RealMediaMtx, realMediaMtx } from "./realMediaMtx.ts"
import { rtspClient } from "./rtspClient.ts"
import { API_SECRET } from "./runService.ts"
import { bentPath } from "./Target.ts"
import { TestDeployment } from "./TestDeployment.ts"

interface Page<A> {
  readonly items: ReadonlyArray<A>
}

/** The test's own calls of the control API, past every relay. */
const controlApi = ({ apiUrl }: RealMediaMtx) => {
  const authorization = `Basic ${Buffer.from(`greenroom:${API_SECRET}`).toString("base64")}`
  return (method: string, path: string) =>
    Effect.promise(async () => {
      const init = { method, headers: { authorization }, signal: AbortSignal.timeout(10_000) }
      const response = await fetch(`${apiUrl}${path}`, init).catch(() => null)
      return response === null ? null : ((await response.json()) as unknown)
    })
}

/** As `realMediaMtx` configures it. */
const READ_TIMEOUT_MS = 4_000
/** Long enough for a RECORD to queue behind a pending auth, and for a kick to overtake it. */
const AUTH_HELD = "1500 millis"

interface PathItem {
  readonly name: string
  readonly ready: boolean
  readonly source: { readonly type: string; readonly id: string } | null
}

/** What the real one brings up by itself, by the names of the paths: nobody connects to publish there. */
export const house = {
  origin: "house/origin",
  pulled: "house/pulled",
  redirect: "house/redirect",
  demand: "house/demand",
  always: "house/always"
} as const

const housePaths = ({ rtsp }: RealMediaMtx["ports"]) => ({
  [house.pulled]: `{ source: "rtsp://127.0.0.1:${rtsp}/${house.origin}", sourceOnDemand: true, rtspTransport: tcp }`,
  [house.redirect]: `{ source: redirect, sourceRedirect: "rtsp://127.0.0.1:${rtsp}/${house.origin}" }`,
  [house.demand]: `{ runOnDemand: sleep 60, runOnDemandStartTimeout: 60s }`,
  [house.always]: "{ alwaysAvailable: true, alwaysAvailableTracks: [{ codec: H264 }] }"
})

/** The real media server, past every relay. */
export class House extends Context.Service<
  House,
  {
    readonly paths: Effect.Effect<ReadonlyArray<PathItem>>
    /** For a player. */
    readonly address: (path: string) => string
  }
>()("greenroom/e2e/House") {}

const listedBy =
  (mtx: RealMediaMtx) =>
  <A>(path: string) =>
    Effect.map(controlApi(mtx)("GET", `${path}?itemsPerPage=1000000`), (page) => (page as Page<A> | null)?.items ?? [])

const stagecraft = (mtx: RealMediaMtx, relay: HttpRelay): Stagecraft => {
  const call = controlApi(mtx)
  const listed = listedBy(mtx)
  const published = Effect.map(listed<PathItem>("/v3/paths/list"), (paths) => {
    const own = paths.filter(({ ready, source }) => ready && /(Conn|Session)$/.test(source?.type ?? ""))
    return new Map(own.map(({ name, source }) => [name, source!.id] as const))
  })
  return {
    announce: Effect.fnUntraced(function* (target) {
      const client = yield* rtspClient(target.url)
      if (!(yield* client.announce)) yield* Effect.die(new Error("the announcement is refused"))
      return {
        protocol: "rtsp",
        ended: client.ended,
        hasEnded: client.hasEnded,
        kill: client.kill,
        stop: client.teardown,
        shown: () => "",
        record: Effect.asVoid(client.record),
        pause: Effect.asVoid(client.pause)
      }
    }),
    crowd: Effect.fnUntraced(function* (path, size) {
      const reader = Effect.flatMap(rtspClient(`rtsp://127.0.0.1:${mtx.ports.rtsp}/${path}`), ({ play }) => play)
      const playing = yield* Effect.forEach(Array.from({ length: size }), () => reader, { concurrency: 8 })
      const refused = playing.filter((plays) => !plays).length
      if (refused > 0) yield* Effect.die(new Error(`${refused} of ${size} readers are refused`))
    }),
    published,
    authTimeout: READ_TIMEOUT_MS,
    stop: mtx.stop("SIGTERM"),
    zombie: Effect.fnUntraced(function* (target) {
      const client = yield* rtspClient(target.url)
      if (!(yield* client.announce)) return false
      const sessions = yield* listed<{ readonly id: string; readonly path: string }>("/v3/rtspsessions/list")
      const id = sessions.find(({ path }) => path === target.path)?.id
      if (id === undefined) return false
      // MediaMTX asks about one client at a time: while it waits for the answer about a stranger, the RECORD waits, too.
      yield* relay.fault({ _tag: "AnsweredLate", by: AUTH_HELD, only: "/auth" })
      const stranger = yield* rtspClient(bentPath(target, `${target.path}-stranger`).url)
      yield* Effect.forkScoped(stranger.announce)
      yield* Effect.sleep("300 millis")
      yield* relay.fault(null)
      yield* Effect.forkScoped(client.record)
      yield* Effect.sleep("200 millis")
      yield* call("POST", `/v3/rtspsessions/kick/${id}`)
      const came = Effect.gen(function* () {
        const after = yield* listed<{ readonly id: string }>("/v3/rtspsessions/list")
        return (yield* published).get(target.path) === id && after.every((session) => session.id !== id)
      })
      const deadline = performance.now() + 4_000
      while (!(yield* came)) {
        if (performance.now() > deadline) return false
        yield* Effect.sleep("10 millis")
      }
      return true
    })
  }
}

export const layer = (options: ClusterOptions) =>
  Layer.effectContext(
    Effect.gen(function* () {
      let mtx: RealMediaMtx | undefined
      const { start, authAddress, ...cluster } = yield* prepareCluster(options, () => publicUrls(mtx!))
      const made = yield* realMediaMtx({
        authHttpAddress: authAddress,
        protocols: ["rtsp", "rtmp", "srt", "hls"],
        paths: housePaths
      })
      mtx = made
      yield* cluster.controlApi.leadTo(Number(new URL(made.apiUrl).port))
      yield* start
      const first = cluster.instances[0]!
      yield* mediaServerAnswers(first)
      const mediaServer = {
        kill: made.stop("SIGKILL"),
        stop: made.stop("SIGTERM"),
        start: made.start,
        back: until("the media server takes publishers", () => listens(made.ports.rtmp)),
        freeze: made.freeze,
        thaw: made.thaw
      }
      const own = yield* deployment(first, mediaServer, cluster.instances)
      const houseOf = House.of({
        paths: listedBy(made)<PathItem>("/v3/paths/list"),
        address: (path) => `rtsp://127.0.0.1:${made.ports.rtsp}/${path}`
      })
      return Context.make(TestDeployment, own).pipe(
        Context.add(House, houseOf),
        Context.add(Cluster, { ...cluster, stage: stagecraft(made, cluster.relay) })
      )
    })
  )
