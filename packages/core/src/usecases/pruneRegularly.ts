/**
 * Runs a pruning in the background, every hour. It never ends and never fails: what went wrong is a condition, and is tried again in the next
 * hour.
 */
import { Cause, Effect, Exit } from "effect"
import { StoreUnavailable } from "../ports/StoreUnavailable.ts"
import { type ConditionKind, makeConditions, setCondition } from "../resilience/Conditions.ts"

const AFTER_START = "1 minute"
const BETWEEN_RUNS = "1 hour"

/** `what` is pruned, in the words of the log. */
export const pruneRegularly = Effect.fnUntraced(function* <E, R>(
  { kind, what }: { readonly kind: ConditionKind; readonly what: string },
  prune: Effect.Effect<void, E, R>
) {
  const conditions = makeConditions()
  yield* setCondition(kind, false)
  const run = Effect.gen(function* () {
    const exit = yield* Effect.exit(prune)
    if (Exit.isSuccess(exit)) return yield* conditions.set(kind, false, `${what} can be pruned again`)
    if (Cause.hasInterruptsOnly(exit.cause)) return yield* Effect.interrupt
    const error = Cause.squash(exit.cause)
    if (!(error instanceof StoreUnavailable)) yield* Effect.logError("a defect in pruning", exit.cause)
    const message = error instanceof Error ? error.message : String(error)
    yield* conditions.set(kind, true, `${what} cannot be pruned; tried again every hour`, {
      annotations: { error: message }
    })
  })
  yield* Effect.sleep(AFTER_START)
  return yield* Effect.forever(Effect.andThen(run, Effect.sleep(BETWEEN_RUNS)))
})
