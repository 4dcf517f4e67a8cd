/** What clients do, and what is done to one of them. */
import { familyOf, isRtspProtocol } from "../families.ts"
import {
  type Connection,
  close,
  happens,
  isRtsp,
  type Phase,
  publishers,
  put,
  vacate,
  type World,
  without
} from "./state.ts"
import { takePath } from "./time.ts"

type Chosen = "id" | "protocol" | "action" | "path" | "query" | "user" | "tracks"

export type NewConnection = Pick<Connection, Chosen> & {
  /** Of an RTSP client's TCP connection; the session's by default. */
  readonly connectionId?: string
  readonly ip?: string
  readonly isCdn?: boolean
  /** Another time than the protocol's; `null` for a client that never goes on. */
  readonly readyAfter?: number | null
}

const FIRST_PORT = 30_000
const PORTS = 30_000

/** A client connects: it stands in its list from now on, and its auth is to be asked. A server that is down knows nothing of it. */
export const connect = (world: World, now: number, options: NewConnection): World => {
  if (!world.up) return happens(world, { _tag: "Closed", at: now, id: options.id, reason: "server_down" })
  const { facts } = world.options
  const { id, protocol, connectionId = id, ip = "127.0.0.1", isCdn = false } = options
  const family = familyOf(protocol)
  const { readyAfter = family === "hls" ? null : world.options.readyAfter[family] } = options
  const authId = isRtspProtocol(protocol) && facts.rtspAuthId === "connection" ? connectionId : id
  const port = FIRST_PORT + (world.connected % PORTS)
  const begun = { created: now, phase: { _tag: "Asking" }, silentSince: null } as const
  const next = { ...world, connected: world.connected + 1 }
  return put(next, { ...options, ip, isCdn, readyAfter, connectionId, authId, port, ...begun })
}

/** What the question had that let a client in. */
export interface LetInAs {
  readonly user: string
  /** Another one where an HLS player's first request was refused. */
  readonly id: string
}

/** The auth of the connection was answered. Nothing when it went away meanwhile. */
export const answer = (world: World, now: number, id: string, allowed: boolean, by?: LetInAs): World => {
  const asking = world.connections.get(id)
  if (asking === undefined || asking.phase._tag !== "Asking") return world
  if (by === undefined) return answered(world, now, asking, allowed)
  const session = asking.protocol === "hls" ? by.id : id
  const known = session === id ? world : { ...world, connections: without(world.connections, id) }
  return answered(known, now, { ...asking, id: session, user: by.user }, allowed)
}

const answered = (world: World, now: number, connection: Connection, allowed: boolean): World => {
  const { id } = connection
  if (!allowed) return put(world, { ...connection, phase: { _tag: "Denied", until: now + world.options.denialDelay } })
  if (connection.action === "read") return startReading(world, now, connection)
  const free = world.options.facts.pathTakenWhen === "admitted" ? takePath(world, now, connection) : world
  if (free === "refused") return close(put(world, connection), now, id, "path_taken")
  const readyAt = connection.readyAfter === null ? null : now + connection.readyAfter
  return put(free, { ...connection, phase: { _tag: "Preparing", since: now, readyAt } })
}

/** An on-demand source starts with its first viewer; here it never does. */
const hasOwnSource = (world: World, path: string): boolean => {
  const own = world.ownSources.get(path)
  return own !== undefined && own !== "on demand"
}

const startReading = (world: World, now: number, connection: Connection): World =>
  publishers(world).every(({ path }) => path !== connection.path) && !hasOwnSource(world, connection.path)
    ? close(put(world, connection), now, connection.id, "path_closed")
    : put(world, { ...connection, phase: { _tag: "Reading", since: now } })

/**
 * The control API kicks. Between ANNOUNCE and a RECORD that is on its way, MediaMTX forgets an RTSP session, whose RECORD then
 * still puts it on the path: since 1.13.1. Before that the path was its since its ANNOUNCE, and is taken from it by the kick.
 */
export const kick = (world: World, now: number, id: string): World => {
  const connection = world.connections.get(id)
  if (connection === undefined) return world
  const { phase } = connection
  const gone = close(world, now, id, "kicked")
  const forgotten = world.options.facts.pathTakenWhen === "ready" && isRtsp(connection)
  if (!forgotten || phase._tag !== "Preparing" || phase.readyAt === null) return gone
  return { ...gone, ghosts: new Map(gone.ghosts).set(id, { connection, readyAt: phase.readyAt }) }
}

/**
 * The client's process is killed. Its kernel closes a TCP connection for it; SRT and WebRTC run over UDP, where the server is not informed.
 * (A real WebRTC session takes MediaMTX's own ICE timeouts instead of `readTimeout`.)
 * An HLS player that asks no more looks like one that is late.
 */
export const kill = (world: World, now: number, id: string): World => {
  const connection = world.connections.get(id)
  if (connection === undefined) return world
  const overTcp = familyOf(connection.protocol) === "rtmp" || familyOf(connection.protocol) === "rtsp"
  return overTcp ? close(world, now, id, "left") : freeze(world, now, id)
}

/** The client leaves. An HLS player only asks no more. */
export const leave = (world: World, now: number, id: string): World =>
  world.connections.get(id)?.protocol === "hls" ? freeze(world, now, id) : close(world, now, id, "left")

/** The client, or the network to it, stands still. */
export const freeze = (world: World, now: number, id: string): World => {
  const connection = world.connections.get(id)
  return connection === undefined || connection.silentSince !== null
    ? world
    : put(world, { ...connection, silentSince: now })
}

/** The client goes on. What it would have done meanwhile is late by the length of the silence. */
export const thaw = (world: World, now: number, id: string): World => {
  const connection = world.connections.get(id)
  if (connection === undefined || connection.silentSince === null) return world
  const { phase } = connection
  const late = now - connection.silentSince
  const shifted: Phase =
    phase._tag === "Preparing" && phase.readyAt !== null ? { ...phase, readyAt: phase.readyAt + late } : phase
  return put(world, { ...connection, phase: shifted, silentSince: null })
}

/** RTSP PAUSE: off the path, under the same id in the list. */
export const pause = (world: World, now: number, id: string): World => {
  const connection = world.connections.get(id)
  if (connection === undefined || !isRtsp(connection) || connection.phase._tag !== "Publishing") return world
  return vacate(put(world, { ...connection, phase: { _tag: "Paused" } }), now, connection)
}

/** RTSP RECORD, after a PAUSE or a stalled ANNOUNCE: on the path again, without an auth. */
export const record = (world: World, now: number, id: string): World => {
  const connection = world.connections.get(id)
  if (connection === undefined || !isRtsp(connection)) return world
  const { phase } = connection
  const waits = phase._tag === "Paused" || (phase._tag === "Preparing" && phase.readyAt === null)
  if (!waits) return world
  const readyAt = now + world.options.readyAfter.rtsp
  return put(world, { ...connection, phase: { _tag: "Preparing", since: now, readyAt } })
}
