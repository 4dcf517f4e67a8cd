/** What happens by itself as time goes by: a publisher gets ready, a silent one is given up, a refused one leaves. */
import { isRtspProtocol } from "../families.ts"
import {
  type Connection,
  close,
  closeGhost,
  type Ghost,
  happens,
  publisherOf,
  put,
  type World,
  without
} from "./state.ts"

/** MediaMTX's `overridePublisher` decides between who is on the path and who comes. */
export const takePath = (world: World, now: number, connection: Connection): World | "refused" => {
  const holder = publisherOf(world, connection.path)
  if (holder === undefined || holder.id === connection.id) return world
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

/** A muxer closes the sessions that were silent for long each time that it checks, since it began: with its first viewer, as is simplified here. */
const inactiveAt = ({ hlsInactivity: { closeAfter, checkEvery } }: World["options"], silence: number, begun: number) =>
  begun + Math.max(1, Math.ceil((silence + closeAfter - begun) / checkEvery)) * checkEvery

/** When the connection is given up for its silence. RTSP sessions that neither record nor play may be silent for ever. */
const timesOutAt = (world: World, { phase, protocol, silentSince }: Connection): number | null => {
  const { readTimeout } = world.options
  if (phase._tag === "Asking" || phase._tag === "Denied" || phase._tag === "Paused") return null
  if (protocol === "hls") return silentSince === null ? null : inactiveAt(world.options, silentSince, phase.since)
  const stalled = phase._tag === "Preparing" && phase.readyAt === null
  if (stalled && isRtspProtocol(protocol)) return null
  const silence = silentSince ?? (stalled ? phase.since : null)
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

/** When something will happen by itself, if no client acts before; `null` for never. */
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
