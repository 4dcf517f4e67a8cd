/**
 * What can be seen of a `World` from outside: which list shows which connection, in what state, and what stands on which path.
 * `MemoryMediaServer` makes a `Look` of it, `TwinServer` the JSON of the control API.
 */
import type { ListedPath, ListedSource, Look, Protocol } from "@greenroom/core"
import { protocols, saysPublishEarly } from "@greenroom/core"
import { type Connection, publishers, readersOf, type World } from "./World.ts"

/** Publishers send 200 kbit/s. */
const BYTES_A_MILLISECOND = 25

export const sourceTypeOf: { readonly [P in Protocol]: string } = {
  rtmp: "rtmpConn",
  rtmps: "rtmpsConn",
  rtsp: "rtspSession",
  rtsps: "rtspsSession",
  srt: "srtConn",
  webrtc: "webRTCSession",
  moq: "moqSession"
}

/** A WebRTC or MoQ session calls itself a publisher from the start, the others only once they are on their path. */
export const stateOf = (connection: Connection): ListedSource["state"] => {
  if (saysPublishEarly(connection.protocol)) return connection.action === "publish" ? "publish" : "read"
  if (connection.phase._tag === "Publishing") return "publish"
  return connection.phase._tag === "Reading" ? "read" : "idle"
}

export const isEstablished = (connection: Connection): boolean =>
  connection.phase._tag === "Publishing" || connection.phase._tag === "Reading"

/** The path as the list shows it: RTSP knows it from the ANNOUNCE on, RTMP and SRT when they publish. */
export const shownPathOf = (connection: Connection): string => {
  const { protocol, phase } = connection
  const early =
    saysPublishEarly(protocol) || (/^rtsp/.test(protocol) && phase._tag !== "Asking" && phase._tag !== "Denied")
  return early || isEstablished(connection) ? connection.path : ""
}

export const inboundBytesOf = (connection: Connection, now: number): number =>
  connection.phase._tag === "Publishing"
    ? Math.max(0, (connection.silentSince ?? now) - connection.phase.since) * BYTES_A_MILLISECOND
    : 0

export const listOf = (world: World, protocol: Protocol): ReadonlyArray<Connection> =>
  [...world.connections.values()].filter((connection) => connection.protocol === protocol)

export interface SeenPath {
  readonly name: string
  /** `null` on a path that only has a configuration. */
  readonly publisher: Connection | null
  readonly readers: ReadonlyArray<Connection>
}

/** By name, as the control API sorts them. */
export const pathsOf = (world: World): ReadonlyArray<SeenPath> => {
  const byName = new Map<string, SeenPath>()
  for (const name of world.configurations.keys()) byName.set(name, { name, publisher: null, readers: [] })
  for (const publisher of publishers(world)) {
    byName.set(publisher.path, { name: publisher.path, publisher, readers: readersOf(world, publisher.path) })
  }
  return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

const listed = (connection: Connection): ListedSource => ({
  id: connection.id,
  protocol: connection.protocol,
  state: stateOf(connection),
  established: !saysPublishEarly(connection.protocol) || isEstablished(connection),
  path: shownPathOf(connection) || null
})

const listedPath = ({ name, publisher, readers }: SeenPath, now: number): ReadonlyArray<ListedPath> =>
  publisher === null
    ? []
    : [
        {
          name,
          ready: true,
          sourceType: sourceTypeOf[publisher.protocol],
          sourceId: publisher.id,
          observation: {
            tracks: publisher.tracks,
            viewerCount: readers.length,
            inboundBytes: inboundBytesOf(publisher, now)
          }
        }
      ]

export const lookAt = (world: World, now: number): Look => ({
  started: world.started,
  sources: protocols.flatMap((protocol) => listOf(world, protocol).map(listed)),
  paths: pathsOf(world).flatMap((path) => listedPath(path, now)),
  ownPaths: []
})
