/** The feed under awkward wakes, consumers and logs, on the test clock. */
import { assert, describe, it } from "@effect/vitest"
import { EventFeed, followEvents, Repositories, readEvents, type StorePorts } from "@greenroom/core"
import { Effect, Fiber, Layer, Stream } from "effect"
import { TestClock } from "effect/testing"
import { fakeEvents } from "./fakeEvents.ts"

const over = (log: ReturnType<typeof fakeEvents>) =>
  Layer.provideMerge(EventFeed.layer, Layer.succeed(Repositories, { events: log.events } as StorePorts))

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

describe("readers that wait for an event", () => {
  const waiting = { after: null, limit: 10, waitMillis: 20_000 } as const

  it.effect("read nothing for events that they do not want, and move on past them", () => {
    const log = fakeEvents()
    return Effect.gen(function* () {
      const polls = yield* Effect.forEach(Array.from({ length: 50 }), () =>
        Effect.forkScoped(readEvents({ ...waiting, types: ["worker.failed"] }))
      )
      const seen: Array<string> = []
      yield* Effect.forkScoped(
        Stream.runForEach(followEvents("now", { types: ["worker.failed"] }), ({ type }) =>
          Effect.sync(() => seen.push(type))
        )
      )
      yield* TestClock.adjust("1 second")
      const { length } = polls
      const before = log.reads()
      for (let count = 0; count < 100; count++) {
        log.write()
        yield* TestClock.adjust("30 millis")
      }
      assert.isAtMost(log.reads() - before, 101, "the feed's own")
      yield* TestClock.adjust("20 seconds")
      for (const poll of polls) {
        const { events, next } = yield* Fiber.join(poll)
        assert.deepStrictEqual([events.length, next.position], [0, 100])
      }
      assert.isAtMost(log.reads() - before, 101 + length)
      assert.deepStrictEqual(seen, [])
    }).pipe(Effect.scoped, Effect.provide(over(log)))
  })

  it.effect("have the event that they want at once, also one that the feed has not read yet", () => {
    const log = fakeEvents()
    return Effect.gen(function* () {
      const poll = yield* Effect.forkScoped(readEvents({ ...waiting, types: ["broadcaster.created"] }))
      yield* TestClock.adjust("1 second")
      log.write()
      yield* TestClock.adjust("1 millis")
      const { events, next, head } = yield* Fiber.join(poll)
      assert.deepStrictEqual([events.length, next.position], [1, 1])
      // Placed by another process, whose notification is late.
      log.placeElsewhere(0)
      const after = { log: head.log, position: 1 }
      const other = yield* Effect.forkScoped(readEvents({ ...waiting, after }))
      log.write()
      yield* TestClock.adjust("30 millis")
      assert.strictEqual((yield* Fiber.join(other)).events[0]!.position, 2)
    }).pipe(Effect.scoped, Effect.provide(over(log)))
  })
})
