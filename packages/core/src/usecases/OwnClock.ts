/**
 * This process's own time, for what must not outlast a lease. Both of its clocks count: the monotonic one, which nobody sets, and the
 * wall's, which goes on while a machine is suspended. Where they disagree the longer time is the true one.
 */
import { Clock, Effect } from "effect"

export interface Reading {
  readonly monotonic: number
  readonly wall: number
}

/** In milliseconds. */
export const readClocks: Effect.Effect<Reading> = Effect.map(
  Effect.all([Clock.monotonicTimeNanos, Clock.currentTimeMillis]),
  ([nanos, wall]) => ({ monotonic: Number(nanos) / 1e6, wall })
)

/** The milliseconds between two readings. */
export const elapsed = (from: Reading, to: Reading): number =>
  Math.max(to.monotonic - from.monotonic, to.wall - from.wall)

export const before = ({ monotonic, wall }: Reading, millis: number): Reading => ({
  monotonic: monotonic - millis,
  wall: wall - millis
})
