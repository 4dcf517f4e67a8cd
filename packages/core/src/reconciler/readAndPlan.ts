/**
 * The first half of a pass: reads the store, the media server and the store again, and plans from that. It changes nothing but due stops. Where
 * nothing has changed, the second reading of the store is left out.
 */
import { DateTime, Effect } from "effect"
import { type Appearances, notAppearing } from "../domain/reconciliation/appearances.ts"
import type { Command } from "../domain/reconciliation/Command.ts"
import { listsToRead } from "../domain/reconciliation/listsToRead.ts"
import type { MediaServerFacts } from "../domain/reconciliation/MediaServerFacts.ts"
import { asksAboutPublishers } from "../domain/reconciliation/mediaServerWarnings.ts"
import type { Policy } from "../domain/reconciliation/planForUnauthorized.ts"
import { planReconciliation } from "../domain/reconciliation/planReconciliation.ts"
import type { ReconcileState } from "../domain/reconciliation/ReconcileState.ts"
import { areSameSessions, type StoreSnapshot, type StoreSnapshotAfter } from "../domain/reconciliation/StoreSnapshot.ts"
import { withViewerCounts } from "../domain/viewers/viewerSessions.ts"
import { CurrentViewers } from "../playback/CurrentViewers.ts"
import type { Lease } from "../ports/Leases.ts"
import { monotonicMillis } from "../resilience/ProcessClock.ts"
import type { LeaderPorts } from "./LeaderPorts.ts"
import type { PassJournal } from "./PassJournal.ts"
import type { LeaderState } from "./Role.ts"

/** Whether what is planned depends on the configuration: a publisher without a session is to go, or it is not known whether it may. */
const needsConfiguration = (command: Command): boolean =>
  command._tag === "ResetPath" ||
  (command._tag === "KickUnauthorized" && !command.former) ||
  (command._tag === "HoldUnauthorized" && command.why === "not_known")

/** Only those stay held back that were too many: other reasons are found anew in each pass. */
const heldAsTooMany = ({ lastSnapshot }: Lease): boolean =>
  lastSnapshot !== null && lastSnapshot.found.heldBack > 0 && (lastSnapshot.found.heldWhy ?? "too_many") === "too_many"

/** An instance without appearances of its own begins with what the pass before it found, whichever instance made that. */
const appearancesSoFar = ({ appearances }: ReconcileState, { lastSnapshot }: Lease, now: DateTime.Utc): Appearances => {
  if (appearances.last.length > 0 || lastSnapshot?.found.notAppearing !== true) return appearances
  const age = lastSnapshot.ageMillis + (lastSnapshot.found.notAppearingForMillis ?? 0)
  return notAppearing(DateTime.subtractDuration(now, Math.round(age)))
}

/** Whether the sessions are those that the pass before left, with nothing to do about them. Then the list of paths shows every change. */
const expectsNoChange = ({ settled }: ReconcileState, { open }: StoreSnapshot): boolean =>
  settled !== null && areSameSessions(settled, open)

export const readAndPlan = Effect.fnUntraced(function* (
  policy: Policy,
  leader: LeaderState,
  lease: Lease,
  { sessions, mediaServer }: LeaderPorts,
  journal: PassJournal
) {
  const before = leader.reconcile
  const s1 = yield* sessions.open
  const stopped = s1.open.length === 0 ? 0 : yield* sessions.requestStopsForInvalidKeys
  const isOrdinary = stopped === 0 && leader.findings.kicks.size === 0 && !policy.enforce
  const lists = isOrdinary ? listsToRead(before, s1.open) : null
  const listed = yield* lists === null ? mediaServer.snapshot : mediaServer.recheck(lists)
  const snapshot = withViewerCounts(listed, (yield* CurrentViewers).counts)
  const state: ReconcileState = {
    ...before,
    started: lease.started,
    holding: heldAsTooMany(lease),
    appearances: appearancesSoFar(before, lease, s1.now)
  }
  const planWith = (s2: StoreSnapshotAfter, facts: MediaServerFacts | null) => {
    const asksUs = facts === null ? null : asksAboutPublishers(facts)
    return planReconciliation({ ...policy, asksUs }, s1, snapshot, s2, state)
  }
  const noteSnapshot = Effect.map(monotonicMillis, (at) => {
    journal.snapshot = { value: snapshot, at }
  })
  if (lists?.size === 0 && expectsNoChange(before, s1)) {
    // Each publisher has its session, and each session its publisher: a later reading could only show what the next pass will.
    const s2 = { ...s1, formerlyAdmitted: new Set<string>() }
    const plan = planWith(s2, yield* mediaServer.facts)
    if (plan.memory.settled !== null) return yield* Effect.as(noteSnapshot, { s1, snapshot, s2, plan })
  }
  const ids = new Set([...snapshot.sources.map(({ id }) => id), ...snapshot.paths.map(({ sourceId }) => sourceId)])
  const s2 = yield* sessions.after([...ids])
  yield* noteSnapshot
  const first = planWith(s2, yield* mediaServer.facts)
  // The configuration can change while the media server runs.
  const plan = first.commands.some(needsConfiguration) ? planWith(s2, yield* mediaServer.factsNow) : first
  return { s1, snapshot, s2, plan }
})
