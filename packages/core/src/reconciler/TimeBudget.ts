/** How long a pass goes on doing things about single connections, so that calls without an answer do not put off the next look. */
import { Effect } from "effect"
import { elapsedAtMost, readClocks } from "../resilience/ProcessClock.ts"

/**
 * What a pass does about single connections it begins within this time of having looked; the rest is left to the next pass, which comes
 * at once. Thus calls that get no answer, however many, put off the next look by this and one call's deadline.
 */
const ACT_FOR_MS = 2_000

export interface TimeBudget {
  /** Does the step, or leaves it, which is a `null`. */
  readonly inTime: <A, E, R>(step: Effect.Effect<A, E, R>) => Effect.Effect<A | null, E, R>
  left: boolean
}

export const startTimeBudget = Effect.map(readClocks, (since): TimeBudget => {
  const budget: TimeBudget = {
    left: false,
    inTime: <A, E, R>(step: Effect.Effect<A, E, R>): Effect.Effect<A | null, E, R> =>
      Effect.flatMap(readClocks, (now): Effect.Effect<A | null, E, R> => {
        if (elapsedAtMost(since, now) < ACT_FOR_MS) return step
        budget.left = true
        return Effect.succeed(null)
      })
  }
  return budget
})
