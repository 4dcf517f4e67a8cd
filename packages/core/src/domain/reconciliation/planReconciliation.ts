/**
 * The pure part of the reconciler. From the store before the snapshot (`s1`), the media server's snapshot, and the store after it (`s2`) it
 * plans what makes store and media server agree. It decides nothing from time between processes and nothing from hooks. `runPass` carries
 * out its commands, and reads the store once more before a kick.
 */
import type { DateTime } from "effect"
import type { Observation, SessionState } from "../streams/LiveStream.ts"
import { familyOf, type Source } from "../streams/Protocol.ts"
import type { StopReason } from "../streams/StreamEvent.ts"
import type { StreamId, StreamKeyId } from "../values/Ids.ts"
import { millisBetween } from "../values/Timestamp.ts"
import { type Appearances, doNotAppear, noAppearances, rememberAppearances } from "./appearances.ts"
import {
  isConnectionType,
  type ListedPath,
  type ListedSource,
  type MediaServerSnapshot
} from "./MediaServerSnapshot.ts"
import { mayKick, type Policy, planForUnauthorized, type UnauthorizedCommand } from "./planForUnauthorized.ts"

/** How this deployment reconciles, in one pass. */
export interface PassPolicy extends Policy {
  /** Whether the media server, as it is configured, lets publishers in only after asking; `null`: it could not be read. */
  readonly asksUs: boolean | null
}

/** A session in a row of the store that has not ended. */
export interface StoredSession {
  readonly streamId: StreamId
  readonly streamKeyId: StreamKeyId
  readonly path: string
  readonly source: Source
  readonly state: Exclude<SessionState, { readonly _tag: "Inactive" }>
}

/** All unended sessions in one snapshot of the store, and the database's clock in it. */
export interface StoreSnapshot {
  readonly now: DateTime.Utc
  readonly open: ReadonlyArray<StoredSession>
}

/** The snapshot after the look: it knows, too, which of the listed ids had a session that has ended. */
export interface StoreSnapshotAfter extends StoreSnapshot {
  readonly formerlyAdmitted: ReadonlySet<string>
}

/** What one pass leaves to the next. */
export interface ReconcileState {
  /** The media server's `started` in the last complete pass, of whichever instance; `null` before there was one. */
  readonly started: string | null
  /** That pass, of whichever instance, held publishers back because they were too many. */
  readonly holding: boolean
  /** Sources that stood on a path but in no list, to be dealt with when they do so twice in a row. */
  readonly unlisted: ReadonlySet<string>
  /** Sources of unended sessions that stood in a list or on a path. */
  readonly appeared: ReadonlySet<string>
  readonly appearances: Appearances
  /**
   * The pass right before was this instance's, and complete. Otherwise a publisher may have been there, and left, unseen by this instance: the
   * former leader may have seen it.
   */
  readonly continuous: boolean
}

export const initialState: ReconcileState = {
  started: null,
  holding: false,
  unlisted: new Set(),
  appeared: new Set(),
  appearances: noAppearances,
  continuous: false
}

export type Command =
  | { readonly _tag: "MarkReady"; readonly streamId: StreamId; readonly sourceType: string }
  /** `verify`: ask for the id itself before believing the list. */
  | {
      readonly _tag: "End"
      readonly session: StoredSession
      readonly cause: "left" | "media_server_restarted"
      readonly verify: boolean
    }
  | { readonly _tag: "RequestStop"; readonly streamId: StreamId; readonly reason: StopReason }
  | { readonly _tag: "KickStopping"; readonly session: StoredSession; readonly listed: ListedSource }
  | UnauthorizedCommand
  /** A publisher that no list shows and no kick reaches (MediaMTX's RTSP between ANNOUNCE and RECORD). */
  | { readonly _tag: "ResetPath"; readonly path: string; readonly sourceId: string }
  /** One that may stay, for all that is known. */
  | { readonly _tag: "ReportUnlisted"; readonly path: ListedPath }

export type CommandOf<T extends Command["_tag"]> = Extract<Command, { readonly _tag: T }>

export interface Reconciliation {
  readonly commands: ReadonlyArray<Command>
  /** What the snapshot shows of sessions that go on, whether or not it has changed. */
  readonly observations: ReadonlyArray<{ readonly streamId: StreamId; readonly observation: Observation }>
  /** Those of the sessions to be ended that were admitted and never appeared on this media server. */
  readonly neverAppeared: ReadonlySet<StreamId>
  /** Publishers on a path and in no list that neither have nor had a session; those seen once are among them. */
  readonly unlistedUnknown: number
  readonly memory: ReconcileState
}

/** MediaMTX ends other protocols' half-open handshakes itself; an RTSP session may announce and stand still for ever. */
export const RTSP_READY_WITHIN_MS = 10_000

/** It stood in a list before: only then does a session become ready, and only then is it kicked. */
const wasSeen = ({ state }: StoredSession): boolean => state._tag === "Active" || state.ending?.kickedAt != null

const isRtsp = (listed: ListedSource): boolean => familyOf(listed.protocol) === "rtsp"

interface SessionPlan {
  readonly commands: ReadonlyArray<Command>
  readonly observations: Reconciliation["observations"]
  readonly neverAppeared: ReadonlySet<StreamId>
  readonly appeared: ReadonlySet<string>
  /** How many of those that appeared did so for the first time. */
  readonly newlyAppeared: number
}

/** What follows for one session that stands in a list or on a path. */
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

const planForSessions = (
  s1: StoreSnapshot,
  look: MediaServerSnapshot,
  s2: StoreSnapshot,
  memory: ReconcileState
): SessionPlan => {
  const listedById = new Map(look.sources.map((source) => [source.id, source]))
  const pathBySource = new Map(look.paths.map((path) => [path.sourceId, path]))
  const before = new Set(s1.open.map((session) => session.streamId))
  const restart = restartOf(look, memory)

  const commands: Array<Command> = []
  const observations: Array<SessionPlan["observations"][number]> = []
  const neverAppeared = new Set<StreamId>()
  const appeared = new Set<string>()
  let newlyAppeared = 0
  const isNewcomer = (session: StoredSession) => !wasSeen(session) && !memory.appeared.has(session.source.id)

  for (const session of s2.open) {
    const { streamId, source } = session
    const listed = listedById.get(source.id)
    const path = pathBySource.get(source.id)
    if (listed === undefined && path === undefined) {
      // Its connection was listed before it was asked about: it was there before this snapshot, or is not there.
      if (!before.has(streamId)) continue
      const cause = restart === null ? "left" : "media_server_restarted"
      commands.push({ _tag: "End", session, cause, verify: restart !== "certain" })
      if (restart === null && memory.continuous && isNewcomer(session) && session.state.ending === null)
        neverAppeared.add(streamId)
      continue
    }
    appeared.add(source.id)
    if (isNewcomer(session)) newlyAppeared++
    observations.push({ streamId, observation: path?.observation ?? silent })
    commands.push(...planForPresent(session, listed, path, s2.now))
  }
  return { commands, observations, neverAppeared, appeared, newlyAppeared }
}

/** Whether it is another process than at the pass before: `certain` by its `started`, `likely` by other signs. */
const restartOf = (look: MediaServerSnapshot, memory: ReconcileState): "certain" | "likely" | null => {
  if (memory.started !== null && memory.started !== look.started) return "certain"
  return look.restartSeen === true ? "likely" : null
}

export const planReconciliation = (
  policy: PassPolicy,
  s1: StoreSnapshot,
  look: MediaServerSnapshot,
  s2: StoreSnapshotAfter,
  memory: ReconcileState
): Reconciliation => {
  const { commands, observations, neverAppeared, appeared, newlyAppeared } = planForSessions(s1, look, s2, memory)
  const appearances = rememberAppearances(memory.appearances, { appeared: newlyAppeared }, s2.now)
  const doubt = doubtOf(policy, appearances)
  const holding = memory.holding && restartOf(look, memory) === null

  const known = new Set(s2.open.map((session) => session.source.id))
  const former = s2.formerlyAdmitted
  const listed = new Set(look.sources.map(({ id }) => id))
  const unlisted = look.paths.filter(
    ({ sourceId, sourceType }) => !listed.has(sourceId) && isConnectionType(sourceType)
  )
  const again = unlisted.filter(({ sourceId }) => memory.unlisted.has(sourceId))
  const isUnknown = ({ sourceId }: ListedPath) => !known.has(sourceId) && !former.has(sourceId)
  const unlistedUnknown = unlisted.filter(isUnknown).length
  // While a hold lasts those seen once count: a new leader has seen none of them twice, and would end the hold.
  const unlistedCounted = holding ? unlistedUnknown : again.filter(isUnknown).length
  const unauthorized = planForUnauthorized(policy, look, { known, former, unlistedCounted, doubt, holding })
  const held = unauthorized.find((command) => command._tag === "HoldUnauthorized")
  const mayReset = policy.unauthorized === "kick" && held === undefined && (doubt === null || policy.enforce)

  return {
    commands: [...commands, ...unauthorized, ...again.map((path) => planForUnlisted(path, s2, mayReset))],
    observations,
    neverAppeared,
    unlistedUnknown,
    memory: {
      started: look.started,
      holding: held?.why === "too_many",
      unlisted: new Set(unlisted.map((path) => path.sourceId)),
      appeared,
      appearances,
      continuous: true
    }
  }
}

const doubtOf = ({ asksUs }: PassPolicy, appearances: Appearances) => {
  if (asksUs === null) return "not_known"
  if (!asksUs) return "not_asked"
  return doNotAppear(appearances) ? "another_asks" : null
}

/** A session whose source is listed but has no path: it pauses, or is not ready yet. It has no readers and receives nothing. */
const silent: Observation = { tracks: [], viewerCount: 0, inboundBytes: 0 }

/** `mayReset`: publishers that were never admitted are to go. A session in good standing stays, but for RTSP's, which MediaMTX has forgotten. */
const planForUnlisted = (
  path: ListedPath,
  { open, formerlyAdmitted }: StoreSnapshotAfter,
  mayReset: boolean
): Command => {
  const session = open.find(({ source }) => source.id === path.sourceId)
  // A source that no list could show is not one that the media server has lost.
  if (path.unlistable === true) return { _tag: "ReportUnlisted", path }
  const mustGo =
    session === undefined
      ? mayReset || formerlyAdmitted.has(path.sourceId)
      : session.state.ending !== null || isRtspPath(path)
  return mustGo ? { _tag: "ResetPath", path: path.name, sourceId: path.sourceId } : { _tag: "ReportUnlisted", path }
}

const isRtspPath = (path: ListedPath): boolean => /^rtsps?Session$/.test(path.sourceType)
