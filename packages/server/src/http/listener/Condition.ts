/**
 * A condition that is observed again and again, such as refused connections: one log line and a 1 in the gauge `greenroom_degraded{kind}`
 * when it begins, one line and a 0 when it has not been observed for some time. In between an observation costs a comparison.
 */
import { type ConditionKind, makeConditions } from "@greenroom/core/internal"
import type { Effect } from "effect"

const OVER_AFTER_MS = 10_000
const CHECK_EVERY_MS = 1_000

export interface Condition {
  /** It is observed; `facts` are for the log line when this is the beginning. */
  readonly observe: (facts: Readonly<Record<string, unknown>>) => void
  /** Stops without a log line, because the process ends. */
  readonly close: () => void
}

export const makeCondition = (
  run: (effect: Effect.Effect<void>) => void,
  kind: ConditionKind,
  messages: { readonly begins: string; readonly ends: string }
): Condition => {
  const { set } = makeConditions()
  let lastObserved = 0
  let count = 0
  let timer: NodeJS.Timeout | undefined

  const end = (): void => {
    if (performance.now() - lastObserved < OVER_AFTER_MS) return
    clearInterval(timer)
    timer = undefined
    run(set(kind, false, messages.ends, { annotations: { kind, occurrences: count } }))
    count = 0
  }

  return {
    observe: (facts) => {
      lastObserved = performance.now()
      count += 1
      if (timer !== undefined) return
      timer = setInterval(end, CHECK_EVERY_MS).unref()
      run(set(kind, true, messages.begins, { annotations: { kind, ...facts } }))
    },
    close: () => clearInterval(timer)
  }
}
