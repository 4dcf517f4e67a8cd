/**
 * Runs another attempt beside one that has not ended after a second, and so on; the first that ends gives the result. An attempt
 * may never learn that its packets were lost, or that a frozen or restarted process has forgotten its connection. It must not
 * use up the deadline. The earlier attempts go on, because one that hangs behind an auth would lose its place.
 */
import { Effect } from "effect"

/** Another attempt starts when the newest one is this old, so that five fit into the deadline of a snapshot. */
const HEDGE_AFTER_MS = 1_000

export const hedge = <A, E, R>(attempt: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.raceFirst(
    attempt,
    Effect.andThen(
      Effect.sleep(HEDGE_AFTER_MS),
      Effect.suspend(() => hedge(attempt))
    )
  )
