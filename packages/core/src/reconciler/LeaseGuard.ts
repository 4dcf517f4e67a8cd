/**
 * The lease, as the process that holds it may use it: from the moment before an `acquire` that succeeded was sent, for as long as that lease lasts
 * by this process's own clocks. The database may count a little longer, never shorter. A pass begins none of its steps outside of it, so that
 * a process that was frozen, or whose store is slow, leaves the media server to its successor.
 */
import { Effect, Schema } from "effect"
import { type Lease, Leases } from "../ports/Leases.ts"
import type { StoreUnavailable } from "../ports/StoreUnavailable.ts"
import { elapsedAtMost, type Reading, readClocks } from "../resilience/ProcessClock.ts"

/** A lease outlives several passes and runs out 3 s after its holder's last renewal; a pass renews it while it lasts. */
export const LEASE_TTL_MS = 3_000

/** A lease that is as old as this is renewed before it is used, and while a pass goes on: an answer may take a second. */
const RENEW_AFTER_MS = LEASE_TTL_MS / 2

/** A lease as it was read, and when it was asked for. */
export interface ReadLease {
  readonly lease: Lease
  readonly sent: Reading
}

/** The lease ran out, or another instance got it, in the middle of a pass. */
export class LeaseLost extends Schema.TaggedError<LeaseLost>()("LeaseLost", {}) {
  override get message() {
    return "the lease was lost in the middle of a pass, which went no further"
  }
}

export interface LeaseGuard {
  /** Does the step, unless the lease has run out by now. */
  readonly whileHeld: <A, E, R>(step: Effect.Effect<A, E, R>) => Effect.Effect<A, E | LeaseLost, R>
  readonly renew: Effect.Effect<void, StoreUnavailable | LeaseLost>
  /** Renews the lease for ever; fails when that fails, and no later than when the lease runs out. */
  readonly kept: Effect.Effect<never, StoreUnavailable | LeaseLost>
}

/**
 * The lease as it was read, and the guard if this instance holds it. `renewed`: the lease as the pass before has renewed it, which is enough
 * while it is young.
 */
export const acquireLease = Effect.fnUntraced(function* (holder: string, renewed: ReadLease | null) {
  const leases = yield* Leases
  const acquire = Effect.gen(function* () {
    const sent = yield* readClocks
    const lease = yield* leases.acquire(holder, LEASE_TTL_MS)
    return { sent, lease }
  })
  const isYoung = renewed !== null && elapsedAtMost(renewed.sent, yield* readClocks) < RENEW_AFTER_MS
  const first: ReadLease = isYoung ? renewed : yield* acquire
  const { lease } = first
  let since = first.sent

  const left = Effect.map(readClocks, (now) => LEASE_TTL_MS - elapsedAtMost(since, now))
  const whileHeld: LeaseGuard["whileHeld"] = <A, E, R>(
    step: Effect.Effect<A, E, R>
  ): Effect.Effect<A, E | LeaseLost, R> =>
    Effect.flatMap(
      left,
      (millis): Effect.Effect<A, E | LeaseLost, R> => (millis > 0 ? step : Effect.fail(new LeaseLost()))
    )
  const acquireInTime = Effect.flatMap(left, (millis) =>
    Effect.timeoutOrElse(acquire, { duration: millis, orElse: () => Effect.fail(new LeaseLost()) })
  )
  const renew = Effect.flatMap(whileHeld(acquireInTime), ({ sent, lease: { held } }) =>
    held
      ? Effect.sync(() => {
          if (elapsedAtMost(since, sent) > 0) since = sent
        })
      : Effect.fail(new LeaseLost())
  )
  const untilRenewal = Effect.flatMap(left, (millis) => Effect.sleep(Math.max(0, millis - RENEW_AFTER_MS)))
  const kept = Effect.forever(Effect.andThen(untilRenewal, renew))
  const guard: LeaseGuard = { whileHeld, renew, kept }
  return { lease, guard: lease.held ? guard : null }
})
