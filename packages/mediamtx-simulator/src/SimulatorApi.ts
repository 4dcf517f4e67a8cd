/**
 * MediaMTX's control API v3 as its version answers it, pure: which routes there are (those of a protocol that is off are missing), what
 * a call waits for, what it is answered at one moment of a `World`, and what it changes. Authentication and faults are left to `SimulatorHttp`.
 */
import { protocols, type ViewerProtocol } from "@greenroom/core"
import {
  connectionItem,
  type Items,
  type Json,
  pageOf,
  pathItem,
  rtspConnectionItem,
  uuidComplaint
} from "./answers.ts"
import { globalConfiguration, pathConfiguration } from "./configuration.ts"
import { familyOf } from "./families.ts"
import { fieldsAt } from "./fields.ts"
import { connectionListNames, listNames, pathDefaultsNames, type VersionFacts } from "./versions.ts"
import { listOf, pathsOf } from "./view.ts"
import * as World from "./World.ts"

export interface ApiServer {
  readonly facts: VersionFacts
  readonly isOn: (protocol: ViewerProtocol) => boolean
  /** More fields of the global configuration. */
  readonly configured: Json
  /** `essential` leaves out what is only counted: a fifth of the work. */
  readonly items: Items
}

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

/** What a call is answered at one moment, and what it changes then. */
export interface ApiOutcome {
  readonly reply: ApiReply
  readonly change?: (world: World.World, now: number) => World.World
}

/** A protocol's sessions, or the TCP connections under RTSP's. */
interface ListRoute {
  readonly _tag: "List"
  readonly protocol: ViewerProtocol
  readonly of: "sessions" | "connections"
  readonly verb: "list" | "get" | "kick"
  readonly id: string
}

export type ApiRoute =
  | ListRoute
  | { readonly _tag: "Paths"; readonly name: string | null }
  | { readonly _tag: "PathConfiguration"; readonly verb: "get" | "add" | "delete"; readonly name: string }
  | { readonly _tag: "Info" | "GlobalConfiguration" | "PathDefaults" | "None" }

interface ListNames {
  readonly prefix: string
  readonly protocol: ViewerProtocol
  readonly of: ListRoute["of"]
}

/** Those that have lists. */
const viewerProtocols: ReadonlyArray<ViewerProtocol> = [...protocols, "hls"]

const namesByFacts = new WeakMap<VersionFacts, ReadonlyArray<ListNames>>()
const namesOf = (facts: VersionFacts): ReadonlyArray<ListNames> => {
  const known = namesByFacts.get(facts)
  if (known !== undefined) return known
  const named = (of: ListRoute["of"], protocol: ViewerProtocol) => (name: string) => ({
    prefix: `/v3/${name}/`,
    protocol,
    of
  })
  const names = [
    ...viewerProtocols.flatMap((protocol) => listNames(facts, protocol).map(named("sessions", protocol))),
    ...(["rtsp", "rtsps"] as const).flatMap((protocol) =>
      connectionListNames(facts, protocol).map(named("connections", protocol))
    )
  ]
  namesByFacts.set(facts, names)
  return names
}

const listRouteOf = (method: string, path: string, { facts, isOn }: ApiServer): ListRoute | undefined => {
  const list = namesOf(facts).find(({ prefix }) => path.startsWith(prefix))
  if (list === undefined || !isOn(list.protocol)) return undefined
  const [verb, id = ""] = path.slice(list.prefix.length).split("/")
  const isKnown = method === "POST" ? verb === "kick" && list.of === "sessions" : verb === "list" || verb === "get"
  return isKnown
    ? { _tag: "List", protocol: list.protocol, of: list.of, verb: verb as ListRoute["verb"], id }
    : undefined
}

const methods = { get: "GET", add: "POST", delete: "DELETE" } as const

export const routeOf = (method: string, path: string, server: ApiServer): ApiRoute => {
  const none = { _tag: "None" } as const
  if (path.startsWith("/v3/config/paths/")) {
    const [, verb, name = ""] = /^\/v3\/config\/paths\/(get|add|delete)\/(.*)$/.exec(path) ?? []
    return verb !== undefined && methods[verb as keyof typeof methods] === method
      ? { _tag: "PathConfiguration", verb: verb as keyof typeof methods, name }
      : none
  }
  if (method === "GET") {
    if (path === "/v3/info") return server.facts.info ? { _tag: "Info" } : none
    if (path === "/v3/paths/list") return { _tag: "Paths", name: null }
    if (path.startsWith("/v3/paths/get/")) return { _tag: "Paths", name: path.slice("/v3/paths/get/".length) }
    if (path === "/v3/config/global/get") return { _tag: "GlobalConfiguration" }
    if (pathDefaultsNames(server.facts).some((name) => path === `/v3/config/${name}/get`))
      return { _tag: "PathDefaults" }
  }
  return listRouteOf(method, path, server) ?? none
}

/** `paths`: a call waits behind the auths that are pending; `rtsp` and `hls`: behind those of RTSP clients, of HLS players. */
export const waitOf = (route: ApiRoute): "paths" | "rtsp" | "hls" | null => {
  if (route._tag === "Paths") return "paths"
  const family = route._tag === "List" ? familyOf(route.protocol) : null
  return family === "rtsp" || family === "hls" ? family : null
}

const failure = ({ facts }: ApiServer, status: number, error: string): ApiOutcome => ({
  reply: { status, body: fieldsAt("error", facts.version, { status: "error", error }) }
})
const found = (body: Json): ApiOutcome => ({ reply: { status: 200, body } })
const done = ({ facts }: ApiServer, change: NonNullable<ApiOutcome["change"]>): ApiOutcome => ({
  reply: { status: 200, body: facts.okBody ? { status: "ok" } : null },
  change
})
const pageReply = (server: ApiServer, items: ReadonlyArray<Json>, query: URLSearchParams): ApiOutcome => {
  const page = pageOf(items, query)
  return typeof page === "string" ? failure(server, 400, page) : found(page)
}

/** RTSP, WebRTC and HLS have sessions; RTSP, RTMP and SRT have connections. */
const missingOf = ({ protocol, of }: ListRoute): string => {
  const isConnection = of === "connections" || familyOf(protocol) === "rtmp" || protocol === "srt"
  return `${isConnection ? "connection" : "session"} not found`
}

const replyOfList = (server: ApiServer, route: ListRoute, query: URLSearchParams, world: World.World, now: number) => {
  const { protocol, of, verb, id } = route
  const complaint = verb === "list" ? undefined : uuidComplaint(id)
  if (complaint !== undefined) return failure(server, 400, complaint)
  const item = of === "sessions" ? connectionItem : rtspConnectionItem
  const itemOf = (connection: World.Connection) => item(connection, now, server.facts, server.items)
  const all = listOf(world, protocol)
  if (verb === "list") return pageReply(server, all.map(itemOf), query)
  const idOf = ({ id, connectionId }: World.Connection) => (of === "sessions" ? id : connectionId)
  const connection = all.find((candidate) => idOf(candidate) === id.toLowerCase())
  if (connection === undefined) return failure(server, 404, missingOf(route))
  if (verb === "get") return found(itemOf(connection))
  return done(server, (before, at) => World.kick(before, at, connection.id))
}

const replyOfPaths = (
  server: ApiServer,
  name: string | null,
  query: URLSearchParams,
  world: World.World,
  now: number
) => {
  const { facts, items: which } = server
  const isConfigured = (path: string) => world.configurations.has(path)
  const items = pathsOf(world).map((seen) => pathItem(seen, isConfigured(seen.name), now, facts, which))
  if (name === null) return pageReply(server, items, query)
  const item = items.find((one) => one.name === name)
  return item === undefined ? failure(server, 404, "path not found") : found(item)
}

const maxReadersIn = (body: string): number | null => {
  try {
    return Number(JSON.parse(body).maxReaders ?? 0)
  } catch {
    return null
  }
}

const replyOfPathConfiguration = (
  server: ApiServer,
  { verb, name }: Extract<ApiRoute, { readonly _tag: "PathConfiguration" }>,
  body: string,
  { configurations }: World.World
) => {
  const { facts } = server
  const maxReaders = configurations.get(name)
  if (verb === "get") {
    if (maxReaders === undefined) return failure(server, 404, "path configuration not found")
    return found(fieldsAt("pathConfiguration", facts.version, { ...pathConfiguration, name, maxReaders }))
  }
  if (verb === "delete") {
    if (maxReaders === undefined) return failure(server, 404, "path not found")
    return done(server, (world, now) => World.deconfigure(world, now, name) || world)
  }
  const { pattern, described } = facts.pathNames
  if (!pattern.test(name)) return failure(server, 400, `invalid path name '${name}': can contain only ${described}`)
  if (maxReaders !== undefined || name === "all_others") return failure(server, 400, "path already exists")
  const wanted = maxReadersIn(body)
  if (wanted === null) return failure(server, 400, facts.emptyBodyError)
  return done(server, (world, now) => World.configure(world, now, name, wanted) || world)
}

const replyOfGlobalConfiguration = ({ facts, isOn, configured, items }: ApiServer): ApiOutcome => {
  const on = { rtmp: isOn("rtmp"), rtsp: isOn("rtsp"), srt: isOn("srt"), webrtc: isOn("webrtc") }
  const served = { ...on, hls: isOn("hls"), moq: isOn("moq") }
  const { authMethod, authHTTPExclude, readTimeout, hlsSegmentDuration } = globalConfiguration
  if (items === "essential")
    return found({ authMethod, authHTTPExclude, readTimeout, hlsSegmentDuration, ...configured, ...served })
  const configuration = { ...globalConfiguration, ...configured, ...served }
  return found(fieldsAt("globalConfiguration", facts.version, configuration))
}

export const replyTo = (
  server: ApiServer,
  route: ApiRoute,
  { query, body }: Pick<ApiRequest, "query" | "body">,
  world: World.World,
  now: number
): ApiOutcome => {
  switch (route._tag) {
    case "List":
      return replyOfList(server, route, query, world, now)
    case "Paths":
      return replyOfPaths(server, route.name, query, world, now)
    case "PathConfiguration":
      return replyOfPathConfiguration(server, route, body, world)
    case "Info":
      return found({ version: `v${server.facts.version}`, started: world.started })
    case "GlobalConfiguration":
      return replyOfGlobalConfiguration(server)
    case "PathDefaults": {
      const { overridePublisher } = world.options
      if (server.items === "essential") return found({ overridePublisher })
      const defaults = { ...pathConfiguration, name: "", overridePublisher }
      return found(fieldsAt("pathConfiguration", server.facts.version, defaults))
    }
    case "None":
      return { reply: { status: 404, body: "404 page not found" } }
  }
}
