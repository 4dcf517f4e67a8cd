/** What is done to the whole server: its path configurations, its end and its beginning. */
import {
  close,
  closeGhost,
  type Happening,
  happens,
  type OwnSource,
  publisherOf,
  startedAt,
  type World,
  without
} from "./state.ts"

/** Adds an exact path configuration, which closes the path if that makes a difference to it. `false`: there is one already. */
export const configure = (world: World, now: number, path: string, maxReaders: number): World | false => {
  if (world.configurations.has(path)) return false
  const added = { ...world, configurations: new Map(world.configurations).set(path, maxReaders) }
  return maxReaders === 0 || !world.options.facts.pathFollowsConfiguration ? added : closePath(added, now, path)
}

/** Deletes one. `false`: there is none. */
export const deconfigure = (world: World, now: number, path: string): World | false => {
  const maxReaders = world.configurations.get(path)
  if (maxReaders === undefined) return false
  const deleted = { ...world, configurations: without(world.configurations, path) }
  return maxReaders === 0 || !world.options.facts.pathFollowsConfiguration ? deleted : closePath(deleted, now, path)
}

const closePath = (world: World, now: number, path: string): World => {
  const holder = publisherOf(world, path)
  if (holder === undefined) return world
  return world.ghosts.has(holder.id) ? closeGhost(world, now, holder.id) : close(world, now, holder.id, "path_closed")
}

/** Gives the path a source of the server's own, or takes it away. */
export const setOwnSource = (world: World, path: string, source: OwnSource | null): World => {
  // Viewers of a source that goes stay here until they leave: sources are set without a time.
  const rest = without(world.ownSources, path)
  return { ...world, ownSources: source === null ? rest : new Map(rest).set(path, source) }
}

/** The process ends: every connection is gone, and no hook is sent. */
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
