/** The media server of a stage: connections, listed or not, on a path or not. It answers at once and forgets whom it kicks. */
import {
  allEnabled,
  familyOf,
  type ListedSource,
  MediaServer,
  type MediaServerFacts,
  type MediaServerSnapshot,
  type Protocol,
  recommendedFacts,
  type Source,
  sourceTypes,
  type ViewerDescription,
  type ViewerRef
} from "@greenroom/core"
import { Effect, Layer } from "effect"
import type { Noted } from "./calls.ts"

export interface Connection {
  readonly id: string
  readonly protocol: Protocol
  state: ListedSource["state"]
  established: boolean
  readonly path: string
  /** In its protocol's list. A publisher that is only on its path is the ghost of RTSP. */
  listed: boolean
  onPath: "no" | "waiting" | "ready"
}

export const makeMediaServer = (noted: Noted) => {
  const connections = new Map<string, Connection>()
  /** The sessions that read a path, by their ids. */
  const viewers = new Map<string, ViewerDescription>()
  const server = {
    started: "1",
    facts: recommendedFacts as MediaServerFacts | null,
    remembered: null as MediaServerFacts | null,
    inboundBytes: 9,
    /** The snapshots that were asked for as a recheck, with the lists of each. */
    rechecks: [] as Array<ReadonlyArray<Protocol>>
  }
  const find = (source: Source): Connection | undefined => {
    const found = connections.get(source.id)
    const same = source.protocol === null || (found && familyOf(found.protocol) === familyOf(source.protocol))
    return found?.listed === true && same ? found : undefined
  }
  const look = (): MediaServerSnapshot => ({
    started: server.started,
    sources: [...connections.values()].filter((one) => one.listed),
    paths: [...connections.values()]
      .filter((one) => one.onPath !== "no")
      .map((one) => ({
        name: one.path,
        ready: one.onPath === "ready",
        sourceType: sourceTypes[one.protocol],
        sourceId: one.id,
        observation: { tracks: [{ codec: "H264" }], viewerCount: 1, inboundBytes: server.inboundBytes }
      })),
    ownPaths: [],
    readers: [...viewers.values()].map(({ protocol, id, path }) => ({ protocol, id, path }))
  })
  const kick = (source: Source) => {
    if (find(source) === undefined) return "gone"
    connections.delete(source.id)
    return "kicked"
  }
  const resetPath = (path: string) => {
    for (const one of connections.values()) if (one.path === path) connections.delete(one.id)
  }
  const kickViewer = ({ id }: ViewerRef) => (viewers.delete(id) ? "kicked" : "gone")
  const calls = noted("MediaServer", {
    snapshot: Effect.sync(look),
    find: (source: Source) => Effect.sync(() => (find(source) === undefined ? "gone" : "present")),
    kick: (source: Source) => Effect.sync(() => kick(source)),
    findViewer: ({ id }: ViewerRef) => Effect.sync(() => viewers.get(id) ?? ("gone" as const)),
    viewersOf: (protocol: ViewerRef["protocol"]) =>
      Effect.sync(() => [...viewers.values()].filter((one) => one.protocol === protocol)),
    kickViewer: (viewer: ViewerRef) => Effect.sync(() => kickViewer(viewer)),
    resetPath: (path: string) => Effect.sync(() => resetPath(path))
  })
  const layer = Layer.succeed(MediaServer)({
    ...calls,
    recheck: (lists) =>
      Effect.andThen(
        Effect.sync(() => void server.rechecks.push([...lists])),
        calls.snapshot
      ),
    enabled: Effect.succeed(allEnabled),
    facts: Effect.sync(() => server.remembered ?? server.facts),
    factsNow: Effect.sync(() => server.facts),
    health: Effect.succeed("ok")
  })
  return {
    layer,
    connections,
    viewers,
    server,
    /** A publisher `source-n` on `live/n`, ready unless said otherwise. */
    connect: (n: number, more: Partial<Connection> = {}): Connection => {
      const connection: Connection = {
        id: `source-${n}`,
        protocol: "rtmp",
        state: "publish",
        established: true,
        path: `live/${n}`,
        listed: true,
        onPath: "ready",
        ...more
      }
      connections.set(connection.id, connection)
      return connection
    }
  }
}
