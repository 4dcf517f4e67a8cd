/**
 * Pass after pass, for as long as its scope is open, whatever failed before. A pass begins at most a second after the one before it ended, and
 * at once when the reconciler is woken. How long a pass takes depends on what it calls: milliseconds when all is well; a snapshot that gets no
 * answer is given up by its adapter (MediaMTX: after 5 s), a pass after 15 s. Between passes the loop ends lost admissions and processes hooks.
 */
import { Clock, Effect, Metric, Queue } from "effect"
import { newHistory, type PassHistory } from "../domain/reconciliation/describePassChange.ts"
import * as Metrics from "../Metrics.ts"
import type { Lease } from "../ports/Leases.ts"
import { makeConditions } from "../resilience/Conditions.ts"
import { LostAdmissions } from "../resilience/LostAdmissions.ts"
import { elapsedAtMost, minus, monotonicMillis, type Reading, readClocks } from "../resilience/ProcessClock.ts"
import { StoreMonitor } from "../resilience/StoreMonitor.ts"
import type { HookInbox } from "./HookInbox.ts"
import type { NewestPass, SnapshotRecord } from "./NewestPass.ts"
import { findingsOf, follower, type Role, readsLeaseAnew } from "./Role.ts"
import { reportPass } from "./reportPass.ts"
import { type PassOutcome, runPass } from "./runPass.ts"
import type { Warnings } from "./Warnings.ts"

/** A pass comes at least this often; more often only when woken. */
const PASS_EVERY_MS = 1_000
/** While a publisher is connecting; MediaMTX analyses RTMP for 2 s before it is ready. */
export const PASS_EVERY_WHILE_CONNECTING_MS = 250
/** Two passes never follow each other closer than this, however often the reconciler is woken. */
const PASS_APART_MS = 50
/** A follower asks again this long after the lease that it read has run out. */
const PAST_THE_LEASE_MS = 5

export interface LoopParts {
  readonly wakes: Queue.Queue<void>
  readonly newest: NewestPass
  readonly hooks: HookInbox
  readonly warnings: Warnings
}

/** How long after this pass the next begins, unless the reconciler is woken. */
const pauseAfter = (outcome: PassOutcome): number => {
  switch (outcome._tag) {
    case "NotLeading":
      return Math.min(PASS_EVERY_MS, Math.max(PASS_APART_MS, outcome.freeInMillis + PAST_THE_LEASE_MS))
    case "Complete":
      return outcome.expecting ? PASS_EVERY_WHILE_CONNECTING_MS : PASS_EVERY_MS
    case "Failed":
      return PASS_EVERY_MS
  }
}

/**
 * The age that the database gives for another instance's snapshot is that at some moment of the pass. `null`: there is none, or a leader that has
 * taken one itself knows better.
 */
const snapshotOfLease = (
  { held, lastSnapshot }: Lease,
  own: boolean,
  started: Reading,
  now: Reading
): SnapshotRecord | null => {
  if (lastSnapshot === null || (held && own)) return null
  const { ageMillis, found } = lastSnapshot
  return { earliest: minus(started, ageMillis), latest: minus(now, ageMillis), found, own: false }
}

/** What a pass brings to the warnings, the newest pass and the metrics. */
const publish = Effect.fnUntraced(function* (outcome: PassOutcome, started: Reading, { newest, warnings }: LoopParts) {
  if (outcome._tag !== "Failed") yield* warnings.update(outcome)
  const now = yield* readClocks
  if (outcome._tag === "Complete") {
    yield* newest.setPass(outcome, { earliest: started, latest: now, found: outcome.found, own: true })
    yield* Metric.update(Metrics.passSeconds, elapsedAtMost(started, now) / 1000)
  } else yield* newest.setPass(outcome)
  const snapshot = newest.snapshot()
  if (snapshot === null) return
  const age = elapsedAtMost(snapshot.earliest, now)
  yield* Metric.update(Metrics.lastLook, ((yield* Clock.currentTimeMillis) - age) / 1000)
})

/** One pass; the lost admissions are ended before it. */
const nextPass = Effect.fnUntraced(function* (role: Role, started: Reading, { newest }: LoopParts) {
  const lostAdmissions = yield* LostAdmissions
  yield* lostAdmissions.end
  const noteLease = Effect.fnUntraced(function* (lease: Lease) {
    const snapshot = snapshotOfLease(lease, newest.snapshot()?.own === true, started, yield* readClocks)
    if (snapshot !== null) yield* newest.setSnapshot(snapshot)
  })
  return yield* runPass(role, noteLease)
})

export const runLoop = Effect.fnUntraced(function* (parts: LoopParts) {
  const { newest, hooks, wakes } = parts
  const storeMonitor = yield* StoreMonitor
  const lostAdmissions = yield* LostAdmissions
  const conditions = makeConditions()
  let role: Role = follower
  let history: PassHistory = newHistory(yield* monotonicMillis)
  while (true) {
    const started = yield* readClocks
    const result = yield* nextPass(role, started, parts)
    const { outcome, report } = result
    history = yield* reportPass(result, findingsOf(role), history, conditions)
    role = result.role
    if (report.outcome === "store_unavailable") yield* storeMonitor.reportFailure
    yield* publish(outcome, started, parts)
    yield* hooks.process(newest.snapshot())
    const isUnsettled = outcome._tag === "Complete" && outcome.unsettled
    if (isUnsettled || hooks.areMany() || (yield* lostAdmissions.areMany)) yield* Queue.offer(wakes, undefined)
    yield* Effect.sleep(PASS_APART_MS)
    const woken = yield* Effect.timeoutOption(Queue.take(wakes), pauseAfter(outcome) - PASS_APART_MS)
    // A request for enforcement stands beside the lease, and wakes.
    if (woken._tag === "Some") role = readsLeaseAnew(role)
  }
})
