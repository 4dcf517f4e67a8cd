/** Whether this process has written events since it was last asked: shared by all of its clients. */
import { Effect } from "effect"

export interface WrittenSignal {
  readonly set: () => void
  /** Completes when it is set, and clears it. One waiter at a time. */
  readonly await: Effect.Effect<void>
}

/** Is not set at first. */
export const makeWrittenSignal = (): WrittenSignal => {
  let isSet = false
  let wake: (() => void) | null = null
  const take = () => {
    if (!isSet) return false
    isSet = false
    return true
  }
  return {
    set: () => {
      isSet = true
      wake?.()
    },
    await: Effect.callback<void>((resume) => {
      const check = () => {
        if (!take()) return
        wake = null
        resume(Effect.void)
      }
      wake = check
      check()
      return Effect.sync(() => {
        if (wake === check) wake = null
      })
    })
  }
}
