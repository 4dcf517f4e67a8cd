/**
 * One pass of the reconciler, as a value: what became of it, what this instance is after it, and its report. It never fails: a pass that could
 * not complete is an outcome, too. No step begins after the lease has run out by this process's own clocks (`LeaseGuard`).
 */
import { type Cause, Effect, Exit } from "effect"
import { outcomeOfFailure, type PassFailure, type PassReport } from "../domain/reconciliation/PassReport.ts"
import { type Lease, Leases } from "../ports/Leases.ts"
import { monotonicMillis } from "../resilience/ProcessClock.ts"
import { guardPorts } from "./LeaderPorts.ts"
import { acquireLease } from "./LeaseGuard.ts"
import { findingsAfter, newJournal, type PassJournal } from "./PassJournal.ts"
import { PASS_DEADLINE_MS, PassTooLong, passFailure } from "./passFailure.ts"
import { ReconcilePolicy } from "./ReconcilePolicy.ts"
import { findingsOf, follower, type LeaderState, leader, newLeaderState, type Role } from "./Role.ts"
import { type LeaderPass, runAsLeader } from "./runAsLeader.ts"

export type PassOutcome =
  /** Another instance leads. `freeInMillis`: when its lease runs out, unless it is renewed. */
  | { readonly _tag: "NotLeading"; readonly freeInMillis: number }
  | ({ readonly _tag: "Complete" } & LeaderPass)
  | { readonly _tag: "Failed"; readonly failure: PassFailure; readonly cause: Cause.Cause<unknown> }

export interface PassResult {
  readonly outcome: PassOutcome
  readonly role: Role
  readonly report: PassReport
}

type Attempt = Exclude<PassOutcome, { readonly _tag: "Failed" }>

/** `lead`: begins to lead, or goes on; what it returns is what this instance knows as the leader. */
const attempt = Effect.fnUntraced(function* (
  noteLease: (lease: Lease) => Effect.Effect<void>,
  renewed: LeaderState["renewed"],
  lead: () => LeaderState,
  journal: PassJournal
) {
  const { holder } = yield* ReconcilePolicy
  const { lease, guard } = yield* acquireLease(holder, renewed)
  yield* noteLease(lease)
  if (guard === null) {
    const outcome: Attempt = { _tag: "NotLeading", freeInMillis: lease.leftMillis }
    return outcome
  }
  const work = runAsLeader(lead(), lease, yield* guardPorts(guard), journal)
  // Two instances must not act at once: a pass whose lease cannot be renewed is interrupted.
  const outcome: Attempt = { _tag: "Complete", ...(yield* Effect.raceFirst(work, guard.kept)) }
  return outcome
})

const roleAfter = (before: Role, outcome: PassOutcome, state: LeaderState | null, journal: PassJournal): Role => {
  if (outcome._tag === "NotLeading") return follower
  if (state === null) return before
  if (outcome._tag === "Failed") {
    const reconcile = { ...state.reconcile, continuous: false }
    return leader({
      ...state,
      reconcile,
      markedReady: new Map(),
      renewed: null,
      findings: findingsAfter(state.findings, journal, null)
    })
  }
  const { reconcile, enforcedKicks, markedReady, renewed, left } = outcome
  return leader({
    reconcile,
    enforcedKicks,
    markedReady,
    renewed,
    findings: findingsAfter(state.findings, journal, left)
  })
}

const outcomeName = (outcome: PassOutcome): PassReport["outcome"] => {
  switch (outcome._tag) {
    case "NotLeading":
      return "not_leading"
    case "Complete":
      return "complete"
    case "Failed":
      return outcomeOfFailure(outcome.failure.kind)
  }
}

const isUnreachable = (kind: PassFailure["kind"]): boolean =>
  kind === "media_server_unreachable" || kind === "media_server_refused" || kind === "media_server_nonsense"

/** For the event log. What the store does not take now, the next pass brings. */
const noteUnreachable = Effect.gen(function* () {
  const { holder } = yield* ReconcilePolicy
  const leases = yield* Leases
  yield* Effect.ignore(leases.recordUnreachable(holder))
})

/** `noteLease` gets the lease as soon as it was read, also when this pass completes late or not at all. */
export const runPass = Effect.fnUntraced(function* (
  role: Role,
  noteLease: (lease: Lease) => Effect.Effect<void> = () => Effect.void
) {
  const journal = newJournal()
  let state: LeaderState | null = role._tag === "Leader" ? role.state : null
  const lead = () => (state ??= newLeaderState)
  const exit = yield* attempt(noteLease, state?.renewed ?? null, lead, journal).pipe(
    Effect.timeoutOrElse({ duration: PASS_DEADLINE_MS, orElse: () => Effect.fail(new PassTooLong()) }),
    Effect.exit
  )
  const outcome: PassOutcome = Exit.isSuccess(exit)
    ? exit.value
    : { _tag: "Failed", failure: passFailure(exit.cause), cause: exit.cause }
  const after = roleAfter(role, outcome, state, journal)
  if (outcome._tag === "Failed" && state !== null && isUnreachable(outcome.failure.kind)) yield* noteUnreachable
  const report: PassReport = {
    outcome: outcomeName(outcome),
    failure: outcome._tag === "Failed" ? outcome.failure : null,
    at: yield* monotonicMillis,
    findings: findingsOf(after)
  }
  const result: PassResult = { outcome, role: after, report }
  return result
})
