/**
 * A look that has not ended after this long gets another beside it, on connections of its own, and so on; the first that ends is
 * the look. One whose packets were lost, or whose connection a frozen or restarted process has forgotten, may learn of it after a
 * minute or never, and must not use up the deadline; one that hangs behind an auth must not lose its place by beginning anew.
 */
import { Effect } from "effect"

const LOOK_AGAIN_MS = 1_000

export const hedge = <A, E, R>(attempt: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.raceFirst(
    attempt,
    Effect.andThen(
      Effect.sleep(LOOK_AGAIN_MS),
      Effect.suspend(() => hedge(attempt))
    )
  )
