/** How long the history is kept, from the settings. */
import { assert, it } from "@effect/vitest"
import { partialStore } from "@greenroom/testing"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { startPruning } from "../../src/composition/pruning.ts"
import { Settings } from "../../src/config/Settings.ts"

it.effect(
  "history is pruned after 400 days, after as many as are set, or never; events after 30 and audit entries after 400, or as many as are set",
  () =>
    Effect.gen(function* () {
      for (const [settings, expected] of [
        [{}, [400]],
        [{ HISTORY_KEEP: 30 }, [30]],
        [{ HISTORY_KEEP: 0, EVENTS_KEEP: 7, AUDIT_KEEP: 90 }, []]
      ] as const) {
        const asked: Array<number> = []
        const events: Array<number> = []
        const entries: Array<number> = []
        const store = partialStore({
          events: { prune: (keepDays) => Effect.sync(() => events.push(keepDays) - events.length) },
          auditLog: { prune: (keepDays) => Effect.sync(() => entries.push(keepDays) - entries.length) },
          retention: {
            prune: (keepDays) =>
              Effect.sync(() => {
                asked.push(keepDays)
                return { _tag: "Pruned", streams: 0, keys: 0 }
              })
          }
        })
        yield* Effect.andThen(startPruning, TestClock.adjust("59 minutes")).pipe(
          Effect.scoped,
          Effect.provide(Layer.merge(store, Layer.succeed(Settings, settings)))
        )
        assert.deepStrictEqual<ReadonlyArray<number>>(asked, expected)
        assert.deepStrictEqual(entries, ["AUDIT_KEEP" in settings ? settings.AUDIT_KEEP : 400])
        assert.deepStrictEqual(events, ["EVENTS_KEEP" in settings ? settings.EVENTS_KEEP : 30])
      }
    })
)
