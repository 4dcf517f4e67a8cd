/**
 * What must hold of viewers when nothing has gone wrong for 5 seconds: nobody watches without right, and who watches is counted once, in the store's rows
 * and in the stream's number. And what must hold whatever the store does: a session whose token has expired is kicked.
 */
import { isAtLeast, type World } from "@greenroom/mediamtx-simulator"
import type { Disagreement } from "./Agreement.ts"
import type { Kernel } from "./Kernel.ts"
import type { MediaHost } from "./MediaHost.ts"
import type { Players } from "./Players.ts"
import type { SimulatedStore } from "./SimulatedStore.ts"
import type { Setting } from "./Step.ts"
import type { ViewerInvariants } from "./ViewerInvariants.ts"

export interface ViewerAgreementOptions {
  readonly kernel: Kernel
  readonly store: SimulatedStore
  readonly host: MediaHost
  readonly setting: Setting
  readonly players: Players
  readonly viewers: ViewerInvariants
  /** Those that were started before then, and have been awake since. */
  readonly awakeSince: (time: number) => ReadonlyArray<string>
  readonly alive: () => ReadonlyArray<string>
}

const WITHIN_MS = 5_000
/** From when a session begins or ends until that is written: a pass, and the look at HLS. */
const WRITTEN_WITHIN_MS = 4_500
/** An HLS player that asks for nothing counts for so long at most (contract: 10 s), and for the shortest time in which a player may ask for nothing at least. */
const IDLE_MS = { least: 4_500, most: 10_000 } as const
/** By its own clock a leader kicks at the latest so long after the end of a token: the skew, and 5 s. */
const EXPIRED_WITHIN_MS = 10_500

type Counted = "yes" | "no" | "either"

export const makeViewerAgreement = (options: ViewerAgreementOptions) => {
  const { kernel, store, host, setting, players, viewers, awakeSince, alive } = options
  const { state } = store
  let led: { readonly by: string; readonly since: number } | null = null

  const readers = () => [...host.world().connections.values()].filter(({ phase }) => phase._tag === "Reading")
  const wasKept = (id: string, since: number) => (host.keptSince(id) ?? Number.NEGATIVE_INFINITY) >= since
  /** Who leads, if for so long nothing has happened to it, to another instance or to the media server. */
  const leaderUndisturbedFor = (millis: number): string | null => {
    const since = kernel.now() - millis
    const awake = awakeSince(since)
    if (led === null || led.since > since || !awake.includes(led.by)) return null
    return alive().every((one) => awake.includes(one)) && host.wasWellSince(since) ? led.by : null
  }
  /** Before 1.17 MediaMTX does not show user names, so nobody but who has let it in knows whose such a session is. */
  const isUntold = (id: string): boolean =>
    !isAtLeast(setting.version, "1.17.0") && !state.viewers.has(id) && players.shownBy(id)?.isInQuery !== true
  const mustGo = (connection: World.Connection): boolean => {
    const { id } = connection
    const since = kernel.now() - WITHIN_MS
    if (
      connection.isCdn ||
      isUntold(id) ||
      wasKept(id, since) ||
      viewers.isHidden(id) ||
      viewers.changedAt(connection) >= since
    )
      return false
    const verdicts = [0, WITHIN_MS].map((ago) => viewers.verdictOf(connection, alive(), ago))
    return verdicts.every((verdict) => verdict === "no")
  }
  const isTooMany = ({ id }: World.Connection, all: ReadonlyArray<World.Connection>): boolean => {
    const token = viewers.tokenOf(id)
    const max = token?.claims.maxSessions ?? null
    return max !== null && all.filter((other) => viewers.tokenOf(other.id)?.claims.id === token?.claims.id).length > max
  }
  const counts = (connection: World.Connection, all: ReadonlyArray<World.Connection>): Counted => {
    const { id, protocol, silentSince, phase } = connection
    const now = kernel.now()
    if (protocol === "hls" && silentSince !== null && silentSince < now - IDLE_MS.most) {
      // Who leads has to see twice that nothing was read.
      return leaderUndisturbedFor(IDLE_MS.most) !== null && store.wasWellSince(now - IDLE_MS.most) ? "no" : "either"
    }
    const isNew = phase._tag === "Reading" && phase.since > now - WRITTEN_WITHIN_MS
    const isIdle = silentSince !== null && silentSince < now - IDLE_MS.least
    const hasJustComeBack = players.cameBackAt(id) > now - WRITTEN_WITHIN_MS
    if (isNew || isIdle || hasJustComeBack || viewers.isHidden(id) || isTooMany(connection, all)) return "either"
    if (isUntold(id) && viewers.tokenOf(id) !== null) return "either"
    if (viewers.isWished(id) || wasKept(id, now - WITHIN_MS)) return "either"
    return viewers.verdictOf(connection, alive(), 0) === "yes" ? "yes" : "either"
  }

  /** What is not so yet, a sentence each. */
  const disagreements = (): ReadonlyArray<Disagreement> => {
    // Without a control API nobody is seen and nobody can be kicked.
    if (setting.controlApi === "absent") return []
    const all = readers()
    const found: Array<Disagreement> = []
    const no = (invariant: Disagreement["invariant"], what: string) => void found.push({ invariant, what })
    const byPath = new Map<string, { sure: number; either: number }>()
    for (const connection of all) {
      const { id, path } = connection
      if (mustGo(connection)) no("watch", `${id} watches ${path}, which it may not`)
      const counted = counts(connection, all)
      const numbers = byPath.get(path) ?? { sure: 0, either: 0 }
      byPath.set(path, numbers)
      if (counted === "yes") numbers.sure += 1
      if (counted === "either") numbers.either += 1
      if (counted === "yes" && !state.viewers.has(id)) no("count", `${id} watches ${path}, and has no row`)
      if (counted === "no" && state.viewers.has(id)) no("count", `${id} asks for nothing, and has a row`)
    }
    for (const { id, path } of state.viewers.values()) {
      const isThere = all.some((connection) => connection.id === id)
      if (!isThere && !viewers.hasLeft(path, kernel.now() - WRITTEN_WITHIN_MS))
        no("count", `${id} has a row, and does not watch`)
    }
    for (const streamId of state.unended) {
      const { state: at, path, observation, sourceId } = state.streams.get(streamId)!
      if (at._tag !== "Active" || host.world().connections.get(sourceId)?.phase._tag !== "Publishing") continue
      const { sure, either } = byPath.get(path) ?? { sure: 0, either: 0 }
      if (viewers.hasLeft(path, kernel.now() - WRITTEN_WITHIN_MS)) continue
      const { viewerCount } = observation
      if (viewerCount < sure || viewerCount > sure + either)
        no("count", `${streamId} has ${viewerCount} viewers, and ${sure} watch (${either} more may count)`)
    }
    return found
  }

  /** A session whose token has ended for so long that the leader must have kicked it, whatever the store does. */
  const overdue = (): string | null => {
    const holder = state.leases.get("main")?.holder
    if (holder === undefined) return null
    if (led?.by !== holder) led = { by: holder, since: kernel.now() }
    const leader = leaderUndisturbedFor(EXPIRED_WITHIN_MS + WITHIN_MS)
    if (leader === null || setting.controlApi === "absent") return null
    const since = kernel.now() - EXPIRED_WITHIN_MS - WITHIN_MS
    const late = readers().find((connection) => {
      const { id } = connection
      if (viewers.tokenOf(id) === null || !(players.shownBy(id)?.isInQuery === true || state.viewers.has(id)))
        return false
      if (connection.phase._tag !== "Reading" || connection.phase.since > since || wasKept(id, since)) return false
      if (viewers.changedAt(connection) >= since) return false
      return viewers.verdictOf(connection, [leader], WITHIN_MS) === "no"
    })
    return late === undefined ? null : `${late.id} watches ${late.path}, though its right has ended more than 5 s ago`
  }

  return { disagreements, overdue }
}

export type ViewerAgreement = ReturnType<typeof makeViewerAgreement>
