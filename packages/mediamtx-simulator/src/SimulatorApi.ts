/**
 * The routes of MediaMTX's control API v3 over a `Simulator`, as its version answers them: which exist (those of a protocol that is
 * off do not), what they say of wrong ids and pages, and where they hang. Authentication and faults are left to `SimulatorHttp`.
 */
import type { Protocol } from "@greenroom/core"
import { familyOf, protocols } from "@greenroom/core"
import { Clock, Effect } from "effect"
import { connectionItem, type Json, pageOf, pathItem, rtspConnectionItem, uuidComplaint } from "./answers.ts"
import { globalConfiguration, pathConfiguration } from "./configuration.ts"
import { fieldsAt } from "./fields.ts"
import type { Simulator } from "./Simulator.ts"
import { connectionListNames, listNames, pathDefaultsNames, type VersionFacts } from "./versions.ts"
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
  /** Text is the router's own `404 page not found`, `null` an answer without a body; everything else is JSON. */
  readonly body: Json | string | null
}

const noRoute: ApiReply = { status: 404, body: "404 page not found" }

/** What a route is about: a protocol's sessions, or the TCP connections under RTSP's. */
interface ListRoute {
  readonly protocol: Protocol
  readonly of: "sessions" | "connections"
  /** What follows the name of the list: `get/{id}`. */
  readonly rest: string
}

export const listRouteOf = (path: string, facts: VersionFacts): ListRoute | undefined => {
  const below = (names: ReadonlyArray<string>) => names.find((name) => path.startsWith(`/v3/${name}/`))
  for (const protocol of protocols) {
    const name = below(listNames(facts, protocol))
    if (name !== undefined) return { protocol, of: "sessions", rest: path.slice(`/v3/${name}/`.length) }
  }
  for (const protocol of ["rtsp", "rtsps"] as const) {
    const name = below(connectionListNames(facts, protocol))
    if (name !== undefined) return { protocol, of: "connections", rest: path.slice(`/v3/${name}/`.length) }
  }
  return undefined
}

/** RTSP and WebRTC have sessions; RTSP, RTMP and SRT have connections. */
const missingOf = ({ protocol, of }: ListRoute): string => {
  const isConnection = of === "connections" || familyOf(protocol) === "rtmp" || protocol === "srt"
  return `${isConnection ? "connection" : "session"} not found`
}

export interface SimulatorApiOptions {
  readonly media: Simulator["Service"]
  readonly facts: VersionFacts
  readonly isOn: (protocol: Protocol) => boolean
  /** More fields of the configuration. */
  readonly configured: Json
}

export const makeSimulatorApi = ({
  media,
  facts,
  isOn,
  configured
}: SimulatorApiOptions): ((request: ApiRequest) => Effect.Effect<ApiReply>) => {
  const ok: ApiReply = { status: 200, body: facts.okBody ? { status: "ok" } : null }
  const failure = (status: number, error: string): ApiReply => ({
    status,
    body: fieldsAt("error", facts.version, { status: "error", error })
  })
  const pageReply = (items: ReadonlyArray<Json>, query: URLSearchParams): ApiReply => {
    const page = pageOf(items, query)
    return typeof page === "string" ? failure(400, page) : { status: 200, body: page }
  }

  const lists = Effect.fnUntraced(function* (route: ListRoute, { method, query }: ApiRequest) {
    const { protocol, of, rest } = route
    const [verb, id = ""] = rest.split("/")
    const kicks = method === "POST" && verb === "kick" && of === "sessions"
    const known = (method === "GET" && (verb === "list" || verb === "get")) || kicks
    if (!isOn(protocol) || !known) return noRoute
    const complaint = verb === "list" ? undefined : uuidComplaint(id)
    if (complaint !== undefined) return failure(400, complaint)
    if (familyOf(protocol) === "rtsp") yield* media.rtspAnswers
    const world = yield* media.world
    const now = yield* Clock.currentTimeMillis
    const all = listOf(world, protocol)
    const item = of === "sessions" ? connectionItem : rtspConnectionItem
    const itemOf = (connection: World.Connection) => item(connection, now, facts)
    if (verb === "list") return pageReply(all.map(itemOf), query)
    const idOf = ({ id, connectionId }: World.Connection) => (of === "sessions" ? id : connectionId)
    const connection = all.find((candidate) => idOf(candidate) === id.toLowerCase())
    if (connection === undefined) return failure(404, missingOf(route))
    if (verb === "get") return { status: 200, body: itemOf(connection) }
    yield* media.change((before, at) => World.kick(before, at, connection.id))
    return ok
  })

  const paths = Effect.fnUntraced(function* ({ path, query }: ApiRequest) {
    yield* media.pathsAnswer
    const world = yield* media.world
    const now = yield* Clock.currentTimeMillis
    const items = pathsOf(world).map((seen) => pathItem(seen, world.configurations.has(seen.name), now, facts))
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
        : {
            status: 200,
            body: fieldsAt("pathConfiguration", facts.version, { ...pathConfiguration, name, maxReaders })
          }
    }
    if (method === "POST" && verb === "add") {
      const { pattern, described } = facts.pathNames
      if (!pattern.test(name)) return failure(400, `invalid path name '${name}': can contain only ${described}`)
      if (configurations.has(name) || name === "all_others") return failure(400, "path already exists")
      const maxReaders = yield* Effect.try(() => Number(JSON.parse(body).maxReaders ?? 0)).pipe(
        Effect.orElseSucceed(() => null)
      )
      if (maxReaders === null) return failure(400, facts.emptyBodyError)
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
    const list = listRouteOf(path, facts)
    if (list !== undefined) return yield* lists(list, request)
    if (path.startsWith("/v3/config/paths/")) return yield* pathConfigurations(request)
    if (method !== "GET") return noRoute
    if (path === "/v3/info" && facts.info) {
      return { status: 200, body: { version: `v${facts.version}`, started: (yield* media.world).started } }
    }
    if (path === "/v3/config/global/get") {
      const { rtmp, rtsp, srt, webrtc, moq } = Object.fromEntries(protocols.map((name) => [name, isOn(name)]))
      const configuration = { ...globalConfiguration, ...configured, rtmp, rtsp, srt, webrtc, moq }
      return { status: 200, body: fieldsAt("globalConfiguration", facts.version, configuration) }
    }
    if (pathDefaultsNames(facts).some((name) => path === `/v3/config/${name}/get`)) {
      const { overridePublisher } = (yield* media.world).options
      const defaults = { ...pathConfiguration, name: "", overridePublisher }
      return { status: 200, body: fieldsAt("pathConfiguration", facts.version, defaults) }
    }
    return path === "/v3/paths/list" || path.startsWith("/v3/paths/get/") ? yield* paths(request) : noRoute
  })
}
