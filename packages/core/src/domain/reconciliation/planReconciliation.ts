/**
 * The pure part of the reconciler. From the store before the snapshot (`s1`), the media server's snapshot, and the store after it (`s2`) it
 * plans what makes store and media server agree. It decides nothing from time between processes and nothing from hooks. `runAsLeader` carries
 * out its commands, and reads the store once more before a kick.
 */
import type { Observation } from "../streams/LiveStream.ts"
import type { StreamId } from "../values/Ids.ts"
import { type Appearances, doNotAppear, rememberAppearances } from "./appearances.ts"
import type { Command } from "./Command.ts"
import { isConnectionType, type ListedPath, type MediaServerSnapshot } from "./MediaServerSnapshot.ts"
import { planForSessions, restartOf } from "./planForSessions.ts"
import { type Policy, planForUnauthorized } from "./planForUnauthorized.ts"
import type { ReconcileState } from "./ReconcileState.ts"
import type { StoreSnapshot, StoreSnapshotAfter } from "./StoreSnapshot.ts"

/** How this deployment reconciles, in one pass. */
export interface PassPolicy extends Policy {
  /** Whether the media server, as it is configured, lets publishers in only after asking; `null`: it could not be read. */
  readonly asksUs: boolean | null
}

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

/**
 * Plans one pass: the commands that make store and media server agree, and what the next pass has to remember. Pure and total.
 *
 * `s1` is the store before the snapshot, `s2` after it; `before` is the `memory` of the pass before, else `initialState`.
 */
export const planReconciliation = (
  policy: PassPolicy,
  s1: StoreSnapshot,
  snapshot: MediaServerSnapshot,
  s2: StoreSnapshotAfter,
  before: ReconcileState
): Reconciliation => {
  const sessions = planForSessions(s1, snapshot, s2, before)
  const { observations, neverAppeared, appeared, newlyAppeared } = sessions
  const appearances = rememberAppearances(before.appearances, { appeared: newlyAppeared }, s2.now)
  const doubt = doubtOf(policy, appearances)
  const holding = before.holding && restartOf(snapshot, before) === null

  const known = new Set(s2.open.map((session) => session.source.id))
  const former = s2.formerlyAdmitted
  const listed = new Set(snapshot.sources.map(({ id }) => id))
  const unlisted = snapshot.paths.filter(
    ({ sourceId, sourceType }) => !listed.has(sourceId) && isConnectionType(sourceType)
  )
  const again = unlisted.filter(({ sourceId }) => before.unlisted.has(sourceId))
  const isUnknown = ({ sourceId }: ListedPath) => !known.has(sourceId) && !former.has(sourceId)
  const unlistedUnknown = unlisted.filter(isUnknown).length
  // While a hold lasts those seen once count: a new leader has seen none of them twice, and would end the hold.
  const unlistedCounted = holding ? unlistedUnknown : again.filter(isUnknown).length
  const unauthorized = planForUnauthorized(policy, snapshot, { known, former, unlistedCounted, doubt, holding })
  const held = unauthorized.find((command) => command._tag === "HoldUnauthorized")
  const mayReset = policy.unauthorized === "kick" && held === undefined && (doubt === null || policy.enforce)

  const commands = [...sessions.commands, ...unauthorized, ...again.map((path) => planForUnlisted(path, s2, mayReset))]

  // A list may have been read before its publisher came onto its path: it stands there as idle, and follows from no command.
  const arePublishersKnown = snapshot.paths.every(({ sourceId }) => known.has(sourceId))
  const isCalm = commands.every(beginsOrEnds) && unlisted.length === 0 && arePublishersKnown

  return {
    commands,
    observations,
    neverAppeared,
    unlistedUnknown,
    memory: {
      started: snapshot.started,
      restartsSeen: snapshot.restartsSeen?.count ?? 0,
      holding: held?.why === "too_many",
      unlisted: new Set(unlisted.map((path) => path.sourceId)),
      appeared,
      appearances,
      observed: before.observed,
      settled: sessions.settled && commands.length === 0 && isCalm ? s2.open : null,
      onAir: isCalm ? sessions.onAir : null,
      continuous: true
    }
  }
}

/** It changes the store alone, by what the snapshot shows. */
const beginsOrEnds = ({ _tag }: Command): boolean => _tag === "MarkReady" || _tag === "End"

const doubtOf = ({ asksUs }: PassPolicy, appearances: Appearances) => {
  if (asksUs === null) return "not_known"
  if (!asksUs) return "not_asked"
  return doNotAppear(appearances) ? "another_asks" : null
}

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
