/**
 * What can be seen of a `World` from outside: which list shows which connection, in what state, and what stands on which path.
 * `SimulatorApi` makes the JSON of the control API of it.
 */
import { type ListedSource, sourceTypes, type ViewerProtocol } from "@greenroom/core"
import { showsStateEarly } from "./families.ts"
import type { VersionFacts } from "./versions.ts"
import { type Connection, type OwnSource, readersOf, sources, type World } from "./World.ts"

/** Publishers send 200 kbit/s. */
const BYTES_A_MILLISECOND = 25

export const sourceTypeOf = (protocol: ViewerProtocol, facts: VersionFacts): string => {
  if (protocol === "hls") return facts.hlsSessions ? "hlsSession" : "hlsMuxer"
  return protocol === "webrtc" ? facts.webrtcSourceType : sourceTypes[protocol]
}

/** The readers of a path as its item has them. Up to 1.17 the muxer is one, whatever the number of its viewers. */
export const readerItems = (readers: ReadonlyArray<Connection>, facts: VersionFacts) => {
  const isOfMuxer = ({ protocol }: Connection) => protocol === "hls" && !facts.hlsSessions
  const muxer = readers.some(isOfMuxer) ? [{ type: "hlsMuxer", id: "" }] : []
  const sessions = readers.filter((reader) => !isOfMuxer(reader))
  return [...muxer, ...sessions.map(({ protocol, id }) => ({ type: sourceTypeOf(protocol, facts), id }))]
}

/** In old versions one calls itself a publisher as soon as it has the path. */
const publishesWhenAdmitted = ({ action, phase }: Connection, facts: VersionFacts): boolean =>
  facts.pathTakenWhen === "admitted" && action === "publish" && (phase._tag === "Preparing" || phase._tag === "Paused")

/** A WebRTC or MoQ session calls itself a publisher from the start, the others only once they are on their path. */
export const stateOf = (connection: Connection, facts: VersionFacts): ListedSource["state"] => {
  if (showsStateEarly(connection.protocol)) return connection.action === "publish" ? "publish" : "read"
  if (publishesWhenAdmitted(connection, facts)) return "publish"
  if (connection.phase._tag === "Publishing") return "publish"
  return connection.phase._tag === "Reading" ? "read" : "idle"
}

export const isEstablished = (connection: Connection): boolean =>
  connection.phase._tag === "Publishing" || connection.phase._tag === "Reading"

/** The path as the list shows it: RTSP knows it from the ANNOUNCE on, RTMP and SRT when they call themselves publishers. */
export const shownPathOf = (connection: Connection, facts: VersionFacts): string => {
  const { protocol, phase } = connection
  const early =
    showsStateEarly(protocol) || (/^rtsp/.test(protocol) && phase._tag !== "Asking" && phase._tag !== "Denied")
  return early || stateOf(connection, facts) !== "idle" ? connection.path : ""
}

export const inboundBytesOf = (connection: Connection, now: number): number =>
  connection.phase._tag === "Publishing"
    ? Math.max(0, (connection.silentSince ?? now) - connection.phase.since) * BYTES_A_MILLISECOND
    : 0

/** Viewers get 200 kbit/s, an HLS player while it asks. */
export const outboundBytesOf = ({ phase, silentSince }: Connection, now: number): number =>
  phase._tag === "Reading" ? Math.max(0, (silentSince ?? now) - phase.since) * BYTES_A_MILLISECOND : 0

/** An HLS session is listed from its admission on. */
const isListed = ({ protocol, phase }: Connection): boolean => protocol !== "hls" || phase._tag === "Reading"

export const listOf = (world: World, protocol: ViewerProtocol): ReadonlyArray<Connection> =>
  [...world.connections.values()].filter((connection) => connection.protocol === protocol && isListed(connection))

export interface SeenPath {
  readonly name: string
  /** `null` on a path that only has a configuration. */
  readonly publisher: Connection | null
  readonly readers: ReadonlyArray<Connection>
  /** The server's own source, where no client publishes. */
  readonly own: OwnSource | null
}

/** By name, as the control API sorts them. */
export const pathsOf = (world: World): ReadonlyArray<SeenPath> => {
  const byName = new Map<string, SeenPath>()
  for (const name of world.configurations.keys()) byName.set(name, { name, publisher: null, readers: [], own: null })
  for (const [name, own] of world.ownSources) {
    byName.set(name, { name, publisher: null, readers: readersOf(world, name), own })
  }
  for (const publisher of sources(world)) {
    byName.set(publisher.path, {
      name: publisher.path,
      publisher,
      readers: readersOf(world, publisher.path),
      own: null
    })
  }
  return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}
