/** The laws of `Leases`. */
import { randomUUID } from "node:crypto"
import { Leases, type PassSummary } from "@greenroom/core"
import { Effect } from "effect"
import * as assert from "../assert.ts"
import { later, now } from "../fixtures.ts"
import { contract, elapse, type StoreUnderTest } from "./contract.ts"

const newHolder = () => `instance-${randomUUID()}`

const aLook: PassSummary = { publishers: 5, unauthorized: 3, kicked: 0, reported: 0, heldBack: 3, enforced: false }

/** What is to run out, and must not have when it is looked at: a busy machine takes its time between the two. */
const SHORT_MS = 2_000

/** Gives it up for all of them: the suite has one lease. */
const free = Effect.fnUntraced(function* (...holders: ReadonlyArray<string>) {
  const leases = yield* Leases
  for (const holder of holders) yield* leases.release(holder)
})

export const leasesLaws = (store: StoreUnderTest) =>
  contract("Leases", store, (law) => {
    law(
      "the holder renews, others wait until it has run out",
      Effect.gen(function* () {
        const leases = yield* Leases
        const [one, other] = [newHolder(), newHolder()]
        assert.isTrue((yield* leases.acquire(one, 60_000)).held)
        assert.isFalse((yield* leases.acquire(other, 60_000)).held)
        assert.isTrue((yield* leases.acquire(one, SHORT_MS)).held)
        assert.isFalse((yield* leases.acquire(other, 60_000)).held)
        yield* elapse(SHORT_MS + 50)
        assert.isTrue((yield* leases.acquire(other, 60_000)).held)
        assert.isFalse((yield* leases.acquire(one, 60_000)).held)
        yield* free(other)
      })
    )

    law(
      "a lease that was given up is free at once, but only its holder can give it up",
      Effect.gen(function* () {
        const leases = yield* Leases
        const [one, other] = [newHolder(), newHolder()]
        assert.isTrue((yield* leases.acquire(one, 60_000)).held)
        yield* leases.release(other)
        assert.isFalse((yield* leases.acquire(other, 60_000)).held)
        yield* leases.release(one)
        assert.isTrue((yield* leases.acquire(other, 60_000)).held)
        yield* leases.release(one)
        assert.isFalse((yield* leases.acquire(one, 60_000)).held)
        yield* free(other)
      })
    )

    law(
      "the record of a pass outlives the lease; only the holder writes it, and only in its time",
      Effect.gen(function* () {
        const leases = yield* Leases
        const [one, other] = [newHolder(), newHolder()]
        yield* leases.acquire(one, 60_000)
        const memory = { started: "2026-01-01T00:00:00Z", lookedAt: yield* now, found: aLook, fulfilled: false }
        yield* leases.recordPass(one, memory, 60_000)
        yield* leases.recordPass(other, { ...memory, started: "forged" }, 60_000)
        const seen = yield* leases.acquire(other, 60_000)
        assert.deepStrictEqual(
          [seen.held, seen.started, seen.lastSnapshot?.found],
          [false, "2026-01-01T00:00:00Z", aLook]
        )
        yield* free(one)
        yield* leases.recordPass(one, { ...memory, started: "too late" }, 60_000)
        const taken = yield* leases.acquire(other, 60_000)
        assert.deepStrictEqual([taken.held, taken.started], [true, "2026-01-01T00:00:00Z"])
        yield* free(other)
      })
    )

    law(
      "the record of a pass renews its holder's lease and gives it as it is then, to no other holder",
      Effect.gen(function* () {
        const leases = yield* Leases
        const [one, other] = [newHolder(), newHolder()]
        yield* leases.acquire(one, 1_000)
        yield* leases.requestEnforcement(60_000)
        const memory = { started: "1", lookedAt: yield* now, found: aLook, fulfilled: false }
        assert.isNull(yield* leases.recordPass(other, memory, 60_000))
        const renewed = yield* leases.recordPass(one, memory, 60_000)
        assert.deepStrictEqual(
          [renewed?.held, renewed?.enforce, renewed?.started, renewed?.lastSnapshot?.found],
          [true, true, "1", aLook]
        )
        assert.isAbove(renewed?.leftMillis ?? 0, 50_000)
        assert.isFalse((yield* leases.acquire(other, 60_000)).held)
        assert.isFalse((yield* leases.recordPass(one, { ...memory, fulfilled: true }, 60_000))?.enforce)
        yield* free(one)
        assert.isNull(yield* leases.recordPass(one, memory, 60_000))
      })
    )

    law(
      "a snapshot is as old as it is by the database's clock, for every instance",
      Effect.gen(function* () {
        const leases = yield* Leases
        const [one, other] = [newHolder(), newHolder()]
        yield* leases.acquire(one, 60_000)
        const lookedAt = later(yield* now, -1_000)
        yield* leases.recordPass(one, { started: "1", lookedAt, found: aLook, fulfilled: false }, 60_000)
        yield* elapse(100)
        for (const holder of [one, other]) {
          const age = (yield* leases.acquire(holder, 60_000)).lastSnapshot!.ageMillis
          assert.isAtLeast(age, 1_099)
          assert.isBelow(age, 60_000)
        }
        yield* free(one)
      })
    )

    law(
      "a wish is seen by everybody until it runs out or its holder has fulfilled it, and outlives the lease",
      Effect.gen(function* () {
        const leases = yield* Leases
        const [one, other] = [newHolder(), newHolder()]
        const wished = (holder: string) => Effect.map(leases.acquire(holder, 60_000), ({ enforce }) => enforce)
        const memory = { started: "1", lookedAt: yield* now, found: aLook, fulfilled: true }
        assert.isFalse(yield* wished(one))
        yield* leases.requestEnforcement(60_000)
        yield* leases.requestEnforcement(10)
        yield* elapse(50)
        assert.deepStrictEqual([yield* wished(one), yield* wished(other)], [true, true])
        yield* leases.recordPass(other, memory, 60_000)
        yield* leases.recordPass(one, { ...memory, fulfilled: false }, 60_000)
        yield* free(one)
        assert.isTrue(yield* wished(other))
        yield* leases.recordPass(other, memory, 60_000)
        assert.isFalse(yield* wished(other))
        yield* leases.requestEnforcement(SHORT_MS)
        assert.isTrue(yield* wished(other))
        yield* elapse(SHORT_MS + 50)
        assert.isFalse(yield* wished(other))
        yield* free(other)
      })
    )

    law(
      "every instance learns how long the lease lasts, whichever holds it",
      Effect.gen(function* () {
        const leases = yield* Leases
        const [one, other] = [newHolder(), newHolder()]
        const left = (holder: string, ttlMillis: number) =>
          Effect.map(leases.acquire(holder, ttlMillis), ({ leftMillis }) => leftMillis)
        const mine = yield* left(one, 60_000)
        assert.isTrue(mine > 50_000 && mine <= 60_001, String(mine))
        const theirs = yield* left(other, 90_000)
        assert.isTrue(theirs > 40_000 && theirs <= mine, String(theirs))
        yield* elapse(200)
        assert.isAtMost(yield* left(other, 90_000), theirs - 150)
        yield* left(one, SHORT_MS)
        const soon = yield* left(other, 90_000)
        assert.isTrue(soon > 0 && soon <= SHORT_MS + 1, String(soon))
        yield* elapse(soon + 5)
        assert.isTrue((yield* leases.acquire(other, 60_000)).held)
        yield* free(other)
      })
    )

    law(
      "of many that ask at once, one holds it",
      Effect.gen(function* () {
        const leases = yield* Leases
        for (let round = 0; round < 10; round++) {
          const holders = Array.from({ length: 20 }, newHolder)
          const answers = yield* Effect.forEach(holders, (holder) => leases.acquire(holder, 60_000), {
            concurrency: "unbounded"
          })
          assert.strictEqual(answers.filter(({ held }) => held).length, 1)
          yield* free(...holders)
        }
      })
    )
  })
