/** The newest pass: delivered to all that wait for it, and never more than one kept for a slow reader. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Queue, Stream } from "effect"
import { makeNewestPass } from "../../src/reconciler/NewestPass.ts"
import type { PassOutcome } from "../../src/reconciler/runPass.ts"
import { settle } from "../support/running.ts"

const passOf = (freeInMillis: number): PassOutcome => ({ _tag: "NotLeading", freeInMillis })
const nothing = { publishers: 0, unauthorized: 0, kicked: 0, reported: 0, heldBack: 0, enforced: false }
const aSnapshot = {
  earliest: { monotonic: 0, wall: 0 },
  latest: { monotonic: 0, wall: 0 },
  found: nothing,
  own: true
}

describe("the newest pass", () => {
  it.effect("reaches every reader, once each; a snapshot that becomes known is no pass", () =>
    Effect.gen(function* () {
      const newest = yield* makeNewestPass
      const read: ReadonlyArray<Array<PassOutcome>> = [[], []]
      for (const outcomes of read) {
        yield* Effect.forkScoped(
          Stream.runForEach(newest.outcomes, (outcome) => Effect.sync(() => void outcomes.push(outcome)))
        )
      }
      yield* settle
      for (const n of [1, 2, 3]) {
        yield* newest.setPass(passOf(n))
        yield* newest.setSnapshot(aSnapshot)
        yield* settle
      }
      for (const outcomes of read) assert.deepStrictEqual(outcomes, [1, 2, 3].map(passOf))
    })
  )

  it.effect("is the first that a reader gets who begins later", () =>
    Effect.gen(function* () {
      const newest = yield* makeNewestPass
      for (const n of [1, 2]) yield* newest.setPass(passOf(n))
      assert.deepStrictEqual(yield* Stream.runCollect(Stream.take(newest.outcomes, 1)), [passOf(2)])
    })
  )

  it.effect("is all that is kept for a slow reader", () =>
    Effect.gen(function* () {
      const newest = yield* makeNewestPass
      const gate = yield* Queue.unbounded<void>()
      const read: Array<PassOutcome> = []
      yield* Effect.forkScoped(
        Stream.runForEach(newest.outcomes, (outcome) =>
          Effect.andThen(
            Effect.sync(() => void read.push(outcome)),
            Queue.take(gate)
          )
        )
      )
      yield* settle
      for (let n = 1; n <= 100; n++) {
        yield* newest.setPass(passOf(n))
        if (n === 1) yield* settle
      }
      for (let n = 0; n < 5; n++) yield* Queue.offer(gate, undefined)
      yield* settle
      assert.strictEqual(
        read[0],
        read.find((outcome) => outcome._tag === "NotLeading" && outcome.freeInMillis === 1)
      )
      assert.deepStrictEqual(read.at(-1), passOf(100))
      assert.isAtMost(read.length, 4)
    })
  )

  it.effect("is awaited by any number of callers, and is none that was over before", () =>
    Effect.gen(function* () {
      const newest = yield* makeNewestPass
      yield* newest.setPass(passOf(1))
      const waiting = [yield* Effect.forkChild(newest.next), yield* Effect.forkChild(newest.next)]
      yield* newest.setSnapshot(aSnapshot)
      yield* settle
      for (const fiber of waiting) assert.isUndefined(fiber.pollUnsafe())
      yield* newest.setPass(passOf(2))
      for (const fiber of waiting) yield* Fiber.join(fiber)
    })
  )
})
