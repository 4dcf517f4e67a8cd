/**
 * Invariants 2 and 3: when nothing has gone wrong for 5 seconds, the live sessions are the listed publishers, path by path, and whoever
 * is not to be on the air has been kicked. What is not so yet is said in a sentence each.
 */
import { saysPublishEarly } from "@greenroom/core"
import { DateTime } from "effect"
import type { Kernel } from "./Kernel.ts"
import { isBlocked, whyBad } from "./keyValidityOracle.ts"
import { isAdmitted, type MediaHost } from "./MediaHost.ts"
import type { Member } from "./Scenario.ts"
import type { SimulatedStore } from "./SimulatedStore.ts"
import type { Setting } from "./Step.ts"

/** Events are placed four times a second. */
const WRITTEN_WITHIN_MS = 1_000

export interface Disagreement {
  readonly invariant: "2" | "3" | "5" | "watch" | "count"
  readonly what: string
}

/** Whether this place's key is good, and neither key nor path are anybody's. */
export const isFree = ({ key, path }: Member, kernel: Kernel, { state }: SimulatedStore, host: MediaHost): boolean =>
  whyBad(state, key.id, kernel.now()) === null &&
  !isBlocked(state, key.id, path, kernel.now()) &&
  ![...state.unended].some((id) => {
    const row = state.streams.get(id)!
    return row.streamKeyId === key.id || row.path === path
  }) &&
  ![...host.world().connections.values()].some((connection) => connection.path === path)

export const disagreements = (
  kernel: Kernel,
  store: SimulatedStore,
  host: MediaHost,
  { unauthorized, massKickLimit, controlApi }: Setting,
  wereTooMany: boolean
): ReadonlyArray<Disagreement> => {
  const { state } = store
  const world = host.world()
  const found: Array<Disagreement> = []
  const no = (invariant: Disagreement["invariant"], what: string) => void found.push({ invariant, what })

  for (const id of state.unended) {
    const { sourceId, path, state: at, streamKeyId } = state.streams.get(id)!
    const connection = world.connections.get(sourceId)
    if (connection === undefined) no("3", `${id} on ${path} has not ended, but ${sourceId} is not listed`)
    const bad = whyBad(state, streamKeyId, kernel.now())
    if (bad !== null && at._tag !== "Inactive" && at.ending === null)
      no("5", `${id} goes on, although its key is ${bad}`)
  }

  for (const { id, revokedAt, revokesAt } of state.keys.values()) {
    const isOver = revokesAt !== null && DateTime.toEpochMillis(revokesAt) <= kernel.now() - WRITTEN_WITHIN_MS
    if (isOver && revokedAt === null) no("5", `the overlap of ${id} has ended, and no revocation is written`)
  }

  // Without a control API nobody is seen and nobody can be kicked.
  if (controlApi === "absent") return found

  const publishers = [...world.connections.values()].filter(
    (connection) => connection.action === "publish" && isAdmitted(connection)
  )
  const isPublishing = ({ phase }: (typeof publishers)[number]) => phase._tag === "Publishing"
  const unknown = publishers.filter(
    (connection) => isPublishing(connection) && !state.streamBySource.has(connection.id)
  )
  const lease = state.leases.get("main")
  const enforced = (lease?.enforceUntil ?? 0) > kernel.now()
  const lastFound = lease?.lastSnapshot?.found
  const heldBack = (lastFound?.heldBack ?? 0) > 0 && (wereTooMany || lastFound?.heldWhy === "another_asks")
  const tolerated = unauthorized === "report" || ((heldBack || unknown.length > massKickLimit) && !enforced)
  for (const connection of publishers) {
    const { id: source, path } = connection
    const id = state.streamBySource.get(source)
    if (id === undefined) {
      if (!tolerated && isPublishing(connection))
        no("2", `${source} publishes on ${path}, and the store does not know it`)
      continue
    }
    const row = state.streams.get(id)!
    // Who does not publish is no publisher, whatever it was or may become: an RTSP session in its pause, a WebRTC one before it stands.
    const mayStand =
      !isPublishing(connection) &&
      (row.state._tag === "Inactive" || (connection.protocol !== "hls" && saysPublishEarly(connection.protocol)))
    if (mayStand) continue
    if (row.state._tag === "Inactive") no("2", `${source} is on the media server, but ${id} has ended`)
    else if (row.state.ending !== null) no("2", `${source} is on the media server, but ${id} is to stop`)
    else if (row.path !== path) no("3", `${source} publishes on ${path}, ${id} on ${row.path}`)
    else if (isPublishing(connection) && row.state._tag !== "Active")
      no("3", `${source} publishes, but ${id} is not active`)
  }
  for (const { connection } of world.ghosts.values()) no("2", `${connection.path} has a publisher that no list shows`)
  return found
}
