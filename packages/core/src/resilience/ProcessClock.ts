/**
 * This process's own time, by two clocks. The monotonic clock cannot be set. The wall clock can, and jumps then; but it goes on while a machine is
 * suspended. What must not last too long, such as a lease, uses the longer of the two times (`elapsedAtMost`); what must
 * not come too early uses the monotonic clock (`elapsedAtLeast`).
 */
import { Clock, Effect } from "effect"

export interface Reading {
  readonly monotonic: number
  readonly wall: number
}

/** Milliseconds of the monotonic clock, from some moment on. */
export const monotonicMillis: Effect.Effect<number> = Effect.map(
  Clock.monotonicTimeNanos,
  (nanos) => Number(nanos) / 1e6
)

/** Of the wall clock, since 1970, as signed tokens count. */
export const nowSeconds: Effect.Effect<number> = Effect.map(Clock.currentTimeMillis, (millis) => millis / 1000)

/** In milliseconds. */
export const readClocks: Effect.Effect<Reading> = Effect.map(
  Effect.all([monotonicMillis, Clock.currentTimeMillis]),
  ([monotonic, wall]) => ({ monotonic, wall })
)

/** The milliseconds between two readings, at the most. */
export const elapsedAtMost = (from: Reading, to: Reading): number =>
  Math.max(to.monotonic - from.monotonic, to.wall - from.wall)

/** At the least: a clock that is set forward makes nothing older, and one that is set back nothing younger. */
export const elapsedAtLeast = (from: Reading, to: Reading): number => to.monotonic - from.monotonic

export const minus = ({ monotonic, wall }: Reading, millis: number): Reading => ({
  monotonic: monotonic - millis,
  wall: wall - millis
})
