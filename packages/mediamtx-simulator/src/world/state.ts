/** What a simulated MediaMTX holds, and how something leaves it. */
import type { Track, ViewerProtocol } from "@greenroom/core"
import { isRtspProtocol } from "../families.ts"
import { defaultVersion, factsOf, type VersionFacts } from "../versions.ts"

export interface WorldOptions {
  /** From the answer of `/auth` until the path is ready, in milliseconds. */
  readonly readyAfter: {
    readonly rtmp: number
    readonly rtsp: number
    readonly srt: number
    readonly webrtc: number
    readonly moq: number
  }
  /** After so many silent milliseconds a connection is given up. */
  readonly readTimeout: number
  /** The time that an auth call may take, in milliseconds. The real one has one setting for both, its `readTimeout`. */
  readonly authTimeout: number
  /** How long a refused connection stays in its list. The real one draws 0 to 4 s. */
  readonly denialDelay: number
  /** After so many milliseconds without a request an HLS session is closed, by a check that comes every so often. */
  readonly hlsInactivity: { readonly closeAfter: number; readonly checkEvery: number }
  /** Whether a newcomer on a path takes it from the publisher that is there, or has to go itself. */
  readonly overridePublisher: boolean
  /** What its version does otherwise than others. */
  readonly facts: VersionFacts
}

export const defaultOptions: WorldOptions = {
  readyAfter: { rtmp: 2_000, rtsp: 2, srt: 500, webrtc: 100, moq: 1 },
  readTimeout: 4_000,
  authTimeout: 4_000,
  denialDelay: 4_000,
  hlsInactivity: { closeAfter: 30_000, checkEvery: 10_000 },
  overridePublisher: true,
  facts: factsOf(defaultVersion)
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
  /** In its protocol's list, on its path and in a kick. */
  readonly id: string
  /** In its auth call: the connection's or the session's, as the version has it. */
  readonly authId: string
  /**
   * Of the TCP connection under an RTSP session, in a list of its own. Of the session that an HLS player gets whose first request was refused. Other
   * protocols have one id.
   */
  readonly connectionId: string
  readonly ip: string
  /** The client's. No two of those that are listed have the same. */
  readonly port: number
  readonly protocol: ViewerProtocol
  readonly action: "publish" | "read"
  readonly path: string
  readonly query: string
  /** What the question had that let it in. */
  readonly user: string
  /** An HLS session of a CDN, which is not asked about. */
  readonly isCdn: boolean
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

/** A source that MediaMTX has by its own configuration: one that it pulls, a redirect, a file shown while no client publishes, a command. */
export type OwnSource = "pulled" | "redirect" | "always available" | "on demand"

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
  /** As `/v3/info` gives it. A new one with every start, also within one millisecond. */
  readonly started: string
  readonly starts: number
  /** How many clients have connected so far. */
  readonly connected: number
  readonly connections: ReadonlyMap<string, Connection>
  readonly ghosts: ReadonlyMap<string, Ghost>
  /** Exact path configurations that were added through the API; the value is `maxReaders`. */
  readonly configurations: ReadonlyMap<string, number>
  /** By their paths. They are configured in its file, so that they outlast a restart. */
  readonly ownSources: ReadonlyMap<string, OwnSource>
  /** What happened since it was last taken, oldest first. */
  readonly happened: ReadonlyArray<Happening>
}

export const startedAt = (now: number, starts: number): string =>
  new Date(now).toISOString().replace("Z", `${String(starts % 1_000_000).padStart(6, "0")}Z`)

export const begin = (now: number, options: WorldOptions): World => ({
  options,
  up: true,
  started: startedAt(now, 1),
  starts: 1,
  connected: 0,
  connections: new Map(),
  ghosts: new Map(),
  configurations: new Map(),
  ownSources: new Map(),
  happened: []
})

export const happens = (world: World, ...happenings: ReadonlyArray<Happening>): World => ({
  ...world,
  happened: [...world.happened, ...happenings]
})

export const put = (world: World, connection: Connection): World => ({
  ...world,
  connections: new Map(world.connections).set(connection.id, connection)
})

export const without = <V>(map: ReadonlyMap<string, V>, key: string): ReadonlyMap<string, V> => {
  const rest = new Map(map)
  rest.delete(key)
  return rest
}

export const isRtsp = (connection: Connection): boolean => isRtspProtocol(connection.protocol)

/** Those that stand on a path as its source, ghosts among them, whether or not the path is ready. */
export const sources = (world: World): ReadonlyArray<Connection> =>
  world.options.facts.pathTakenWhen === "ready"
    ? publishers(world)
    : [
        ...publishers(world),
        ...[...world.connections.values()].filter(
          ({ action, phase }) => action === "publish" && (phase._tag === "Preparing" || phase._tag === "Paused")
        )
      ]

export const publisherOf = (world: World, path: string): Connection | undefined =>
  sources(world).find((connection) => connection.path === path)

/** Those whose path is ready. */
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
export const vacate = (world: World, now: number, connection: Connection): World =>
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

export const closeGhost = (world: World, now: number, id: string): World => {
  const ghost = world.ghosts.get(id)
  if (ghost === undefined) return world
  const gone = { ...world, ghosts: without(world.ghosts, id) }
  return ghost.connection.phase._tag === "Publishing" ? vacate(gone, now, ghost.connection) : gone
}
