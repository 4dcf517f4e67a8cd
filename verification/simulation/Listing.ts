/**
 * What the control API's lists would say of a simulated MediaMTX: one list a family of protocols, and the list of paths. A reading is
 * one answer; how a whole look is made of readings is `SimulatedMediaServer`'s.
 */
import {
  type ListedPath,
  type ListedSource,
  type MediaServerUnavailable,
  type Protocol,
  saysPublishEarly,
  sourceTypes
} from "@greenroom/core"
import { World } from "@greenroom/mediamtx-simulator"
import type { OwnSource } from "./Step.ts"

/** An answer of the control API: all of it, a part that says so itself (its count does not fit), or none. */
export type Reading<A> =
  | { readonly _tag: "Whole"; readonly value: A }
  | { readonly _tag: "Half"; readonly value: A }
  | { readonly _tag: "Failed"; readonly why: MediaServerUnavailable["reason"] }

const BYTES_A_MILLISECOND = 25

export const isOnPath = ({ phase }: World.Connection): boolean =>
  phase._tag === "Publishing" || phase._tag === "Reading"

/** Admitted by an auth, whatever it does now. */
export const isAdmitted = ({ phase }: World.Connection): boolean => phase._tag !== "Asking" && phase._tag !== "Denied"

/** WebRTC and MoQ call themselves publishers from the start, the others once they have their path. */
const stateOf = (connection: World.Connection, sources: ReadonlySet<World.Connection>): ListedSource["state"] => {
  if (saysPublishEarly(connection.protocol)) return connection.action
  if (sources.has(connection)) return "publish"
  return connection.phase._tag === "Publishing" ? "publish" : connection.phase._tag === "Reading" ? "read" : "idle"
}

/** One protocol's list. */
export const sourcesOf = (world: World.World, list: Protocol): ReadonlyArray<ListedSource> => {
  const listed: Array<ListedSource> = []
  const sources = new Set(World.sources(world))
  for (const connection of world.connections.values()) {
    const { id, protocol, path } = connection
    if (protocol !== list) continue
    const established = !saysPublishEarly(protocol) || isOnPath(connection)
    listed.push({ id, protocol, state: stateOf(connection, sources), established, path: path === "" ? null : path })
  }
  return listed
}

/** The real adapter leaves paths without a publisher out. Here the core sees them, to show that it leaves them alone as well. */
const ownSourceTypes: { readonly [S in OwnSource]: string } = {
  pulled: "rtspSource",
  redirect: "redirect",
  "always available": "",
  "on demand": ""
}

/** `own`: the paths that the server has by its own configuration, by their names. */
export const pathsOf = (
  world: World.World,
  now: number,
  own: ReadonlyMap<string, OwnSource>
): ReadonlyArray<ListedPath> => {
  const viewers = new Map<string, number>()
  for (const { phase, path } of world.connections.values()) {
    if (phase._tag === "Reading") viewers.set(path, (viewers.get(path) ?? 0) + 1)
  }
  const paths: Array<ListedPath> = World.sources(world).map((publisher) => ({
    name: publisher.path,
    ready: publisher.phase._tag === "Publishing",
    sourceType: sourceTypes[publisher.protocol],
    sourceId: publisher.id,
    observation: {
      tracks: publisher.tracks,
      viewerCount: viewers.get(publisher.path) ?? 0,
      inboundBytes: publisher.phase._tag === "Publishing" ? (now - publisher.phase.since) * BYTES_A_MILLISECOND : 0
    }
  }))
  for (const [name, source] of own) {
    if (paths.some((path) => path.name === name)) continue
    const observation = { tracks: [], viewerCount: 0, inboundBytes: 0 }
    const sourceType = ownSourceTypes[source]
    paths.push({ name, ready: source !== "on demand", sourceType, sourceId: "", observation })
  }
  return paths
}
