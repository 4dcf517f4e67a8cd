/** Milliseconds of the clock that nobody sets, from some moment on: what lasts a while is measured by it. */
import { Clock, Effect } from "effect"

export const monotonicMillis: Effect.Effect<number> = Effect.map(Clock.monotonicTimeNanos, (nanos) =>
  Number(nanos / 1_000_000n)
)
