/**
 * Truth comes from looking: the pure heart of the reconciler. Given what the store said before the look (`s1`), the look, and
 * what the store said after it (`s2`), it says what has to be done so that store and media server agree. It decides nothing
 * from time between processes and nothing from hooks; executing its commands, and reading the store once more before a kick,
 * is left to `Reconcile`.
 */
import type { DateTime } from "effect"
import type { StreamId, StreamKeyId } from "./Ids.ts"
import type { Observation, SessionState } from "./LiveStream.ts"
import type { ListedPath, ListedSource, Look } from "./Look.ts"
import { familyOf, type Source, saysPublishEarly } from "./Protocol.ts"
import type { StopReason } from "./StreamEvent.ts"
import { millisBetween } from "./Timestamp.ts"

export interface Policy {
  /** What to do with a publisher that nobody admitted. Ids that once had a session are kicked whatever this says. */
  readonly unauthorized: "kick" | "report"
  /**
   * More unauthorised publishers than this in one look mean a restored database, not an attack: none of them is kicked, also not when
   * some have left, until an operator decides or all have left.
   */
  readonly massKickLimit: number
  /** An operator said that the unauthorised publishers are to go, however many they are. */
  readonly enforce: boolean
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
export interface Snapshot {
  readonly now: DateTime.Utc
  readonly unended: ReadonlyArray<StoredSession>
}

/** The snapshot after the look: it knows, too, which of the listed ids had a session that has ended. */
export interface SnapshotAfter extends Snapshot {
  readonly former: ReadonlySet<string>
}

/** What one pass leaves to the next. */
export interface Memory {
  /** The media server's `started` in the last complete pass, of whichever instance; `null` before there was one. */
  readonly started: string | null
  /** That pass, of whichever instance, held publishers back. */
  readonly holding: boolean
  /** Sources that stood on a path but in no list, to be cured when they do so twice in a row. */
  readonly unlisted: ReadonlySet<string>
}

export const blank: Memory = { started: null, holding: false, unlisted: new Set() }

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
  | { readonly _tag: "KickUnauthorized"; readonly listed: ListedSource; readonly former: boolean }
  | { readonly _tag: "ReportUnauthorized"; readonly listed: ListedSource }
  /** More unauthorised publishers than the limit, now or when they were first held back: nobody is kicked until an operator says so. */
  | { readonly _tag: "HoldMassKick"; readonly count: number; readonly limit: number }
  /** A publisher that no list shows and no kick reaches (MediaMTX's RTSP between ANNOUNCE and RECORD). */
  | { readonly _tag: "CurePath"; readonly path: string; readonly sourceId: string }

export type CommandOf<T extends Command["_tag"]> = Extract<Command, { readonly _tag: T }>

export interface Reconciliation {
  readonly commands: ReadonlyArray<Command>
  /** What the look said of sessions that go on: confirmed, whether or not anything has changed. */
  readonly observations: ReadonlyArray<{ readonly streamId: StreamId; readonly observation: Observation }>
  readonly memory: Memory
}

/** A connection that was admitted just now, and was never seen, may not stand in its list yet. */
export const ABSENCE_GRACE_MS = 1_000
/** MediaMTX ends other protocols' half-open handshakes itself; an RTSP session may announce and stand still for ever. */
export const RTSP_READY_WITHIN_MS = 10_000

/** It stood in a list before this look: only then does a session become ready, and only then is it kicked. */
const wasSeen = ({ state }: StoredSession): boolean => state._tag === "Active" || state.ending?.kickedAt != null

/** A session from the future is not: somebody has set the database's clock back, and its grace must not last until then. */
const isFresh = ({ state }: StoredSession, now: DateTime.Utc): boolean =>
  Math.abs(millisBetween(state.startedAt, now)) <= ABSENCE_GRACE_MS

const mayKick = (listed: ListedSource): boolean => !saysPublishEarly(listed.protocol) || listed.established

const isRtsp = (listed: ListedSource): boolean => familyOf(listed.protocol) === "rtsp"

export const reconcile = (
  policy: Policy,
  s1: Snapshot,
  look: Look,
  s2: SnapshotAfter,
  memory: Memory
): Reconciliation => {
  const listedById = new Map(look.sources.map((source) => [source.id, source]))
  const pathBySource = new Map(look.paths.map((path) => [path.sourceId, path]))
  const before = new Map(s1.unended.map((session) => [session.streamId, session]))
  const known = new Set(s2.unended.map((session) => session.source.id))
  const startedAnew = memory.started !== null && memory.started !== look.started
  const restarted = startedAnew || look.restartSeen === true

  const commands: Array<Command> = []
  const observations: Array<Reconciliation["observations"][number]> = []

  for (const session of s2.unended) {
    const listed = listedById.get(session.source.id)
    const path = pathBySource.get(session.source.id)
    if (listed === undefined && path === undefined) {
      const earlier = before.get(session.streamId)
      if (earlier === undefined) continue
      if (restarted) commands.push({ _tag: "End", session, cause: "media_server_restarted", verify: !startedAnew })
      else if (wasSeen(earlier) || !isFresh(session, s1.now)) {
        commands.push({ _tag: "End", session, cause: "left", verify: true })
      }
      continue
    }
    const ready = path?.ready === true
    if (ready && session.state._tag === "Connecting") {
      commands.push({ _tag: "MarkReady", streamId: session.streamId, sourceType: path.sourceType })
    }
    if (path !== undefined) observations.push({ streamId: session.streamId, observation: path.observation })
    if (listed === undefined) continue
    if (path === undefined) observations.push({ streamId: session.streamId, observation: silent })
    if (session.state.ending !== null) {
      if (mayKick(listed)) commands.push({ _tag: "KickStopping", session, listed })
    } else if (
      session.state._tag === "Connecting" &&
      !ready &&
      isRtsp(listed) &&
      millisBetween(session.state.startedAt, s2.now) > RTSP_READY_WITHIN_MS
    ) {
      commands.push({ _tag: "RequestStop", streamId: session.streamId, reason: "never_ready" })
    }
  }

  const strangers = forStrangers(policy, look, known, s2.former, memory.holding && !restarted)
  commands.push(...strangers)

  const unlisted = look.paths.filter((path) => !listedById.has(path.sourceId) && isRtspPath(path))
  for (const path of unlisted) {
    if (memory.unlisted.has(path.sourceId)) {
      commands.push({ _tag: "CurePath", path: path.name, sourceId: path.sourceId })
    }
  }

  return {
    commands,
    observations,
    memory: {
      started: look.started,
      holding: strangers.some((command) => command._tag === "HoldMassKick"),
      unlisted: new Set(unlisted.map((path) => path.sourceId))
    }
  }
}

/** A session whose source is listed but has no path: it pauses, or is not ready yet. Nobody watches and nothing comes in. */
const silent: Observation = { tracks: [], viewerCount: 0, inboundBytes: 0 }

const isRtspPath = (path: ListedPath): boolean => /^rtsps?Session$/.test(path.sourceType)

const forStrangers = (
  policy: Policy,
  look: Look,
  known: ReadonlySet<string>,
  former: ReadonlySet<string>,
  holding: boolean
): ReadonlyArray<Command> => {
  const strangers = look.sources.filter(
    (listed) => listed.state === "publish" && mayKick(listed) && !known.has(listed.id)
  )
  const kick = (listed: ListedSource, wasFormer: boolean): Command => ({
    _tag: "KickUnauthorized",
    listed,
    former: wasFormer
  })
  const returned = strangers.filter((listed) => former.has(listed.id))
  const unknown = strangers.filter((listed) => !former.has(listed.id))
  const tooMany = unknown.length > (holding ? 0 : policy.massKickLimit)
  const forUnknown: ReadonlyArray<Command> =
    policy.unauthorized === "report"
      ? unknown.map((listed) => ({ _tag: "ReportUnauthorized", listed }))
      : tooMany && !policy.enforce
        ? [{ _tag: "HoldMassKick", count: unknown.length, limit: policy.massKickLimit }]
        : unknown.map((listed) => kick(listed, false))
  return [...returned.map((listed) => kick(listed, true)), ...forUnknown]
}
