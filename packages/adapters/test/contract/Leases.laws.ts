/** The laws of `Leases`. */
import { randomUUID } from "node:crypto"
import { assert } from "@effect/vitest"
import { Leases } from "@greenroom/core"
import { Effect } from "effect"
import { contract, elapse, type Store } from "./contract.ts"

const newHolder = () => `instance-${randomUUID()}`

/** Waits until nobody holds it: the suite has one lease. */
const free = Effect.fnUntraced(function* (...holders: ReadonlyArray<string>) {
  const leases = yield* Leases
  for (const holder of holders) yield* leases.release(holder)
})

export const leasesLaws = (store: Store) =>
  contract("Leases", store, (law) => {
    law(
      "the holder renews, others wait until it has run out",
      Effect.gen(function* () {
        const leases = yield* Leases
        const [one, other] = [newHolder(), newHolder()]
        assert.isTrue((yield* leases.hold(one, 60_000)).held)
        assert.isFalse((yield* leases.hold(other, 60_000)).held)
        assert.isTrue((yield* leases.hold(one, 150)).held)
        assert.isFalse((yield* leases.hold(other, 60_000)).held)
        yield* elapse(200)
        assert.isTrue((yield* leases.hold(other, 60_000)).held)
        assert.isFalse((yield* leases.hold(one, 60_000)).held)
        yield* free(other)
      })
    )

    law(
      "a lease that was given up is free at once, but only its holder can give it up",
      Effect.gen(function* () {
        const leases = yield* Leases
        const [one, other] = [newHolder(), newHolder()]
        assert.isTrue((yield* leases.hold(one, 60_000)).held)
        yield* leases.release(other)
        assert.isFalse((yield* leases.hold(other, 60_000)).held)
        yield* leases.release(one)
        assert.isTrue((yield* leases.hold(other, 60_000)).held)
        yield* leases.release(one)
        assert.isFalse((yield* leases.hold(one, 60_000)).held)
        yield* free(other)
      })
    )

    law(
      "what the holder remembers outlives it; nobody else can say it, nor the holder after its time",
      Effect.gen(function* () {
        const leases = yield* Leases
        const [one, other] = [newHolder(), newHolder()]
        yield* leases.hold(one, 60_000)
        yield* leases.remember(one, "2026-01-01T00:00:00Z")
        yield* leases.remember(other, "forged")
        assert.deepStrictEqual(yield* leases.hold(other, 60_000), { held: false, started: "2026-01-01T00:00:00Z" })
        yield* free(one)
        yield* leases.remember(one, "too late")
        assert.deepStrictEqual(yield* leases.hold(other, 60_000), { held: true, started: "2026-01-01T00:00:00Z" })
        yield* free(other)
      })
    )

    law(
      "of many that ask at once, one holds it",
      Effect.gen(function* () {
        const leases = yield* Leases
        for (let round = 0; round < 10; round++) {
          const holders = Array.from({ length: 20 }, newHolder)
          const answers = yield* Effect.forEach(holders, (holder) => leases.hold(holder, 60_000), {
            concurrency: "unbounded"
          })
          assert.strictEqual(answers.filter(({ held }) => held).length, 1)
          yield* free(...holders)
        }
      })
    )
  })
