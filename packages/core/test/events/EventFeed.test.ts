/** The feed under awkward wakes, consumers and logs, on the test clock. */
import { assert, describe, it } from "@effect/vitest"
import { EventFeed, Repositories, type StorePorts } from "@greenroom/core"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { fakeEvents } from "./fakeEvents.ts"

const over = (log: ReturnType<typeof fakeEvents>) =>
  EventFeed.layer.pipe(Layer.provide(Layer.succeed(Repositories, { events: log.events } as StorePorts)))

const collector = () => {
  const seen: Array<number> = []
  const resets: Array<string> = []
  return {
    seen,
    resets,
    consumer: {
      offer: (events: ReadonlyArray<{ readonly position: number }>) =>
        void seen.push(...events.map(({ position }) => position)),
      reset: ({ log }: { readonly log: string }) => void resets.push(log)
    }
  }
}

describe("the feed", () => {
  it.effect(
    "places at once what this process wrote, also when another process's placing is announced right after",
    () => {
      const log = fakeEvents()
      const { seen, consumer } = collector()
      return Effect.gen(function* () {
        const feed = yield* EventFeed
        yield* feed.attach(consumer)
        log.write()
        yield* TestClock.adjust("1 millis")
        assert.deepStrictEqual(seen, [1])
        // Within the pause between two turns: first our own write, then what another process has placed.
        log.write()
        yield* Effect.yieldNow
        log.placeElsewhere(0)
        yield* TestClock.adjust("20 millis")
        assert.deepStrictEqual(seen, [1, 2])
      }).pipe(Effect.provide(over(log)))
    }
  )

  it.effect("goes on for the others when a consumer throws, which it calls no more", () => {
    const log = fakeEvents()
    const { seen, consumer } = collector()
    let calls = 0
    return Effect.gen(function* () {
      const feed = yield* EventFeed
      yield* feed.attach({
        offer: () => {
          calls += 1
          throw new Error("a consumer's fault")
        },
        reset: () => {}
      })
      yield* feed.attach(consumer)
      log.write(2)
      yield* TestClock.adjust("1 second")
      log.write()
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(seen, [1, 2, 3])
      assert.strictEqual(calls, 1)
    }).pipe(Effect.provide(over(log)))
  })

  it.effect("gives a consumer that comes later what follows on its head, without a gap", () => {
    const log = fakeEvents()
    return Effect.gen(function* () {
      const feed = yield* EventFeed
      log.write(700)
      yield* TestClock.adjust("1 second")
      const { seen, consumer } = collector()
      const { head } = yield* feed.attach(consumer)
      log.write(1_200)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(head.newest, 700)
      assert.deepStrictEqual(
        seen,
        Array.from({ length: 1_200 }, (_, index) => 701 + index)
      )
    }).pipe(Effect.provide(over(log)))
  })

  it.effect("misses nothing of a log that is another and shorter one by the time it is read", () => {
    const log = fakeEvents()
    const { seen, resets, consumer } = collector()
    return Effect.gen(function* () {
      const feed = yield* EventFeed
      yield* feed.attach(consumer)
      log.write(5)
      yield* TestClock.adjust("1 second")
      // Between placing and reading the database becomes another one.
      log.beforeNextRead(() => log.renew(2))
      log.write()
      yield* TestClock.adjust("1 second")
      log.write(2)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(resets, ["c".repeat(16)])
      assert.deepStrictEqual(seen, [1, 2, 3, 4, 5, 3, 4])
      assert.strictEqual((yield* feed.head).newest, 4)
    }).pipe(Effect.provide(over(log)))
  })

  it.effect("resets its consumers when the log is another one, and goes on from its end", () => {
    const log = fakeEvents()
    const { seen, resets, consumer } = collector()
    return Effect.gen(function* () {
      const feed = yield* EventFeed
      log.write(3)
      yield* feed.attach(consumer)
      yield* TestClock.adjust("1 second")
      log.renew(2)
      yield* TestClock.adjust("1 second")
      log.write()
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(resets, ["c".repeat(16)])
      assert.deepStrictEqual(seen.at(-1), 3)
    }).pipe(Effect.provide(over(log)))
  })
})
