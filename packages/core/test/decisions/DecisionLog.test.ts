/** The loop that writes decisions, under a test clock: when it writes, what it does while the store does not answer, and what is seen of it. */
import { assert, describe, it } from "@effect/vitest"
import {
  type DecisionContent,
  type DecisionId,
  DecisionLog,
  type DecisionWrite,
  KeyGenerator,
  StoreUnavailable
} from "@greenroom/core"
import { partialStore } from "@greenroom/testing"
import { Effect, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { uuid } from "../support/arbitraries.ts"
import { collector, metered } from "../support/logs.ts"

const content: DecisionContent = {
  action: "publish",
  path: "live/1",
  protocol: "rtmp",
  ip: "192.0.2.1",
  userAgent: null,
  outcome: "refuse",
  reason: "path_in_use",
  rule: "path_in_use",
  detail: "Another publisher is on live/1 already",
  facts: null,
  keyPrefix: null,
  streamKeyId: null,
  streamId: null
}

const aStore = () => {
  const store = {
    trouble: null as null | "silent" | "refuses",
    written: [] as Array<ReadonlyArray<DecisionWrite>>,
    pruned: [] as Array<number>,
    asked: 0
  }
  const append = (batch: ReadonlyArray<DecisionWrite>) =>
    Effect.suspend(() => {
      store.asked++
      if (store.trouble === null) return Effect.sync(() => void store.written.push(batch))
      const rolledBack = store.trouble === "refuses"
      return Effect.fail(new StoreUnavailable({ operation: "append", cause: new Error(store.trouble), rolledBack }))
    })
  const prune = (keep: number) => Effect.sync(() => store.pruned.push(keep))
  let ids = 0
  const generator = Layer.succeed(KeyGenerator)({
    generate: Effect.die("no key is made"),
    generateToken: Effect.die("no token is made"),
    uuid: Effect.sync(() => uuid(++ids)),
    hash: (key) => new TextEncoder().encode(Redacted.value(key))
  })
  const log = collector()
  const ports = Layer.mergeAll(partialStore({ authDecisions: { append, prune } }), generator, log.layer)
  return {
    store,
    log,
    layer: Layer.provide(DecisionLog.layer("this instance"), ports).pipe(Layer.provideMerge(log.layer))
  }
}

const add = (more: Partial<DecisionContent> = {}) =>
  Effect.flatMap(DecisionLog, (log) => log.add({ content: { ...content, ...more }, isFirstAsk: false, sourceId: null }))

describe("the decision log", () => {
  it.effect(
    "writes what has come a second later, in one batch, and asks the store for nothing without decisions",
    () => {
      const { store, layer } = aStore()
      return Effect.gen(function* () {
        yield* TestClock.adjust("1 hour")
        const first = yield* add()
        yield* TestClock.adjust("300 millis")
        assert.strictEqual(yield* add(), first)
        const second = yield* add({ path: "live/2" })
        yield* TestClock.adjust("699 millis")
        assert.strictEqual(store.asked, 0)
        yield* TestClock.adjust("1 millis")
        const [batch] = store.written
        const shown = batch!.map(({ id, count, ageMillis, lastAgeMillis, instance }) => [
          id,
          count,
          ageMillis,
          lastAgeMillis,
          instance
        ])
        assert.deepStrictEqual(shown, [
          [first, 2, 1_000, 700, "this instance"],
          [second, 1, 700, 700, "this instance"]
        ])
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(store.asked, 1)
      }).pipe(Effect.provide(layer))
    }
  )

  it.effect("prunes to ten thousand, at most every ten seconds, and only after it has written", () => {
    const { store, layer } = aStore()
    return Effect.gen(function* () {
      for (let second = 0; second < 20; second++) {
        yield* add({ path: `live/${second}` })
        yield* TestClock.adjust("1 second")
      }
      assert.deepStrictEqual(store.pruned, [10_000, 10_000])
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(store.pruned.length, 2)
    }).pipe(Effect.provide(layer))
  })

  it.effect("keeps decisions while the store is silent, and the condition lasts as long", () => {
    const { store, log, layer } = aStore()
    return Effect.gen(function* () {
      store.trouble = "silent"
      const { counts } = yield* metered(
        Effect.gen(function* () {
          const id = yield* add()
          yield* TestClock.adjust("1 minute")
          assert.strictEqual(store.asked, 60)
          store.trouble = null
          yield* TestClock.adjust("1 second")
          assert.deepStrictEqual(
            store.written.map((batch) => batch.map((one) => [one.id, one.ageMillis])),
            [[[id, 61_000]]]
          )
        }).pipe(Effect.provide(layer))
      )
      assert.deepStrictEqual(log.said(), [
        "WARN decisions on auth calls cannot be written to the decision log; they wait",
        "INFO decisions on auth calls are written to the decision log again"
      ])
      assert.strictEqual(counts["greenroom_degraded kind=decisions_not_written"], 0)
      assert.strictEqual(counts["greenroom_auth_decision_records_total outcome=written"], 1)
      assert.strictEqual(counts.greenroom_auth_decision_records_waiting, 0)
    })
  })

  it.effect("drops a batch that the store itself refuses again and again, so that the next ones are written", () => {
    const { store, layer } = aStore()
    return Effect.gen(function* () {
      store.trouble = "refuses"
      const { counts } = yield* metered(
        Effect.gen(function* () {
          yield* add()
          yield* TestClock.adjust("5 seconds")
          store.trouble = null
          yield* TestClock.adjust("1 minute")
          assert.deepStrictEqual(store.written, [])
          yield* add({ path: "live/2" })
          yield* TestClock.adjust("1 second")
          assert.strictEqual(store.written.length, 1)
        }).pipe(Effect.provide(layer))
      )
      assert.strictEqual(counts["greenroom_auth_decision_records_total outcome=dropped"], 1)
    })
  })

  it.effect("writes what waits when the process ends", () => {
    const { store, layer } = aStore()
    return Effect.gen(function* () {
      const id = yield* Effect.provide(add(), layer)
      assert.deepStrictEqual(
        store.written.flat().map((one): DecisionId => one.id),
        [id]
      )
    })
  })
})
