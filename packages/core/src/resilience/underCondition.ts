/**
 * The turns of a background loop: while they fail a condition lasts, and the loop goes on. What fails as it may, because the store or the media server does
 * not answer, is the condition alone; a defect is logged with all that is known of it, too.
 */
import { Cause, Effect } from "effect"
import { withoutKeys } from "../domain/access/StreamPath.ts"
import { MediaServerUnavailable } from "../ports/MediaServer.ts"
import { StoreUnavailable } from "../ports/StoreUnavailable.ts"
import type { ConditionKind, Conditions } from "./Conditions.ts"

export interface LoopCondition {
  readonly kind: ConditionKind
  /** The log line at its beginning, the one at its end, and the one of a defect. */
  readonly begins: string
  readonly over: string
  readonly defect: string
}

const isExpected = (error: unknown): boolean =>
  error instanceof StoreUnavailable || error instanceof MediaServerUnavailable

/** Whether the turn succeeded. An interruption passes. */
export const underCondition = <A, E, R>(
  turn: Effect.Effect<A, E, R>,
  conditions: Conditions<ConditionKind>,
  { kind, begins, over, defect }: LoopCondition
): Effect.Effect<boolean, never, R> =>
  Effect.matchCauseEffect(turn, {
    onSuccess: () => Effect.as(conditions.set(kind, false, over), true),
    onFailure: (cause) =>
      Effect.gen(function* () {
        if (Cause.hasInterruptsOnly(cause)) return yield* Effect.interrupt
        const error = Cause.squash(cause)
        const text = withoutKeys(error instanceof Error ? error.message : String(error))
        yield* conditions.set(kind, true, begins, { annotations: { error: text } })
        if (!isExpected(error)) yield* Effect.logError(defect, cause)
        return false
      })
  })
