/** What a pass plans for the sessions of the store: which have ended, which are ready, which are to be stopped or kicked. Pure. */
import type { DateTime } from "effect"
import type { Observation } from "../streams/LiveStream.ts"
import { familyOf } from "../streams/Protocol.ts"
import type { StreamId } from "../values/Ids.ts"
import { millisBetween } from "../values/Timestamp.ts"
import type { Command } from "./Command.ts"
import type { ListedPath, ListedSource, MediaServerSnapshot } from "./MediaServerSnapshot.ts"
import { mayKick } from "./planForUnauthorized.ts"
import type { ReconcileState } from "./ReconcileState.ts"
import type { StoredSession, StoreSnapshot } from "./StoreSnapshot.ts"

/** MediaMTX ends other protocols' half-open handshakes itself; an RTSP session may announce and then do nothing for ever. */
const RTSP_READY_WITHIN_MS = 10_000

/** It was in a list before: only then does a session become ready, and only then is it kicked. */
const wasSeen = ({ state }: StoredSession): boolean => state._tag === "Active" || state.ending?.kickedAt != null

const isRtsp = (listed: ListedSource): boolean => familyOf(listed.protocol) === "rtsp"

interface SessionPlan {
  readonly commands: ReadonlyArray<Command>
  readonly observations: ReadonlyArray<{ readonly streamId: StreamId; readonly observation: Observation }>
  readonly neverAppeared: ReadonlySet<StreamId>
  readonly appeared: ReadonlySet<string>
  /** How many of those that appeared did so for the first time. */
  readonly newlyAppeared: number
  /** Every session is active, may stay, and has its ready path. */
  readonly settled: boolean
  /** Those that are active with their ready path. */
  readonly onAir: ReadonlySet<StreamId>
}

/** What follows for one session that is in a list or on a path. */
const planForPresent = (
  session: StoredSession,
  listed: ListedSource | undefined,
  path: ListedPath | undefined,
  now: DateTime.Utc
): ReadonlyArray<Command> => {
  const { state, streamId } = session
  const commands: Array<Command> = []
  const ready = path?.ready === true
  if (ready && state._tag === "Connecting") {
    commands.push({ _tag: "MarkReady", streamId, sourceType: path.sourceType })
  }
  if (listed === undefined) return commands
  if (state.ending !== null) {
    if (mayKick(listed)) commands.push({ _tag: "KickStopping", session, listed })
  } else if (
    state._tag === "Connecting" &&
    !ready &&
    isRtsp(listed) &&
    millisBetween(state.startedAt, now) > RTSP_READY_WITHIN_MS
  ) {
    commands.push({ _tag: "RequestStop", streamId, reason: "never_ready" })
  }
  return commands
}

export const planForSessions = (
  s1: StoreSnapshot,
  snapshot: MediaServerSnapshot,
  s2: StoreSnapshot,
  before: ReconcileState
): SessionPlan => {
  const listedById = new Map(snapshot.sources.map((source) => [source.id, source]))
  const pathBySource = new Map(snapshot.paths.map((path) => [path.sourceId, path]))
  const openBefore = new Set(s1.open.map((session) => session.streamId))
  const restart = restartOf(snapshot, before)

  const commands: Array<Command> = []
  const observations: Array<SessionPlan["observations"][number]> = []
  const neverAppeared = new Set<StreamId>()
  const appeared = new Set<string>()
  let newlyAppeared = 0
  const onAir = new Set<StreamId>()
  const isNewcomer = (session: StoredSession) => !wasSeen(session) && !before.appeared.has(session.source.id)

  for (const session of s2.open) {
    const { streamId, source } = session
    const listed = listedById.get(source.id)
    const path = pathBySource.get(source.id)
    if (session.state._tag === "Active" && path?.ready === true) onAir.add(streamId)
    if (listed === undefined && path === undefined) {
      // Its connection was listed before it was asked about: it was there before this snapshot, or is not there.
      if (!openBefore.has(streamId)) continue
      const cause = restart === null ? "left" : "media_server_restarted"
      commands.push({ _tag: "End", session, cause, verify: restart !== "certain" })
      if (restart === null && before.continuous && isNewcomer(session) && session.state.ending === null)
        neverAppeared.add(streamId)
      continue
    }
    appeared.add(source.id)
    if (isNewcomer(session)) newlyAppeared++
    observations.push({ streamId, observation: path?.observation ?? silent })
    commands.push(...planForPresent(session, listed, path, s2.now))
  }
  const settled = onAir.size === s2.open.length && s2.open.every(({ state }) => state.ending === null)
  return { commands, observations, neverAppeared, appeared, newlyAppeared, settled, onAir }
}

/** Whether it is another process than at the pass before: `certain` by its `started`, `likely` by other signs. */
export const restartOf = (snapshot: MediaServerSnapshot, before: ReconcileState): "certain" | "likely" | null => {
  if (before.started !== null && before.started !== snapshot.started) return "certain"
  const { count, now } = snapshot.restartsSeen ?? { count: 0, now: false }
  return now || (before.restartsSeen !== null && count > before.restartsSeen) ? "likely" : null
}

/** A session whose source is listed but has no path: it pauses, or is not ready yet. It has no readers and receives nothing. */
const silent: Observation = { tracks: [], viewerCount: 0, inboundBytes: 0 }
