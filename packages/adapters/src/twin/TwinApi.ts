/**
 * The routes of MediaMTX's control API v3 over a `MediaWorld`, as 1.20.1 answers them: which exist (those of a protocol that is
 * off do not), what they say of wrong ids and pages, and where they hang. Authentication and faults are left to `TwinServer`.
 */
import type { Protocol } from "@greenroom/core"
import { familyOf, protocols } from "@greenroom/core"
import { Clock, Effect } from "effect"
import { connectionItem, type Json, pageOf, pathItem, uuidComplaint } from "./answers.ts"
import { globalConfiguration, pathConfiguration } from "./configuration.ts"
import type { MediaWorld } from "./MediaWorld.ts"
import { listOf, pathsOf } from "./view.ts"
import * as World from "./World.ts"

export interface ApiRequest {
  readonly method: string
  /** Decoded, without the query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly body: string
}

export interface ApiReply {
  readonly status: number
  /** Text is the router's own `404 page not found`; everything else is JSON. */
  readonly body: Json | string
}

const noRoute: ApiReply = { status: 404, body: "404 page not found" }
const ok: ApiReply = { status: 200, body: { status: "ok" } }
const failure = (status: number, error: string): ApiReply => ({ status, body: { status: "error", error } })

const listNames: { readonly [P in Protocol]: string } = {
  rtmp: "rtmpconns",
  rtmps: "rtmpsconns",
  rtsp: "rtspsessions",
  rtsps: "rtspssessions",
  srt: "srtconns",
  webrtc: "webrtcsessions",
  moq: "moqsessions"
}

/** The protocol whose connections a route is about. */
export const protocolOfRoute = (path: string): Protocol | undefined =>
  protocols.find((protocol) => path.startsWith(`/v3/${listNames[protocol]}/`))

const pageReply = (items: ReadonlyArray<Json>, query: URLSearchParams): ApiReply => {
  const page = pageOf(items, query)
  return typeof page === "string" ? failure(400, page) : { status: 200, body: page }
}

export const makeTwinApi = (
  media: MediaWorld["Service"],
  isOn: (protocol: Protocol) => boolean
): ((request: ApiRequest) => Effect.Effect<ApiReply>) => {
  const connections = Effect.fnUntraced(function* (protocol: Protocol, { method, path, query }: ApiRequest) {
    const [verb, id = ""] = path.slice(`/v3/${listNames[protocol]}/`.length).split("/")
    const known = (method === "GET" && (verb === "list" || verb === "get")) || (method === "POST" && verb === "kick")
    if (!isOn(protocol) || !known) return noRoute
    const complaint = verb === "list" ? undefined : uuidComplaint(id)
    if (complaint !== undefined) return failure(400, complaint)
    if (familyOf(protocol) === "rtsp") yield* media.rtspAnswers
    const world = yield* media.world
    const now = yield* Clock.currentTimeMillis
    const all = listOf(world, protocol)
    if (verb === "list")
      return pageReply(
        all.map((connection) => connectionItem(connection, now)),
        query
      )
    const connection = all.find((candidate) => candidate.id === id.toLowerCase())
    if (connection === undefined)
      return failure(404, `${/conns$/.test(listNames[protocol]) ? "connection" : "session"} not found`)
    if (verb === "get") return { status: 200, body: connectionItem(connection, now) }
    yield* media.change((before, at) => World.kick(before, at, connection.id))
    return ok
  })

  const paths = Effect.fnUntraced(function* ({ path, query }: ApiRequest) {
    yield* media.pathsAnswer
    const world = yield* media.world
    const now = yield* Clock.currentTimeMillis
    const items = pathsOf(world).map((seen) => pathItem(seen, world.configurations.has(seen.name), now))
    if (path === "/v3/paths/list") return pageReply(items, query)
    const item = items.find(({ name }) => name === path.slice("/v3/paths/get/".length))
    return item === undefined ? failure(404, "path not found") : { status: 200, body: item }
  })

  const pathConfigurations = Effect.fnUntraced(function* ({ method, path, body }: ApiRequest) {
    const [, verb, name = ""] = /^\/v3\/config\/paths\/([a-z]+)\/(.*)$/.exec(path) ?? []
    const { configurations } = yield* media.world
    if (method === "GET" && verb === "get") {
      const maxReaders = configurations.get(name)
      return maxReaders === undefined
        ? failure(404, "path configuration not found")
        : { status: 200, body: { ...pathConfiguration, name, maxReaders } }
    }
    if (method === "POST" && verb === "add") {
      if (!/^[0-9A-Za-z_\-./]+$/.test(name)) {
        return failure(
          400,
          `invalid path name '${name}': can contain only alphanumeric characters, underscore, dot, minus, slash`
        )
      }
      if (configurations.has(name) || name === "all_others") return failure(400, "path already exists")
      const maxReaders = yield* Effect.try(() => Number(JSON.parse(body).maxReaders ?? 0)).pipe(
        Effect.orElseSucceed(() => null)
      )
      if (maxReaders === null) return failure(400, "unexpected end of JSON input")
      yield* media.pathsAnswer
      yield* media.change((world, now) => World.configure(world, now, name, maxReaders) || world)
      return ok
    }
    if (method !== "DELETE" || verb !== "delete") return noRoute
    if (!configurations.has(name)) return failure(404, "path not found")
    yield* media.pathsAnswer
    yield* media.change((world, now) => World.deconfigure(world, now, name) || world)
    return ok
  })

  return Effect.fnUntraced(function* (request: ApiRequest): Effect.fn.Return<ApiReply> {
    const { method, path } = request
    const protocol = protocolOfRoute(path)
    if (protocol !== undefined) return yield* connections(protocol, request)
    if (path.startsWith("/v3/config/paths/")) return yield* pathConfigurations(request)
    if (method !== "GET") return noRoute
    if (path === "/v3/info") {
      return { status: 200, body: { version: "v1.20.1", started: (yield* media.world).started } }
    }
    if (path === "/v3/config/global/get") {
      const { rtmp, rtsp, srt, webrtc } = Object.fromEntries(protocols.map((name) => [name, isOn(name)]))
      return { status: 200, body: { ...globalConfiguration, rtmp, rtsp, srt, webrtc } }
    }
    return path === "/v3/paths/list" || path.startsWith("/v3/paths/get/") ? yield* paths(request) : noRoute
  })
}
