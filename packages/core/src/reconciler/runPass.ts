/**
 * One pass of the reconciler: it reads the store, the media server, and the store again; the pure `planReconciliation` decides; it carries out
 * the commands. A pass that cannot read everything does nothing. No step begins after the lease has run out by this process's own clocks
 * (`LeaseGuard`), each write is conditional on still holding it in the store, and before a kick the store is read once more: between a
 * decision and its execution this process may have been frozen for any time.
 */
import { Context, DateTime, Effect, Metric } from "effect"
import {
  type Appearances,
  doNotAppear,
  notAppearing,
  rememberAppearances
} from "../domain/reconciliation/appearances.ts"
import type { MediaServerFacts } from "../domain/reconciliation/MediaServerFacts.ts"
import type { MediaServerSnapshot } from "../domain/reconciliation/MediaServerSnapshot.ts"
import { asksAboutPublishers } from "../domain/reconciliation/mediaServerWarnings.ts"
import type { PassSummary } from "../domain/reconciliation/PassSummary.ts"
import type { Policy } from "../domain/reconciliation/planForUnauthorized.ts"
import {
  type Command,
  type CommandOf,
  planReconciliation,
  type ReconcileState,
  type Reconciliation,
  type StoredSession
} from "../domain/reconciliation/planReconciliation.ts"
import type { StreamId } from "../domain/values/Ids.ts"
import { millisBetween } from "../domain/values/Timestamp.ts"
import * as Metrics from "../Metrics.ts"
import { type Lease, Leases } from "../ports/Leases.ts"
import { MediaServer } from "../ports/MediaServer.ts"
import { Sessions } from "../ports/Sessions.ts"
import { type KickTracker, makeKickTracker } from "./KickTracker.ts"
import { kickPublishers } from "./kickPublishers.ts"
import { acquireLease, LeaseGuard } from "./LeaseGuard.ts"
import { resetPaths } from "./resetPaths.ts"
import { startTimeBudget, type TimeBudget } from "./TimeBudget.ts"

/** How this deployment reconciles. */
export class ReconcilePolicy extends Context.Service<
  ReconcilePolicy,
  Policy & {
    /** Names this instance among those that share the store; never the same twice. */
    readonly holder: string
  }
>()("greenroom/ReconcilePolicy") {}

export type PassOutcome =
  /** `freeInMillis`: when the leader's lease runs out, unless it is renewed. */
  | { readonly _tag: "NotLeading"; readonly freeInMillis: number }
  /** `unsettled`: something was started that the next look must confirm, so it should come at once. */
  | {
      readonly _tag: "Complete"
      readonly memory: ReconcileState
      readonly unended: number
      readonly unsettled: boolean
      /** A publisher is connecting, or was kicked a moment ago: the next snapshot should come soon. */
      readonly expecting: boolean
      readonly found: PassSummary
      /** Publishers on a path that stand in no list, twice in a row, and that this pass left there. */
      readonly unlisted: number
      /** What was looked at: the media server, and the sessions of the store right after, without those that this pass has ended. */
      readonly look: MediaServerSnapshot
      readonly sessions: ReadonlyArray<StoredSession>
    }

/**
 * `kickTracker` goes on from pass to pass; `leaseRead` is told what the lease says, also when this pass sees nothing. A pass that
 * loses the lease fails there: two instances must not look and kick at once.
 */
export const runPass = Effect.fnUntraced(function* (
  memory: ReconcileState,
  kickTracker: KickTracker = makeKickTracker(),
  leaseRead: (lease: Lease) => Effect.Effect<void> = () => Effect.void
) {
  const { holder } = yield* ReconcilePolicy
  const { lease, guard } = yield* acquireLease(holder)
  yield* leaseRead(lease)
  if (guard === null) {
    const outcome: PassOutcome = { _tag: "NotLeading", freeInMillis: lease.leftMillis }
    return outcome
  }
  const work = Effect.provideService(runAsLeader(memory, lease, kickTracker), LeaseGuard, guard)
  return yield* Effect.raceFirst(work, guard.kept)
})

/** Whether what is planned depends on the configuration: a publisher without a session is to go, or it is not known whether it may. */
const needsConfiguration = (command: Command): boolean =>
  command._tag === "ResetPath" ||
  (command._tag === "KickUnauthorized" && !command.former) ||
  (command._tag === "HoldUnauthorized" && command.why === "not_known")

/** Only those stay held back that were too many: other reasons are found anew in each pass. */
const heldAsTooMany = ({ lastSnapshot }: Lease): boolean =>
  lastSnapshot !== null && lastSnapshot.found.heldBack > 0 && (lastSnapshot.found.heldWhy ?? "too_many") === "too_many"

/** An instance without appearances of its own begins with what the pass before it found, whichever instance that was. */
const appearancesSoFar = ({ appearances }: ReconcileState, { lastSnapshot }: Lease, now: DateTime.Utc) => {
  if (appearances.last.length > 0 || lastSnapshot?.found.notAppearing !== true) return appearances
  const age = lastSnapshot.ageMillis + (lastSnapshot.found.notAppearingForMillis ?? 0)
  return notAppearing(DateTime.subtractDuration(now, Math.round(age)))
}

type PassPolicy = ReconcilePolicy["Service"]

/** Reads the store, the media server and the store again, and plans from that. */
const readAndPlan = Effect.fnUntraced(function* (policy: PassPolicy, memory: ReconcileState, lease: Lease) {
  const sessions = yield* Sessions
  const mediaServer = yield* MediaServer
  const { whileHeld } = yield* LeaseGuard
  yield* whileHeld(sessions.requestStopsForInvalidKeys)
  const s1 = yield* whileHeld(sessions.open)
  const look = yield* whileHeld(mediaServer.snapshot)
  const ids = new Set([...look.sources.map(({ id }) => id), ...look.paths.map(({ sourceId }) => sourceId)])
  const s2 = yield* whileHeld(sessions.after([...ids]))
  const state = {
    ...memory,
    started: lease.started,
    holding: heldAsTooMany(lease),
    appearances: appearancesSoFar(memory, lease, s1.now)
  }
  const planned = (facts: MediaServerFacts | null) => {
    const asksUs = facts === null ? null : asksAboutPublishers(facts)
    return planReconciliation({ ...policy, asksUs }, s1, look, s2, state)
  }
  const first = planned(yield* mediaServer.facts)
  // The configuration can change while the media server runs.
  const plan = first.commands.some(needsConfiguration) ? planned(yield* whileHeld(mediaServer.factsNow)) : first
  return { s1, look, s2, plan }
})

const commandsOf =
  ({ commands }: Reconciliation) =>
  <T extends Command["_tag"]>(tag: T) =>
    commands.filter((command): command is CommandOf<T> => command._tag === tag)

const summaryOf = (
  look: MediaServerSnapshot,
  only: ReturnType<typeof commandsOf>,
  {
    kicked,
    enforced,
    appearances,
    unlisted,
    now
  }: {
    readonly kicked: number
    readonly enforced: boolean
    readonly appearances: Appearances
    readonly unlisted: number
    readonly now: DateTime.Utc
  }
): PassSummary => {
  const reported = only("ReportUnauthorized").length
  const [held] = only("HoldUnauthorized")
  const heldBack = held?.count ?? 0
  return {
    publishers: look.sources.filter((source) => source.state === "publish").length,
    unauthorized: only("KickUnauthorized").length + reported + heldBack,
    kicked,
    reported,
    heldBack,
    ...(held === undefined ? {} : { heldWhy: held.why }),
    ...(doNotAppear(appearances)
      ? {
          notAppearing: true,
          notAppearingForMillis: Math.max(0, millisBetween(appearances.absentAt ?? now, now))
        }
      : {}),
    ...(unlisted > 0 ? { unlisted } : {}),
    enforced
  }
}

const runAsLeader = Effect.fnUntraced(function* (memory: ReconcileState, lease: Lease, kickTracker: KickTracker) {
  const configured = yield* ReconcilePolicy
  const policy = { ...configured, enforce: configured.enforce || lease.enforce }
  const sessions = yield* Sessions
  const leases = yield* Leases
  const { whileHeld } = yield* LeaseGuard
  const { s1, look, s2, plan } = yield* readAndPlan(policy, memory, lease)
  const only = commandsOf(plan)
  const { staying, justTold } = yield* kickTracker.looked(look)

  // A reader who finds a stream active finds its tracks there, too.
  if (plan.observations.length > 0) yield* whileHeld(sessions.observe(plan.observations, policy.holder))
  const ready = only("MarkReady")
  if (ready.length > 0) yield* whileHeld(sessions.markReady(ready, policy.holder))
  for (const { streamId, reason } of only("RequestStop")) {
    yield* whileHeld(sessions.requestStop(streamId, reason, policy.holder))
  }
  const budget = yield* startTimeBudget
  const ended = yield* endAll(only("End"), policy.holder, budget)
  const kicks = yield* kickPublishers(
    only("KickStopping"),
    only("KickUnauthorized"),
    policy.holder,
    kickTracker,
    budget
  )
  const unresettable = yield* resetPaths(only("ResetPath"), kickTracker, budget)

  const absent = [...plan.neverAppeared].filter((streamId) => ended.has(streamId)).length
  const appearances = rememberAppearances(plan.memory.appearances, { absent }, s2.now)
  const kicked = kickTracker.kickedSoFar(kicks.strangers, lease.enforce)
  const unlisted = plan.unlistedUnknown
  const found = summaryOf(look, only, { kicked, enforced: policy.enforce, appearances, unlisted, now: s2.now })
  const fulfilled = lease.enforce && found.unauthorized === 0 && unlisted === 0
  yield* whileHeld(leases.recordPass(policy.holder, { started: look.started, lookedAt: s1.now, found, fulfilled }))

  yield* reportLeft(only, found, kickTracker)
  yield* Metric.update(Metrics.unendedStreams, s2.open.length)
  yield* Metric.update(Metrics.staying, staying)
  const seenFirst = [...plan.memory.unlisted].some((source) => !memory.unlisted.has(source))
  const outcome: PassOutcome = {
    _tag: "Complete",
    memory: { ...plan.memory, appearances },
    unlisted: unresettable + only("ReportUnlisted").length,
    unended: s2.open.length,
    unsettled: budget.left || kicks.first || only("RequestStop").length > 0 || seenFirst,
    expecting: justTold || s2.open.some((session) => session.state._tag === "Connecting"),
    found,
    look,
    sessions: s2.open.filter(({ streamId }) => !ended.has(streamId))
  }
  return outcome
})

/** Logs and shows the publishers that this pass left on the air without a session, and those that stand in no list. */
const reportLeft = Effect.fnUntraced(function* (
  only: ReturnType<typeof commandsOf>,
  { reported, heldBack }: PassSummary,
  kickTracker: KickTracker
) {
  const reports = only("ReportUnauthorized").map(({ listed }) => listed)
  yield* kickTracker.leftOnAir(reports, only("HoldUnauthorized")[0] ?? null)
  yield* kickTracker.leftUnlisted(only("ReportUnlisted").map(({ path }) => path))
  const unlisted = only("ReportUnlisted").length + only("ResetPath").length
  yield* Metric.update(Metrics.unlistedPublishers, unlisted)
  yield* Metric.update(Metrics.unauthorizedPublishers, reported + heldBack)
})

/** Sources whose absence needs a second word are asked for by id; a failed question leaves the session as it is. Who has ended now. */
const endAll = Effect.fnUntraced(function* (ends: ReadonlyArray<CommandOf<"End">>, holder: string, budget: TimeBudget) {
  const sessions = yield* Sessions
  const mediaServer = yield* MediaServer
  const { whileHeld } = yield* LeaseGuard
  const gone = (end: CommandOf<"End">) =>
    end.verify
      ? budget.inTime(
          whileHeld(
            mediaServer.find(end.session.source).pipe(
              Effect.map((answer) => answer === "gone"),
              Effect.orElseSucceed(() => false)
            )
          )
        )
      : Effect.succeed(true)
  const ended = new Set<StreamId>()
  for (const cause of ["left", "media_server_restarted"] as const) {
    const candidates = ends.filter((end) => end.cause === cause)
    if (candidates.length === 0) continue
    const verdicts = yield* Effect.forEach(candidates, gone, { concurrency: 8 })
    const ids = candidates.filter((_, index) => verdicts[index] === true).map((end) => end.session.streamId)
    if (ids.length === 0) continue
    for (const id of yield* whileHeld(sessions.end(ids, cause, holder))) ended.add(id)
  }
  return ended
})
