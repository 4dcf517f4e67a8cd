/**
 * The decision log as this process writes it. An auth call adds its decision in memory and waits for nothing; a loop writes what has come once a second,
 * in one statement. What cannot be written waits, within a bound, and is counted when it is dropped.
 */
import { Context, Effect, Latch, Layer } from "effect"
import type { DecisionId } from "../domain/values/Ids.ts"
import { AuthDecisions } from "../ports/AuthDecisions.ts"
import { KeyGenerator } from "../ports/KeyGenerator.ts"
import type { Repositories } from "../ports/Repositories.ts"
import { monotonicMillis } from "../resilience/ProcessClock.ts"
import { DecisionGroups, FIRST_ASK_MS, type GroupedDecision } from "./DecisionGroups.ts"
import { WRITE_EVERY_MS, writeDecisions } from "./writeDecisions.ts"

/** Read when the log is built: for tests, which would wait long otherwise. */
export const DecisionLogPace = Context.Reference<{
  readonly writeEveryMillis: number
  readonly firstAskMillis: number
}>("greenroom/DecisionLogPace", {
  defaultValue: () => ({ writeEveryMillis: WRITE_EVERY_MS, firstAskMillis: FIRST_ASK_MS })
})

export class DecisionLog extends Context.Service<
  DecisionLog,
  {
    /** The id under which the decision is found in the log: a new one, or that of the equal decision which it repeats. Waits for nothing. */
    readonly add: (decision: GroupedDecision) => Effect.Effect<DecisionId>
  }
>()("greenroom/DecisionLog") {
  /** `instance` names this process. */
  static readonly layer = (instance: string): Layer.Layer<DecisionLog, never, Repositories | KeyGenerator> =>
    Layer.effect(
      DecisionLog,
      Effect.gen(function* () {
        const { uuid } = yield* KeyGenerator
        const { writeEveryMillis, firstAskMillis } = yield* DecisionLogPace
        const groups = new DecisionGroups(firstAskMillis)
        const hasNew = yield* Latch.make(false)
        yield* writeDecisions({ port: yield* AuthDecisions, groups, hasNew, instance, writeEveryMillis })

        const add = Effect.fnUntraced(function* (decision: GroupedDecision) {
          const now = yield* monotonicMillis
          const id = (yield* uuid) as DecisionId
          const given = groups.add(decision, now, () => id)
          hasNew.openUnsafe()
          return given
        })
        return DecisionLog.of({ add })
      })
    )
}
