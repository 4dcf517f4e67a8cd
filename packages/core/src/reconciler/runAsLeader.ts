/**
 * One pass of the leader: it reads and plans (`readAndPlan`), then carries out the commands. A pass that cannot read everything does nothing.
 * Each write is conditional on still holding the lease in the store, and before a kick the store is read once more: between a
 * decision and its execution this process may have been frozen for any time.
 */
import { Effect } from "effect"
import { rememberAppearances } from "../domain/reconciliation/appearances.ts"
import { countStaying, hasRecentKick, isFirstAnswer, type KickTracker } from "../domain/reconciliation/KickTracker.ts"
import type { MediaServerSnapshot } from "../domain/reconciliation/MediaServerSnapshot.ts"
import { dueObservations } from "../domain/reconciliation/observed.ts"
import type { PassSummary } from "../domain/reconciliation/PassSummary.ts"
import type { Reconciliation } from "../domain/reconciliation/planReconciliation.ts"
import type { ReconcileState } from "../domain/reconciliation/ReconcileState.ts"
import type { StoredSession } from "../domain/reconciliation/StoreSnapshot.ts"
import {
  commandsOf,
  isEnforced,
  type LeftOnAir,
  leftOnAir,
  nextMarkedReady,
  summarizePass
} from "../domain/reconciliation/summarizePass.ts"
import type { Lease } from "../ports/Leases.ts"
import { monotonicMillis, type Reading, readClocks } from "../resilience/ProcessClock.ts"
import { endSessions } from "./endSessions.ts"
import { kickPublishers } from "./kickPublishers.ts"
import type { LeaderPorts } from "./LeaderPorts.ts"
import { LEASE_TTL_MS } from "./LeaseGuard.ts"
import { kicksAfterSnapshot, type PassJournal } from "./PassJournal.ts"
import { ReconcilePolicy } from "./ReconcilePolicy.ts"
import type { LeaderState } from "./Role.ts"
import { readAndPlan } from "./readAndPlan.ts"
import { resetPaths } from "./resetPaths.ts"
import { startTimeBudget, type TimeBudget } from "./TimeBudget.ts"

/** What a pass leaves that came to its end. */
export interface LeaderPass {
  readonly reconcile: ReconcileState
  readonly enforcedKicks: number
  readonly markedReady: LeaderState["markedReady"]
  readonly renewed: LeaderState["renewed"]
  readonly left: LeftOnAir
  readonly found: PassSummary
  /** The media server as it was, and the sessions of the store right after, without those that this pass has ended. */
  readonly snapshot: MediaServerSnapshot
  /** Before the snapshot was asked for. */
  readonly snapshotAt: Reading
  readonly sessions: ReadonlyArray<StoredSession>
  /** Sessions that were open before this pass ended some. */
  readonly open: number
  /** Publishers that were kicked in an earlier pass and are listed still. */
  readonly staying: number
  /** Publishers in no list, twice in a row; `unlistedLeft`: those of them that this pass left on their path. */
  readonly unlisted: number
  readonly unlistedLeft: number
  /** Something was begun that the next snapshot must confirm, so it should come at once. */
  readonly unsettled: boolean
  /** A publisher is connecting, or was kicked a moment ago: the next snapshot should come soon. */
  readonly expecting: boolean
}

/** A reader that finds a stream active finds its tracks there, too: observations are written first. What has been written of them then. */
const write = Effect.fnUntraced(function* (plan: Reconciliation, holder: string, { sessions }: LeaderPorts) {
  const { due, next } = dueObservations(plan.memory.observed, plan.observations, yield* monotonicMillis)
  if (due.length > 0) yield* sessions.observe(due, holder)
  const ready = commandsOf(plan, "MarkReady")
  if (ready.length > 0) yield* sessions.markReady(ready, holder)
  for (const { streamId, reason } of commandsOf(plan, "RequestStop")) {
    yield* sessions.requestStop(streamId, reason, holder)
  }
  return next
})

const firstKicks = (journal: PassJournal, kicks: KickTracker) =>
  journal.kicks.filter((attempt) => isFirstAnswer(kicks, attempt))

/** Whether something was begun that the next snapshot must confirm. */
const isUnsettled = (
  plan: Reconciliation,
  before: ReconcileState,
  kicks: KickTracker,
  journal: PassJournal,
  budget: TimeBudget
): boolean =>
  budget.isExceeded() ||
  firstKicks(journal, kicks).length > 0 ||
  commandsOf(plan, "RequestStop").length > 0 ||
  [...plan.memory.unlisted].some((source) => !before.unlisted.has(source))

export const runAsLeader = Effect.fnUntraced(function* (
  state: LeaderState,
  lease: Lease,
  ports: LeaderPorts,
  journal: PassJournal
) {
  const configured = yield* ReconcilePolicy
  const { holder } = configured
  const policy = { ...configured, enforce: configured.enforce || lease.enforce }
  const snapshotAt = yield* readClocks
  const { s1, snapshot, s2, plan } = yield* readAndPlan(policy, state, lease, ports, journal)
  const kicks = kicksAfterSnapshot(state.findings, journal)
  const expectsKicked = hasRecentKick(kicks, journal.snapshot?.at ?? 0)

  const observed = yield* write(plan, holder, ports)
  const budget = yield* startTimeBudget
  const ended = yield* endSessions(commandsOf(plan, "End"), holder, ports, budget)
  yield* kickPublishers(plan.commands, kicks, holder, ports, budget, journal)
  yield* resetPaths(commandsOf(plan, "ResetPath"), ports, budget, journal)

  const absent = [...plan.neverAppeared].filter((streamId) => ended.has(streamId)).length
  const appearances = rememberAppearances(plan.memory.appearances, { absent }, s2.now)
  const unauthorizedKicks = firstKicks(journal, kicks).filter(({ reason }) => reason !== "stopping").length
  const enforcedKicks = lease.enforce ? state.enforcedKicks + unauthorizedKicks : 0
  const kicked = lease.enforce ? enforcedKicks : unauthorizedKicks
  const found = summarizePass(snapshot, plan, { kicked, enforced: policy.enforce, appearances, now: s2.now })
  const fulfilled = lease.enforce && isEnforced(found)
  const sent = yield* readClocks
  const record = { started: snapshot.started, lookedAt: s1.now, found, fulfilled }
  const recorded = yield* ports.recordPass(holder, record, LEASE_TTL_MS)

  const reported = commandsOf(plan, "ReportUnlisted").length
  const pass: LeaderPass = {
    reconcile: { ...plan.memory, appearances, observed },
    enforcedKicks,
    markedReady: recorded === null ? new Map() : nextMarkedReady(plan, state.markedReady),
    left: leftOnAir(plan, state.markedReady),
    found,
    snapshot,
    snapshotAt,
    sessions: s2.open.filter(({ streamId }) => !ended.has(streamId)),
    open: s2.open.length,
    staying: countStaying(kicks),
    unlisted: reported + commandsOf(plan, "ResetPath").length,
    unlistedLeft: reported + journal.resets.filter(({ error }) => error !== null).length,
    unsettled:
      isUnsettled(plan, state.reconcile, kicks, journal, budget) || (recorded?.enforce === true && !lease.enforce),
    renewed: recorded === null ? null : { lease: recorded, sent },
    expecting: expectsKicked || s2.open.some((session) => session.state._tag === "Connecting")
  }
  return pass
})
