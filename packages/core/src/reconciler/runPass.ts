/**
 * One pass of the reconciler: look at the store, the media server, the store again; let the pure `planReconciliation` decide; do what it
 * says. A pass that cannot look at everything does nothing. No step begins after the lease has run out by this process's own clocks
 * (`LeaseGuard`), each write is conditional on still holding it in the store, and before a kick the store is read once more: between a
 * decision and its execution this process may have been frozen for any time.
 */
import { Context, Effect, Metric } from "effect"
import { doNotAppear, notAppearing, rememberAppearances } from "../domain/reconciliation/appearances.ts"
import type { MediaServerFacts } from "../domain/reconciliation/MediaServerFacts.ts"
import type { MediaServerSnapshot } from "../domain/reconciliation/MediaServerSnapshot.ts"
import { asksAboutPublishers } from "../domain/reconciliation/mediaServerWarnings.ts"
import type { Findings } from "../domain/reconciliation/PassSummary.ts"
import {
  type Command,
  type CommandOf,
  type Policy,
  planReconciliation,
  type ReconcileState,
  type StoredSession
} from "../domain/reconciliation/planReconciliation.ts"
import type { StreamId } from "../domain/values/Ids.ts"
import * as Telemetry from "../Metrics.ts"
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
  /** `freeInMillis`: when the lease of whoever leads runs out, unless it is renewed. */
  | { readonly _tag: "NotLeading"; readonly freeInMillis: number }
  /** `unsettled`: something was started that the next look must confirm, so it should come at once. */
  | {
      readonly _tag: "Complete"
      readonly memory: ReconcileState
      readonly unended: number
      readonly unsettled: boolean
      /** Somebody is connecting, or was told to go a moment ago: the next look should come soon. */
      readonly expecting: boolean
      readonly found: Findings
      /** Publishers on a path that stand in no list, twice in a row, and that this pass left there. */
      readonly unlisted: number
      /** What was looked at: the media server, and the sessions of the store right after, without those that this pass has ended. */
      readonly look: MediaServerSnapshot
      readonly sessions: ReadonlyArray<StoredSession>
    }

/**
 * `chronicle` goes on from pass to pass; `leaseRead` is told what the lease says, also when this pass sees nothing. A pass that
 * loses the lease fails there: two instances must not look and kick at once.
 */
export const runPass = Effect.fnUntraced(function* (
  memory: ReconcileState,
  chronicle: KickTracker = makeKickTracker(),
  leaseRead: (lease: Lease) => Effect.Effect<void> = () => Effect.void
) {
  const { holder } = yield* ReconcilePolicy
  const { lease, tenure } = yield* acquireLease(holder)
  yield* leaseRead(lease)
  if (tenure === null) {
    const outcome: PassOutcome = { _tag: "NotLeading", freeInMillis: lease.leftMillis }
    return outcome
  }
  const work = Effect.provideService(runAsLeader(memory, lease, chronicle), LeaseGuard, tenure)
  return yield* Effect.raceFirst(work, tenure.kept)
})

const isAgainstUnadmitted = (command: Command): boolean =>
  command._tag === "CurePath" || (command._tag === "KickUnauthorized" && !command.former)

const isHeldUnknown = (command: Command): boolean => command._tag === "HoldUnauthorized" && command.why === "not_known"

/** Only those stay held back that were too many: other reasons are seen anew in each pass. */
const heldAsTooMany = ({ lastSnapshot }: Lease): boolean =>
  lastSnapshot !== null && lastSnapshot.found.heldBack > 0 && (lastSnapshot.found.heldWhy ?? "too_many") === "too_many"

/** An instance that has seen none yet goes on with what the leader before it, or this one before it was started anew, had found. */
const appearancesSoFar = ({ appearances }: ReconcileState, { lastSnapshot }: Lease) =>
  appearances.length === 0 && lastSnapshot?.found.notAppearing === true ? notAppearing : appearances

const runAsLeader = Effect.fnUntraced(function* (memory: ReconcileState, lease: Lease, chronicle: KickTracker) {
  const configured = yield* ReconcilePolicy
  const policy = { ...configured, enforce: configured.enforce || lease.enforce }
  const sessions = yield* Sessions
  const leases = yield* Leases
  const mediaServer = yield* MediaServer
  const { whileHeld } = yield* LeaseGuard

  yield* whileHeld(sessions.requestStopsForInvalidKeys)
  const s1 = yield* whileHeld(sessions.open)
  const look = yield* whileHeld(mediaServer.snapshot)
  const ids = new Set([...look.sources.map(({ id }) => id), ...look.paths.map(({ sourceId }) => sourceId)])
  const s2 = yield* whileHeld(sessions.after([...ids]))
  const { staying, justTold } = yield* chronicle.looked(look)
  const holding = heldAsTooMany(lease)
  const decided = (facts: MediaServerFacts | null) => {
    const asksUs = facts === null ? null : asksAboutPublishers(facts)
    const state = { ...memory, started: lease.started, holding, appearances: appearancesSoFar(memory, lease) }
    return planReconciliation({ ...policy, asksUs }, s1, look, s2, state)
  }
  const first = decided(yield* mediaServer.facts)
  // A configuration can be changed while the media server runs: who is to be kicked for want of a session must have been asked about.
  const result =
    first.commands.some(isAgainstUnadmitted) || first.commands.some(isHeldUnknown)
      ? decided(yield* whileHeld(mediaServer.factsNow))
      : first
  const only = <T extends Command["_tag"]>(tag: T) =>
    result.commands.filter((command): command is CommandOf<T> => command._tag === tag)

  // Whoever sees a stream become active finds its tracks there.
  if (result.observations.length > 0) yield* whileHeld(sessions.observe(result.observations, policy.holder))
  const ready = only("MarkReady")
  if (ready.length > 0) yield* whileHeld(sessions.markReady(ready, policy.holder))
  for (const { streamId, reason } of only("RequestStop")) {
    yield* whileHeld(sessions.requestStop(streamId, reason, policy.holder))
  }
  const acting = yield* startTimeBudget
  const ended = yield* endAll(only("End"), policy.holder, acting)
  const kicks = yield* kickPublishers(only("KickStopping"), only("KickUnauthorized"), policy.holder, chronicle, acting)
  const incurable = yield* resetPaths(only("CurePath"), chronicle, acting)

  const absent = [...result.neverAppeared].filter((streamId) => ended.has(streamId)).length
  const appearances = rememberAppearances(result.memory.appearances, 0, absent)
  const reported = only("ReportUnauthorized").map((command) => command.listed)
  const [held] = only("HoldUnauthorized")
  const heldBack = held?.count ?? 0
  const found: Findings = {
    publishers: look.sources.filter((source) => source.state === "publish").length,
    unauthorized: only("KickUnauthorized").length + reported.length + heldBack,
    kicked: chronicle.kickedSoFar(kicks.strangers, lease.enforce),
    reported: reported.length,
    heldBack: heldBack,
    ...(held === undefined ? {} : { heldWhy: held.why }),
    ...(doNotAppear(appearances) ? { notAppearing: true } : {}),
    enforced: policy.enforce
  }
  const fulfilled = lease.enforce && found.unauthorized === 0
  yield* whileHeld(leases.recordPass(policy.holder, { started: look.started, lookedAt: s1.now, found, fulfilled }))

  yield* chronicle.leftOnAir(reported, held ?? null)
  yield* chronicle.leftUnlisted(only("ReportUnlisted").map(({ path }) => path))
  const unlisted = only("ReportUnlisted").length + only("CurePath").length
  yield* Metric.update(Telemetry.unlistedPublishers, unlisted)
  yield* Metric.update(Telemetry.unauthorizedPublishers, reported.length + heldBack)
  yield* Metric.update(Telemetry.unendedStreams, s2.open.length)
  yield* Metric.update(Telemetry.staying, staying)
  const seenFirst = [...result.memory.unlisted].some((source) => !memory.unlisted.has(source))
  const outcome: PassOutcome = {
    _tag: "Complete",
    memory: { ...result.memory, appearances },
    unlisted: incurable + only("ReportUnlisted").length,
    unended: s2.open.length,
    unsettled: acting.left || kicks.first || only("RequestStop").length > 0 || seenFirst,
    expecting: justTold || s2.open.some((session) => session.state._tag === "Connecting"),
    found,
    look,
    sessions: s2.open.filter(({ streamId }) => !ended.has(streamId))
  }
  return outcome
})

/** Sources whose absence needs a second word are asked for by id; a failed question leaves the session as it is. Who has ended now. */
const endAll = Effect.fnUntraced(function* (ends: ReadonlyArray<CommandOf<"End">>, holder: string, acting: TimeBudget) {
  const sessions = yield* Sessions
  const mediaServer = yield* MediaServer
  const { whileHeld } = yield* LeaseGuard
  const gone = (end: CommandOf<"End">) =>
    end.verify
      ? acting.inTime(
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
