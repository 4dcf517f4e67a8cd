/** For how long a pass acts on single connections, so that calls without an answer do not delay the next snapshot. */
import { Effect } from "effect"
import { elapsedAtMost, readClocks } from "../resilience/ProcessClock.ts"

/**
 * A pass begins to act on a connection within this time of its snapshot; the rest is left to the next pass, which comes
 * at once. Thus calls that get no answer, however many, delay the next snapshot by this and one call's deadline.
 */
const ACT_FOR_MS = 2_000

export interface TimeBudget {
  /** Does the step; or leaves it, and is `null`, when the time is over. */
  readonly inTime: <A, E, R>(step: Effect.Effect<A, E, R>) => Effect.Effect<A | null, E, R>
  /** Whether a step was left. */
  readonly isExceeded: () => boolean
}

export const startTimeBudget = Effect.map(readClocks, (since): TimeBudget => {
  let exceeded = false
  return {
    inTime: <A, E, R>(step: Effect.Effect<A, E, R>): Effect.Effect<A | null, E, R> =>
      Effect.flatMap(readClocks, (now): Effect.Effect<A | null, E, R> => {
        if (elapsedAtMost(since, now) < ACT_FOR_MS) return step
        exceeded = true
        return Effect.succeed(null)
      }),
    isExceeded: () => exceeded
  }
})
