/** Processes whose time is odd: one that freezes, whose clocks go on while none of its timers fires; one whose wall clock is set. */
import { Clock, Effect } from "effect"

/** Runs the effect in a process of its own; `freeze` lets `millis` go by at once, as somebody sees it who wakes up after them. */
export const inFreezable = <A, E, R>(
  use: (freeze: (millis: number) => Effect.Effect<void>) => Effect.Effect<A, E, R>
) =>
  Effect.clockWith((clock) => {
    let slept = 0
    const millis = () => clock.currentTimeMillisUnsafe() + slept
    const nanos = (of: bigint) => of + BigInt(slept) * 1_000_000n
    const own: Clock.Clock = {
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: () => nanos(clock.currentTimeNanosUnsafe()),
      currentTimeNanos: Effect.sync(() => nanos(clock.currentTimeNanosUnsafe())),
      monotonicTimeNanosUnsafe: () => nanos(clock.monotonicTimeNanosUnsafe()),
      monotonicTimeNanos: Effect.sync(() => nanos(clock.monotonicTimeNanosUnsafe())),
      sleep: (duration) => clock.sleep(duration)
    }
    const freeze = (ms: number) =>
      Effect.sync(() => {
        slept += ms
      })
    return Effect.provideService(use(freeze), Clock.Clock, own)
  })

/** Runs the effect in a process whose wall clock somebody sets; `set` moves it by `millis`, and nothing else. */
export const withWallClock = <A, E, R>(use: (set: (millis: number) => Effect.Effect<void>) => Effect.Effect<A, E, R>) =>
  Effect.clockWith((clock) => {
    let off = 0
    const millis = () => clock.currentTimeMillisUnsafe() + off
    const nanos = () => clock.currentTimeNanosUnsafe() + BigInt(off) * 1_000_000n
    // The test clock's other methods stay, so that it can be adjusted in there.
    const own: Clock.Clock = {
      ...clock,
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos)
    }
    const set = (ms: number) =>
      Effect.sync(() => {
        off += ms
      })
    return Effect.provideService(use(set), Clock.Clock, own)
  })
