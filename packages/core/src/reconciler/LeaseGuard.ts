/**
 * The time in which this process may reconcile, by its own clocks: from the moment before a `acquire` that succeeded was sent, for as long as
 * that hold lasts. The database may count a little longer, never shorter. A pass begins none of its steps outside of it, so that one
 * that was frozen, or whose store is slow, leaves the field to its successor.
 */
import { Context, Effect, Schema } from "effect"
import { type Lease, Leases } from "../ports/Leases.ts"
import type { StoreUnavailable } from "../ports/StoreUnavailable.ts"
import { elapsedAtMost, readClocks } from "../resilience/ProcessClock.ts"

/** A lease outlives several passes and runs out 3 s after its holder's last sign of life; a pass renews it while it lasts. */
export const LEASE_TTL_MS = 3_000

/** The lease ran out, or went to somebody else, in the middle of a pass. */
export class LeaseLost extends Schema.TaggedError<LeaseLost>()("LeaseLost", {}) {
  override get message() {
    return "the lease was lost in the middle of a pass, which went no further"
  }
}

export class LeaseGuard extends Context.Service<
  LeaseGuard,
  {
    /** Does the step, unless the lease has run out by now. */
    readonly whileHeld: <A, E, R>(step: Effect.Effect<A, E, R>) => Effect.Effect<A, E | LeaseLost, R>
    readonly renew: Effect.Effect<void, StoreUnavailable | LeaseLost>
    /** Renews the lease for ever; fails when that fails, and no later than when the lease runs out. */
    readonly kept: Effect.Effect<never, StoreUnavailable | LeaseLost>
  }
>()("greenroom/LeaseGuard") {}

/** The lease as it was found, and the guard if it is ours. */
export const acquireLease = Effect.fnUntraced(function* (holder: string) {
  const leases = yield* Leases
  const hold = Effect.gen(function* () {
    const sent = yield* readClocks
    const lease = yield* leases.acquire(holder, LEASE_TTL_MS)
    return { sent, lease }
  })
  const first = yield* hold
  const lease: Lease = first.lease
  let since = first.sent

  const left = Effect.map(readClocks, (now) => LEASE_TTL_MS - elapsedAtMost(since, now))
  const during = <A, E, R>(step: Effect.Effect<A, E, R>): Effect.Effect<A, E | LeaseLost, R> =>
    Effect.flatMap(
      left,
      (millis): Effect.Effect<A, E | LeaseLost, R> => (millis > 0 ? step : Effect.fail(new LeaseLost()))
    )
  const renew = during(
    Effect.flatMap(left, (millis) =>
      Effect.timeoutOrElse(hold, { duration: millis, orElse: () => Effect.fail(new LeaseLost()) })
    )
  ).pipe(
    Effect.flatMap(({ sent, lease: { held } }) =>
      held
        ? Effect.sync(() => {
            if (elapsedAtMost(since, sent) > 0) since = sent
          })
        : Effect.fail(new LeaseLost())
    )
  )
  const guard = LeaseGuard.of({
    whileHeld: during,
    renew,
    kept: Effect.forever(Effect.andThen(Effect.sleep(LEASE_TTL_MS / 3), renew))
  })
  return { lease, guard: lease.held ? guard : null }
})
