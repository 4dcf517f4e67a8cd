/** Pruning in the background, under a test clock: when, in which batches, and what is seen of it. */
import { assert, describe, it } from "@effect/vitest"
import { type PruneOutcome, pruneHistory, StoreUnavailable } from "@greenroom/core"
import { partialStore } from "@greenroom/testing"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { collector, metered } from "../support/logs.ts"

/** A store of `streams` and `keys` that are old enough, which fails or is busy while the test says so. */
const anAttic = (streams: number, keys = 0) => {
  const attic = { streams, keys, state: "well" as "well" | "down" | "busy" | "broken", asked: [] as Array<string> }
  const prune = (keepDays: number, limit: number) =>
    Effect.suspend((): Effect.Effect<PruneOutcome, StoreUnavailable> => {
      attic.asked.push(`${keepDays}/${limit}`)
      if (attic.state === "down") {
        return Effect.fail(new StoreUnavailable({ operation: "Retention.prune", cause: new Error("silence") }))
      }
      if (attic.state === "broken") return Effect.die(new Error("a row that does not decode"))
      if (attic.state === "busy") return Effect.succeed({ _tag: "Busy" })
      const gone = Math.min(limit, attic.streams)
      const goneKeys = gone < limit ? Math.min(limit, attic.keys) : 0
      attic.streams -= gone
      attic.keys -= goneKeys
      return Effect.succeed({ _tag: "Pruned", streams: gone, keys: goneKeys })
    })
  const log = collector()
  return { attic, log, layer: Layer.merge(partialStore({ retention: { prune } }), log.layer) }
}

const begun = Effect.forkScoped(pruneHistory(400))

describe("pruneHistory", () => {
  it.effect("prunes all that is due in batches, a minute after the start, and again each hour", () => {
    const { attic, log, layer } = anAttic(1_700, 600)
    return Effect.gen(function* () {
      yield* begun
      yield* TestClock.adjust("59 seconds")
      assert.deepStrictEqual(attic.asked, [])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(attic.asked, ["400/500"], "one batch, then a pause")
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual([attic.streams, attic.keys, attic.asked.length], [0, 0, 5])
      assert.deepStrictEqual(log.said(), ["INFO history pruned"])
      assert.deepStrictEqual(log.lines[0]?.annotations, { streams: 1_700, keys: 600, keep_days: 400 })
      attic.streams = 3
      yield* TestClock.adjust("59 minutes")
      assert.strictEqual(attic.streams, 3)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(attic.streams, 0)
      yield* TestClock.adjust("3 hours")
      assert.strictEqual(log.lines.length, 2, "nothing is said of a run that found nothing")
    }).pipe(Effect.provide(layer))
  })

  it.effect("counts what went, and when all that was due had gone", () => {
    const { attic, layer } = anAttic(501, 2)
    return Effect.gen(function* () {
      const { counts } = yield* metered(
        Effect.scoped(
          Effect.gen(function* () {
            yield* begun
            yield* TestClock.adjust("2 minutes")
            attic.state = "busy"
            yield* TestClock.adjust("5 hours")
          })
        )
      )
      assert.strictEqual(counts["greenroom_pruned_total what=streams"], 501)
      assert.strictEqual(counts["greenroom_pruned_total what=keys"], 2)
      const last = counts.greenroom_last_pruned_timestamp_seconds
      assert.isAtLeast(last!, 60)
      assert.isBelow(last!, 62, "while another instance prunes this one has not")
    }).pipe(Effect.provide(layer))
  })

  it.effect("goes on after a failure: one line and a condition while it lasts, one when it is over", () => {
    const { attic, log, layer } = anAttic(700)
    return Effect.gen(function* () {
      attic.state = "down"
      yield* begun
      yield* TestClock.adjust("3 hours")
      assert.deepStrictEqual(log.said(), ["WARN history cannot be pruned; tried again every hour"])
      attic.state = "broken"
      yield* TestClock.adjust("1 hour")
      attic.state = "well"
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(attic.streams, 0)
      assert.deepStrictEqual(log.said().slice(1), [
        "ERROR a defect in pruning",
        "INFO history pruned",
        "INFO history can be pruned again"
      ])
    }).pipe(Effect.provide(layer))
  })

  it.effect("shows the condition in the gauge of conditions", () => {
    const { attic, layer } = anAttic(1)
    const kind = "greenroom_degraded kind=history_not_pruned"
    return Effect.gen(function* () {
      attic.state = "down"
      const during = yield* metered(Effect.scoped(Effect.andThen(begun, TestClock.adjust("2 minutes"))))
      assert.strictEqual(during.counts[kind], 1)
      attic.state = "well"
      const after = yield* metered(Effect.scoped(Effect.andThen(begun, TestClock.adjust("2 minutes"))))
      assert.strictEqual(after.counts[kind], 0)
    }).pipe(Effect.provide(layer))
  })
})
