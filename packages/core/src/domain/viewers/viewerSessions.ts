/**
 * The sessions that read a path, as the leader follows them from snapshot to snapshot: whose each is, whether it counts, and what is to be written
 * and kicked. Pure; times are milliseconds of the monotonic clock unless another unit is named.
 */
import type { PathFacts } from "../playback/coversPath.ts"
import { type WhyMustLeave, whyMustLeave } from "../playback/decidePlayback.ts"
import type { Revocations } from "../playback/Revocations.ts"
import type { MediaServerSnapshot } from "../reconciliation/MediaServerSnapshot.ts"
import { parsePipelinePath } from "../workers/PipelinePath.ts"
import type { Departure, ListedReader, Viewer, ViewerDescription } from "./Viewer.ts"

export type SessionIdentity =
  /** `asked`: as the media server has described it; the token that it names was not found so far. */
  | { readonly _tag: "Unknown"; readonly asked: ViewerDescription | null }
  | { readonly _tag: "Worker" }
  | { readonly _tag: "Viewer"; readonly viewer: Viewer }

export interface ViewerSession {
  readonly listed: ListedReader
  readonly firstSeen: number
  readonly identity: SessionIdentity
  /** Of HLS: what it had read at the last look at bytes, and when that had last grown. */
  readonly activity: { readonly bytes: number; readonly grewAt: number } | null
  /** An HLS player that asks for nothing. */
  readonly isIdle: boolean
  /** It is in the store as a viewer. `perhaps`: what was written of it last was not answered; writing it again changes nothing. */
  readonly isRecorded: boolean | "perhaps"
  readonly kicked: { readonly at: number; readonly why: Departure } | null
}

export type ViewerSessions = ReadonlyMap<string, ViewerSession>

/** A token that a session names, and that is not in the store, may still come: an application's is written at its first use. */
export const UNIDENTIFIED_FOR_MS = 60_000
/** A session that was kicked and is listed still is kicked again after this. */
const KICK_AGAIN_MS = 2_000
/** At least, and three segments: in a break between two segments a player asks for nothing. */
const IDLE_AFTER_MS = 5_000
const IDLE_SEGMENTS = 3

export const newSession = (listed: ListedReader, identity: SessionIdentity, now: number): ViewerSession => ({
  listed,
  firstSeen: now,
  identity,
  activity: null,
  isIdle: false,
  isRecorded: false,
  kicked: null
})

export const idleAfterMillis = (hlsSegmentMillis: number | null): number =>
  Math.max(IDLE_AFTER_MS, IDLE_SEGMENTS * (hlsSegmentMillis ?? 0))

/** After a look at what the HLS sessions have read; `undefined`: the session was not in the list. */
export const withBytes = (
  session: ViewerSession,
  bytes: number | null | undefined,
  idleAfter: number,
  now: number
): ViewerSession => {
  if (bytes === undefined || bytes === null) return session
  const { activity } = session
  if (activity === null) return { ...session, activity: { bytes, grewAt: now }, isIdle: false }
  if (bytes > activity.bytes) return { ...session, activity: { bytes, grewAt: now }, isIdle: false }
  return { ...session, isIdle: now - activity.grewAt > idleAfter }
}

/** Of a session of which nothing is known: what reads a worker's source may be the worker. */
export const countsUnknown = ({ path }: Pick<ListedReader, "path">): boolean =>
  parsePipelinePath(path)?.direction !== "in"

/** Who watches: no worker, no session that was kicked, no HLS player that asks for nothing. */
export const isCounted = ({ identity, isIdle, kicked, listed }: ViewerSession): boolean => {
  if (isIdle || kicked !== null || identity._tag === "Worker") return false
  return identity._tag === "Viewer" || countsUnknown(listed)
}

/** The snapshot with the viewers that count on each path of a publisher. */
export const withViewerCounts = (
  snapshot: MediaServerSnapshot,
  counts: (reader: ListedReader) => boolean
): MediaServerSnapshot => {
  const byPath = new Map<string, number>()
  for (const reader of snapshot.readers) {
    if (counts(reader)) byPath.set(reader.path, (byPath.get(reader.path) ?? 0) + 1)
  }
  const paths = snapshot.paths.map((path) => {
    const viewerCount = byPath.get(path.name) ?? 0
    const { observation } = path
    return viewerCount === observation.viewerCount ? path : { ...path, observation: { ...observation, viewerCount } }
  })
  return { ...snapshot, paths }
}

/** What is known of a path; `null`: nothing, so no session has to leave it. */
export type FactsOf = (path: string) => PathFacts | null

export interface Rights {
  readonly factsOf: FactsOf
  readonly revocations: Revocations
  readonly hasKey: (signingKeyId: string) => boolean
  /** Seconds since 1970. */
  readonly seconds: number
}

/** Why the session has to leave; `null`: it may stay, or it is not known yet. A CDN's is not asked about, and stays. */
export const whyLeaves = ({ identity }: ViewerSession, rights: Rights): WhyMustLeave | null => {
  if (identity._tag !== "Viewer" || identity.viewer.isCdn) return null
  const { grant, path } = identity.viewer
  const facts = rights.factsOf(path)
  if (facts === null) return null
  const { revocations, hasKey, seconds } = rights
  return whyMustLeave(grant, path, facts, revocations, hasKey, seconds)
}

export interface Kick {
  readonly session: ViewerSession
  readonly why: Departure
}

/** By this process's clock: `since` is by the media server's, or by Greenroom's. */
const startedBefore = (one: ViewerSession, other: ViewerSession): number =>
  one.firstSeen - other.firstSeen || sinceOf(one) - sinceOf(other) || (one.listed.id < other.listed.id ? -1 : 1)

const sinceOf = ({ identity }: ViewerSession): number =>
  identity._tag === "Viewer" ? identity.viewer.since.epochMilliseconds : 0

/** Of each token that limits its sessions, those that are too many: the oldest. */
const tooMany = (staying: ReadonlyArray<ViewerSession>): ReadonlyArray<Kick> => {
  const byToken = new Map<string, { readonly max: number; readonly sessions: Array<ViewerSession> }>()
  for (const session of staying) {
    const grant = session.identity._tag === "Viewer" ? session.identity.viewer.grant : null
    if (grant === null || grant.maxSessions === null || !isCounted(session)) continue
    const known = byToken.get(grant.tokenId)
    if (known === undefined) byToken.set(grant.tokenId, { max: grant.maxSessions, sessions: [session] })
    else known.sessions.push(session)
  }
  return [...byToken.values()].flatMap(({ max, sessions }) =>
    sessions.length <= max
      ? []
      : [...sessions]
          .sort(startedBefore)
          .slice(0, sessions.length - max)
          .map((session): Kick => ({ session, why: "too_many_sessions" }))
  )
}

/** Who has to leave now. A session that was kicked a moment ago is given time to go. */
export const kicksDue = (sessions: ViewerSessions, rights: Rights, now: number): ReadonlyArray<Kick> => {
  const kicks: Array<Kick> = []
  const staying: Array<ViewerSession> = []
  for (const session of sessions.values()) {
    if (session.kicked !== null) {
      if (now - session.kicked.at >= KICK_AGAIN_MS) kicks.push({ session, why: session.kicked.why })
      continue
    }
    const why = whyLeaves(session, rights)
    if (why !== null) kicks.push({ session, why })
    else staying.push(session)
  }
  return [...kicks, ...tooMany(staying)]
}

/** After a snapshot: what is listed, with what was known of it; `gone`: recorded as viewers, and not listed any more. */
export const followListed = (
  before: ViewerSessions,
  readers: ReadonlyArray<ListedReader>,
  identify: (listed: ListedReader) => SessionIdentity,
  now: number
): { readonly sessions: Map<string, ViewerSession>; readonly gone: ReadonlyArray<ViewerSession> } => {
  const sessions = new Map<string, ViewerSession>()
  for (const listed of readers) {
    const known = before.get(listed.id)
    sessions.set(listed.id, known ?? newSession(listed, identify(listed), now))
  }
  return {
    sessions,
    gone: [...before.values()].filter(({ listed, isRecorded }) => isRecorded !== false && !sessions.has(listed.id))
  }
}

export interface RecordChanges {
  readonly joined: ReadonlyArray<Viewer>
  readonly left: ReadonlyArray<{ readonly id: string; readonly why: Departure }>
}

/** What the store does not have yet. `kickedElsewhere`: why this process's API has kicked a session. */
export const changesToRecord = (
  sessions: ViewerSessions,
  gone: ReadonlyArray<ViewerSession>,
  kickedElsewhere: ReadonlyMap<string, Departure>
): RecordChanges => {
  const joined: Array<Viewer> = []
  const left: Array<{ readonly id: string; readonly why: Departure }> = gone.map(({ listed, kicked }) => ({
    id: listed.id,
    why: kicked?.why ?? kickedElsewhere.get(listed.id) ?? "left"
  }))
  for (const session of sessions.values()) {
    const { identity, isRecorded, kicked, listed } = session
    const counts = isCounted(session)
    if (counts && isRecorded !== true && identity._tag === "Viewer") joined.push(identity.viewer)
    if (!counts && isRecorded !== false) left.push({ id: listed.id, why: kicked?.why ?? "idle" })
  }
  return { joined, left }
}
