/** Whether the store is known to be down, under a test clock: who is believed, how soon it is noticed, and what is said of it. */
import { assert, describe, it } from "@effect/vitest"
import { StoreMonitor, StoreUnavailable } from "@greenroom/core"
import { partialStore } from "@greenroom/testing"
import { Effect, Layer, Logger } from "effect"
import { TestClock } from "effect/testing"
import { backstage } from "../support/backstage.ts"

/** A store that is up or down as the test says, and takes 700 ms to be silent. */
const aStore = () => {
  const store = { up: true, asked: 0 }
  const silence = Effect.andThen(
    Effect.sleep("700 millis"),
    Effect.fail(new StoreUnavailable({ operation: "ping", cause: new Error("silence") }))
  )
  const ping = Effect.suspend(() => {
    store.asked += 1
    return store.up ? Effect.void : silence
  })
  const said: Array<string> = []
  const logger = Logger.layer([Logger.make(({ message }) => void said.push(String(message)))])
  return {
    store,
    said,
    layer: Layer.provide(StoreMonitor.layer, partialStore({ storeHealth: { ping } })).pipe(Layer.provideMerge(logger))
  }
}

describe("the watch over the store", () => {
  it.effect("believes only the store's own silence: a suspicion alone changes nothing", () => {
    const { store, said, layer } = aStore()
    return Effect.gen(function* () {
      const watch = yield* StoreMonitor
      for (let times = 0; times < 50; times++) yield* watch.reportFailure
      yield* TestClock.adjust("5 seconds")
      assert.isTrue(yield* watch.isUp)
      assert.strictEqual(store.asked, 1, "fifty suspicions at once are one question")
      assert.deepStrictEqual(said, [])
    }).pipe(Effect.provide(layer))
  })

  it.effect(
    "knows after one question that the store is down, and within a second that it is back; each is said once",
    () => {
      const { store, said, layer } = aStore()
      return Effect.gen(function* () {
        const watch = yield* StoreMonitor
        store.up = false
        yield* watch.reportFailure
        yield* TestClock.adjust("700 millis")
        assert.isFalse(yield* watch.isUp)
        yield* TestClock.adjust("1 minute")
        assert.isFalse(yield* watch.isUp)
        store.up = true
        yield* TestClock.adjust("950 millis")
        assert.isTrue(yield* watch.isUp)
        assert.strictEqual(said.length, 2, said.join("; "))
        const asked = store.asked
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(store.asked, asked, "nobody is asked when nothing is suspected")
      }).pipe(Effect.provide(layer))
    }
  )
})

describe("an auth call while the store is known to be down", () => {
  it.effect("fails at once, asks nobody, and leaves nothing to regret", () => {
    const { ask, stage, store, told } = backstage()
    store.answers = false
    return Effect.gen(function* () {
      const failure = yield* Effect.flip(ask())
      assert.instanceOf(failure, StoreUnavailable)
      assert.deepStrictEqual(stage.calls, [])
      assert.deepStrictEqual(told.regrets, [])
      store.answers = true
      assert.strictEqual((yield* ask())._tag, "AllowPublisher")
    })
  })
})
