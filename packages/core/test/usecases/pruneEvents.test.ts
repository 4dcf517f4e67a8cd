/** Pruning the event log and the playback tokens, under a test clock: in which batches, and what is seen of it. */
import { assert, it } from "@effect/vitest"
import { pruneEvents, prunePlaybackTokens, StoreUnavailable } from "@greenroom/core"
import { partialStore } from "@greenroom/testing"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { collector, metered } from "../support/logs.ts"

it.effect("old events go in batches with pauses, each hour; a failure is a condition until it is over", () => {
  const old = { events: 12_000, isDown: true, asked: [] as Array<string> }
  const prune = (keepDays: number, limit: number) =>
    Effect.suspend(() => {
      old.asked.push(`${keepDays}/${limit}`)
      if (old.isDown)
        return Effect.fail(new StoreUnavailable({ operation: "Events.prune", cause: new Error("silence") }))
      const gone = Math.min(limit, old.events)
      old.events -= gone
      return Effect.succeed(gone)
    })
  const log = collector()
  return Effect.gen(function* () {
    const { counts } = yield* metered(
      Effect.scoped(
        Effect.gen(function* () {
          yield* Effect.forkScoped(pruneEvents(30))
          yield* TestClock.adjust("60 seconds")
          assert.deepStrictEqual(old.asked, ["30/5000"])
          old.isDown = false
          yield* TestClock.adjust("1 hour")
          assert.deepStrictEqual([old.asked.length, old.events], [2, 7_000], "one batch, then a pause")
          yield* TestClock.adjust("1 second")
          assert.deepStrictEqual([old.asked.length, old.events], [4, 0])
        })
      )
    )
    assert.strictEqual(counts["greenroom_pruned_total what=events"], 12_000)
    assert.strictEqual(counts["greenroom_degraded kind=events_not_pruned"], 0)
    assert.deepStrictEqual(log.said(), [
      "WARN old events cannot be pruned; tried again every hour",
      "INFO old events pruned",
      "INFO old events can be pruned again"
    ])
  }).pipe(Effect.provide(Layer.merge(partialStore({ events: { prune } }), log.layer)))
})

it.effect("expired playback tokens go a week after they expired, each hour", () => {
  const asked: Array<readonly [number, number]> = []
  const prune = (keepDays: number, limit: number) => Effect.sync(() => asked.push([keepDays, limit]))
  return Effect.gen(function* () {
    yield* Effect.forkScoped(prunePlaybackTokens)
    yield* TestClock.adjust("61 minutes")
    assert.deepStrictEqual(asked, [
      [7, 5_000],
      [7, 5_000]
    ])
  }).pipe(Effect.scoped, Effect.provide(partialStore({ playbackTokens: { prune } })))
})
