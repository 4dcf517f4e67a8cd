/**
 * The world inside a simulated MediaMTX: connections, the paths they publish on, and what time does to them. Pure: every function
 * takes the world and the time in milliseconds and gives the next world; nothing here waits, asks or sends. What will happen by
 * itself (a publisher getting ready, a silent one timing out) happens in `advance`, in the order of its times, whenever somebody
 * looks. The behaviour is that of MediaMTX 1.20.1, measured or read from its source; what is simplified is said where it is.
 */
import type { Protocol, Track } from "@greenroom/core"
import { familyOf } from "@greenroom/core"

export interface WorldOptions {
  /** From the answer of `/auth` until the path is ready, in milliseconds. */
  readonly readyAfter: { readonly rtmp: number; readonly rtsp: number; readonly srt: number; readonly webrtc: number }
  /** After so many silent milliseconds a connection is given up; also the time that an auth call may take. */
  readonly readTimeout: number
  /** How long a refused connection stays in its list. The real one draws 0 to 4 s. */
  readonly denialDelay: number
  /** Whether a newcomer on a path takes it from the publisher that is there, or has to go itself. */
  readonly overridePublisher: boolean
}

export const defaultOptions: WorldOptions = {
  readyAfter: { rtmp: 2_000, rtsp: 2, srt: 500, webrtc: 100 },
  readTimeout: 4_000,
  denialDelay: 4_000,
  overridePublisher: true
}

export type Phase =
  | { readonly _tag: "Asking" }
  | { readonly _tag: "Denied"; readonly until: number }
  /** Admitted; `readyAt` is `null` while the client does not go on (an ANNOUNCE without RECORD). */
  | { readonly _tag: "Preparing"; readonly since: number; readonly readyAt: number | null }
  | { readonly _tag: "Publishing"; readonly since: number }
  /** An RTSP publisher after PAUSE. */
  | { readonly _tag: "Paused" }
  | { readonly _tag: "Reading"; readonly since: number }

export interface Connection {
  readonly id: string
  readonly protocol: Protocol
  readonly action: "publish" | "read"
  readonly path: string
  readonly query: string
  readonly user: string
  readonly created: number
  /** Milliseconds from admission to ready; `null` when the client stalls. */
  readonly readyAfter: number | null
  readonly tracks: ReadonlyArray<Track>
  readonly phase: Phase
  /** Since when nothing comes from the client any more, though its connection stands. */
  readonly silentSince: number | null
}

/** A publisher on a path whose session MediaMTX has forgotten: in `paths/list`, in no list of sessions, out of reach of a kick. */
export interface Ghost {
  readonly connection: Connection
  readonly readyAt: number
}

export type CloseReason =
  | "left"
  | "kicked"
  | "denied"
  | "timed_out"
  | "evicted"
  | "path_taken"
  | "path_closed"
  | "server_down"

export type Happening =
  | { readonly _tag: "Ready"; readonly at: number; readonly connection: Connection }
  | { readonly _tag: "NotReady"; readonly at: number; readonly connection: Connection }
  | { readonly _tag: "Closed"; readonly at: number; readonly id: string; readonly reason: CloseReason }

export interface World {
  readonly options: WorldOptions
  readonly up: boolean
  /** As `/v3/info` says it. A new one with every start, also within one millisecond. */
  readonly started: string
  readonly starts: number
  readonly connections: ReadonlyMap<string, Connection>
  readonly ghosts: ReadonlyMap<string, Ghost>
  /** Exact path configurations that were added through the API; the value is `maxReaders`. */
  readonly configurations: ReadonlyMap<string, number>
  /** What happened since somebody last took it, oldest first. */
  readonly happened: ReadonlyArray<Happening>
}

const startedAt = (now: number, starts: number): string =>
  new Date(now).toISOString().replace("Z", `${String(starts % 1_000_000).padStart(6, "0")}Z`)

export const begin = (now: number, options: WorldOptions): World => ({
  options,
  up: true,
  started: startedAt(now, 1),
  starts: 1,
  connections: new Map(),
  ghosts: new Map(),
  configurations: new Map(),
  happened: []
})

const happens = (world: World, ...happenings: ReadonlyArray<Happening>): World => ({
  ...world,
  happened: [...world.happened, ...happenings]
})

const put = (world: World, connection: Connection): World => ({
  ...world,
  connections: new Map(world.connections).set(connection.id, connection)
})

const without = <V>(map: ReadonlyMap<string, V>, key: string): ReadonlyMap<string, V> => {
  const rest = new Map(map)
  rest.delete(key)
  return rest
}

const isRtsp = (connection: Connection): boolean => familyOf(connection.protocol) === "rtsp"

/** What stands on the path as its source, ghost or not. */
export const publisherOf = (world: World, path: string): Connection | undefined =>
  publishers(world).find((connection) => connection.path === path)

export const publishers = (world: World): ReadonlyArray<Connection> => [
  ...[...world.connections.values()].filter((connection) => connection.phase._tag === "Publishing"),
  ...[...world.ghosts.values()].flatMap((ghost) =>
    ghost.connection.phase._tag === "Publishing" ? [ghost.connection] : []
  )
]

export const readersOf = (world: World, path: string): ReadonlyArray<Connection> =>
  [...world.connections.values()].filter(
    (connection) => connection.phase._tag === "Reading" && connection.path === path
  )

/** The publisher leaves its path: it is not ready any more, and who reads from it is sent away. */
const vacate = (world: World, now: number, connection: Connection): World =>
  readersOf(world, connection.path).reduce(
    (next, reader) => close(next, now, reader.id, "path_closed"),
    happens(world, { _tag: "NotReady", at: now, connection })
  )

/** The connection leaves its list, and its path. Nothing when it is not there. */
export const close = (world: World, now: number, id: string, reason: CloseReason): World => {
  const connection = world.connections.get(id)
  if (connection === undefined) return world
  const gone = happens(
    { ...world, connections: without(world.connections, id) },
    { _tag: "Closed", at: now, id, reason }
  )
  return connection.phase._tag === "Publishing" ? vacate(gone, now, connection) : gone
}

const closeGhost = (world: World, now: number, id: string): World => {
  const ghost = world.ghosts.get(id)
  if (ghost === undefined) return world
  const gone = { ...world, ghosts: without(world.ghosts, id) }
  return ghost.connection.phase._tag === "Publishing" ? vacate(gone, now, ghost.connection) : gone
}

/** MediaMTX's `overridePublisher` decides between who is on the path and who comes. */
const takePath = (world: World, now: number, connection: Connection): World | "refused" => {
  const holder = publisherOf(world, connection.path)
  if (holder === undefined) return world
  if (!world.options.overridePublisher) return "refused"
  return world.ghosts.has(holder.id) ? closeGhost(world, now, holder.id) : close(world, now, holder.id, "evicted")
}

const becomeReady = (world: World, now: number, connection: Connection): World => {
  const free = takePath(world, now, connection)
  if (free === "refused") return close(world, now, connection.id, "path_taken")
  const publishing: Connection = { ...connection, phase: { _tag: "Publishing", since: now } }
  return happens(put(free, publishing), { _tag: "Ready", at: now, connection: publishing })
}

const ghostAppears = (world: World, now: number, ghost: Ghost): World => {
  const free = takePath(world, now, ghost.connection)
  if (free === "refused") return { ...world, ghosts: without(world.ghosts, ghost.connection.id) }
  const publishing: Connection = { ...ghost.connection, phase: { _tag: "Publishing", since: now } }
  const ghosts = new Map(free.ghosts).set(publishing.id, { ...ghost, connection: publishing })
  return happens({ ...free, ghosts }, { _tag: "Ready", at: now, connection: publishing })
}

/** When the connection is given up for its silence. RTSP sessions that neither record nor play may be silent for ever. */
const timesOutAt = (world: World, { phase, ...connection }: Connection): number | null => {
  const { readTimeout } = world.options
  if (phase._tag === "Asking" || phase._tag === "Denied" || phase._tag === "Paused") return null
  const stalled = phase._tag === "Preparing" && phase.readyAt === null
  if (stalled && familyOf(connection.protocol) === "rtsp") return null
  const silence = connection.silentSince ?? (stalled ? phase.since : null)
  return silence === null ? null : Math.max(silence, phase.since) + readTimeout
}

interface Due {
  readonly at: number
  readonly apply: (world: World, at: number) => World
}

const dueOf = (world: World, connection: Connection): Due | undefined => {
  const { phase, id } = connection
  if (phase._tag === "Denied") return { at: phase.until, apply: (next, at) => close(next, at, id, "denied") }
  const timeout = timesOutAt(world, connection)
  if (timeout !== null) return { at: timeout, apply: (next, at) => close(next, at, id, "timed_out") }
  if (phase._tag !== "Preparing" || phase.readyAt === null) return undefined
  return { at: phase.readyAt, apply: (next, at) => becomeReady(next, at, connection) }
}

const firstDue = (world: World): Due | undefined => {
  let first: Due | undefined
  const consider = (due: Due | undefined) => {
    if (due !== undefined && (first === undefined || due.at < first.at)) first = due
  }
  for (const connection of world.connections.values()) consider(dueOf(world, connection))
  for (const ghost of world.ghosts.values()) {
    if (ghost.connection.phase._tag === "Publishing") continue
    consider({ at: ghost.readyAt, apply: (later, at) => ghostAppears(later, at, ghost) })
  }
  return first
}

/** When something will happen by itself, if nobody acts before; `null` for never. */
export const nextDue = (world: World): number | null => firstDue(world)?.at ?? null

/** The world at `now`: everything that was due by then has happened, each at its own time. */
export const advance = (world: World, now: number): World => {
  let current = world
  for (;;) {
    const due = firstDue(current)
    if (due === undefined || due.at > now) return current
    current = due.apply(current, due.at)
  }
}

export type NewConnection = Omit<Connection, "created" | "phase" | "silentSince" | "readyAfter"> & {
  /** Another time than the protocol's; `null` for a client that never goes on. */
  readonly readyAfter?: number | null
}

/** A client connects: it stands in its list from now on, and its auth is to be asked. A server that is down knows nothing of it. */
export const connect = (world: World, now: number, options: NewConnection): World => {
  if (!world.up) return happens(world, { _tag: "Closed", at: now, id: options.id, reason: "server_down" })
  const { readyAfter = world.options.readyAfter[familyOf(options.protocol)], ...rest } = options
  return put(world, { ...rest, readyAfter, created: now, phase: { _tag: "Asking" }, silentSince: null })
}

/** The auth of the connection was answered. Nothing when it went away meanwhile. */
export const answer = (world: World, now: number, id: string, allowed: boolean): World => {
  const connection = world.connections.get(id)
  if (connection === undefined || connection.phase._tag !== "Asking") return world
  if (!allowed) return put(world, { ...connection, phase: { _tag: "Denied", until: now + world.options.denialDelay } })
  if (connection.action === "read") return startReading(world, now, connection)
  const readyAt = connection.readyAfter === null ? null : now + connection.readyAfter
  return put(world, { ...connection, phase: { _tag: "Preparing", since: now, readyAt } })
}

const startReading = (world: World, now: number, connection: Connection): World =>
  publisherOf(world, connection.path) === undefined
    ? close(world, now, connection.id, "path_closed")
    : put(world, { ...connection, phase: { _tag: "Reading", since: now } })

/**
 * The control API kicks. Between ANNOUNCE and a RECORD that is on its way, MediaMTX forgets an RTSP session, whose RECORD then
 * still puts it on the path.
 */
export const kick = (world: World, now: number, id: string): World => {
  const connection = world.connections.get(id)
  if (connection === undefined) return world
  const { phase } = connection
  const gone = close(world, now, id, "kicked")
  if (!isRtsp(connection) || phase._tag !== "Preparing" || phase.readyAt === null) return gone
  return { ...gone, ghosts: new Map(gone.ghosts).set(id, { connection, readyAt: phase.readyAt }) }
}

/**
 * The client's process is killed. Its kernel closes a TCP connection for it; SRT and WebRTC run over UDP, where nobody hears of it.
 * (A real WebRTC session takes MediaMTX's own ICE timeouts instead of `readTimeout`.)
 */
export const kill = (world: World, now: number, id: string): World => {
  const connection = world.connections.get(id)
  if (connection === undefined) return world
  const overTcp = familyOf(connection.protocol) === "rtmp" || familyOf(connection.protocol) === "rtsp"
  return overTcp ? close(world, now, id, "left") : freeze(world, now, id)
}

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

/** Adds an exact path configuration, which closes the path if that makes a difference to it. `false`: there is one already. */
export const configure = (world: World, now: number, path: string, maxReaders: number): World | false => {
  if (world.configurations.has(path)) return false
  const added = { ...world, configurations: new Map(world.configurations).set(path, maxReaders) }
  return maxReaders === 0 ? added : closePath(added, now, path)
}

/** Deletes one. `false`: there is none. */
export const deconfigure = (world: World, now: number, path: string): World | false => {
  const maxReaders = world.configurations.get(path)
  if (maxReaders === undefined) return false
  const deleted = { ...world, configurations: without(world.configurations, path) }
  return maxReaders === 0 ? deleted : closePath(deleted, now, path)
}

const closePath = (world: World, now: number, path: string): World => {
  const holder = publisherOf(world, path)
  if (holder === undefined) return world
  return world.ghosts.has(holder.id) ? closeGhost(world, now, holder.id) : close(world, now, holder.id, "path_closed")
}

/** The process ends: whoever was connected is not any more, and no hook is sent. */
export const stop = (world: World, now: number): World => {
  const closed: ReadonlyArray<Happening> = [...world.connections.keys()].map((id) => ({
    _tag: "Closed",
    at: now,
    id,
    reason: "server_down"
  }))
  return happens(
    { ...world, up: false, connections: new Map(), ghosts: new Map(), configurations: new Map() },
    ...closed
  )
}

export const start = (world: World, now: number): World =>
  world.up ? world : { ...world, up: true, starts: world.starts + 1, started: startedAt(now, world.starts + 1) }
