/** The laws of `Admissions` when many ask at once, and when what bears on an admission changes while it is made. */
import { randomUUID } from "node:crypto"
import { type AdmissionRequest, Admissions, Sessions, type StoredSession, StreamKeys, Streams } from "@greenroom/core"
import { Effect, Option, Result } from "effect"
import * as assert from "../assert.ts"
import { admit, aKey, anAsk, aSession, newPath, stateOf, takeOver } from "../fixtures.ts"
import { contract, type StoreUnderTest } from "./contract.ts"

const winners = <A>(outcomes: ReadonlyArray<Option.Option<A>>) => outcomes.filter(Option.isSome).length

const atOnce = { concurrency: "unbounded" } as const

/**
 * All ask at once, and exactly one session that is `theirs` comes to be: that of who was admitted. They wait for each other, so a slow
 * store leaves some without an answer, which admits no publisher; of those alone the one with the session may be.
 */
const oneIsAdmitted = Effect.fnUntraced(function* (
  asks: ReadonlyArray<AdmissionRequest>,
  theirs: (session: StoredSession) => boolean
) {
  const sessions = yield* Sessions
  const outcomes = yield* Effect.forEach(asks, (ask) => Effect.result(admit(ask)), atOnce)
  const [session, ...others] = (yield* sessions.open).open.filter(theirs)
  assert.deepStrictEqual(others, [])
  assert.include(
    asks.map(({ streamId }) => streamId),
    session?.streamId
  )
  for (const [index, outcome] of outcomes.entries()) {
    const isIts = asks[index]?.streamId === session?.streamId
    if (Result.isFailure(outcome)) {
      if (outcome.failure.rolledBack === true) assert.isFalse(isIts, "nothing was done, and yet it has the session")
    } else if (Option.isNone(outcome.success)) assert.isFalse(isIts, "refused, and yet it has the session")
    else {
      assert.strictEqual(outcome.success.value.streamId, session?.streamId)
      assert.strictEqual(outcome.success.value.again, !isIts)
    }
  }
  return outcomes.map((outcome) => Option.flatten(Result.getSuccess(outcome)))
})

export const admissionRacesLaws = (store: StoreUnderTest) =>
  contract("Admissions at once", store, (law) => {
    law(
      "of a hundred that bring one key, one is admitted",
      Effect.gen(function* () {
        const key = yield* aKey()
        const asks = Array.from({ length: 100 }, () => anAsk(key))
        const outcomes = yield* oneIsAdmitted(asks, ({ streamKeyId }) => streamKeyId === key.id)
        assert.isAtMost(winners(outcomes), 1)
      })
    )

    law(
      "of twenty newcomers that take over one after the other, the last is left, and nineteen are superseded",
      Effect.gen(function* () {
        const sessions = yield* Sessions
        const streams = yield* Streams
        const key = yield* aKey()
        const path = newPath()
        const asks = Array.from({ length: 20 }, () => anAsk(key, { path }))
        for (const ask of asks) assert.isTrue(Option.isSome(yield* takeOver(ask)))
        const unended = yield* sessions.stillOpen(asks.map((ask) => ask.streamId))
        const reasons = new Map(unended.map((session) => [session.streamId, session.state.ending?.reason ?? null]))
        assert.deepStrictEqual(
          asks.map((ask) => reasons.get(ask.streamId)),
          asks.map((_, index) => (index === 19 ? null : "superseded"))
        )
        assert.strictEqual((yield* streams.unendedOf({ streamKeyId: key.id })).length, 20)
      })
    )

    law(
      "of a dozen that take over three at a time, all are admitted, one after the other, and one is not superseded",
      Effect.gen(function* () {
        const sessions = yield* Sessions
        const key = yield* aKey()
        const asks = Array.from({ length: 12 }, () => anAsk(key, { path: newPath() }))
        const outcomes = yield* Effect.forEach(asks, (ask) => takeOver(ask), { concurrency: 3 })
        assert.strictEqual(winners(outcomes), 12)
        const unended = yield* sessions.stillOpen(asks.map((ask) => ask.streamId))
        assert.strictEqual(unended.filter((session) => session.state.ending === null).length, 1)
      })
    )

    law(
      "no publisher takes over another key's path, with a revoked key, or from a session that is being stopped; and then none is marked",
      Effect.gen(function* () {
        const sessions = yield* Sessions
        const keys = yield* StreamKeys
        const other = yield* aSession()
        const own = yield* aSession()
        assert.isTrue(Option.isNone(yield* takeOver(anAsk(own.key, { path: other.ask.path }))))
        assert.isNull((yield* stateOf(own.id)).ending)
        assert.isNull((yield* stateOf(other.id)).ending)

        yield* sessions.requestStop(other.id, "stopped", null)
        assert.isTrue(Option.isNone(yield* takeOver(anAsk(other.key, { path: other.ask.path }))))
        assert.strictEqual((yield* stateOf(other.id)).ending?.reason, "stopped")

        yield* keys.revoke(own.key.id)
        assert.isTrue(Option.isNone(yield* takeOver(anAsk(own.key, { path: own.ask.path }))))
        assert.isNull((yield* stateOf(own.id)).ending)
      })
    )

    law(
      "a connection never takes over from itself",
      Effect.gen(function* () {
        const session = yield* aSession()
        const again = { ...session.ask, streamId: anAsk(session.key).streamId }
        const outcome = yield* takeOver(again)
        assert.deepStrictEqual(
          Option.map(outcome, ({ streamId }) => streamId),
          Option.some(session.id)
        )
        assert.isNull((yield* stateOf(session.id)).ending)
      })
    )

    law(
      "of a hundred keys on one path, one is admitted",
      Effect.gen(function* () {
        const path = newPath()
        const keys = yield* Effect.forEach(Array.from({ length: 100 }), () => aKey(), { concurrency: 8 })
        const asks = keys.map((key) => anAsk(key, { path }))
        const outcomes = yield* oneIsAdmitted(asks, (session) => session.path === path)
        assert.isAtMost(winners(outcomes), 1)
      })
    )

    law(
      "of fifty keys that one connection brings, one is admitted",
      Effect.gen(function* () {
        const sourceId = randomUUID()
        const keys = yield* Effect.forEach(Array.from({ length: 50 }), () => aKey(), { concurrency: 8 })
        const asks = keys.map((key) => anAsk(key, { sourceId }))
        const outcomes = yield* oneIsAdmitted(asks, ({ source }) => source.id === sourceId)
        assert.isAtMost(winners(outcomes), 1)
      })
    )

    law(
      "a connection that asks fifty times at once has one session",
      Effect.gen(function* () {
        const key = yield* aKey()
        const ask = anAsk(key)
        const asks = Array.from({ length: 50 }, () => ({ ...ask, streamId: anAsk(key).streamId }))
        yield* oneIsAdmitted(asks, ({ streamKeyId }) => streamKeyId === key.id)
      })
    )

    law(
      "keys and paths that collide in every way leave no key and no path with two sessions",
      Effect.gen(function* () {
        const sessions = yield* Sessions
        const keys = yield* Effect.forEach(Array.from({ length: 6 }), () => aKey())
        const paths = Array.from({ length: 6 }, newPath)
        yield* Effect.forEach(
          Array.from({ length: 180 }, (_, index) => index),
          (index) => admit(anAsk(keys[index % 6]!, { path: paths[Math.floor(index / 6) % 6]! })),
          { concurrency: 32 }
        )
        const mine = (yield* sessions.open).open.filter(({ path }) => paths.includes(path as never))
        assert.isAbove(mine.length, 0)
        assert.strictEqual(new Set(mine.map(({ path }) => path)).size, mine.length)
        assert.strictEqual(new Set(mine.map(({ streamKeyId }) => streamKeyId)).size, mine.length)
      })
    )

    law(
      "no publisher is admitted after a revocation was acknowledged, and one admitted before it is found by the stop",
      Effect.gen(function* () {
        const keys = yield* StreamKeys
        const sessions = yield* Sessions
        let admittedFirst = 0
        const round = Effect.gen(function* () {
          const key = yield* aKey()
          const [before, , during] = yield* Effect.all(
            [
              admit(anAsk(key)),
              Effect.andThen(keys.revoke(key.id), () => Effect.void),
              Effect.andThen(Effect.yieldNow, admit(anAsk(key)))
            ],
            atOnce
          )
          assert.isTrue(Option.isNone(yield* admit(anAsk(key))), "admitted after the revocation")
          yield* sessions.requestStopsForInvalidKeys
          for (const admission of [before, during]) {
            if (Option.isNone(admission)) continue
            admittedFirst++
            const state = yield* stateOf(admission.value.streamId)
            assert.strictEqual(state.ending?.reason, "revoked")
          }
        })
        yield* Effect.all(
          Array.from({ length: 500 }, () => round),
          { concurrency: 4, discard: true }
        )
        assert.isAbove(admittedFirst, 0)
      })
    )

    law(
      "a session that ends lets exactly one of many newcomers in",
      Effect.gen(function* () {
        const admissions = yield* Admissions
        const sessions = yield* Sessions
        const session = yield* aSession()
        const newcomers = Array.from({ length: 30 }, () => anAsk(session.key, { path: session.ask.path }))
        const outcomes = yield* Effect.all(
          [
            Effect.as(admissions.endGone(session.id), Option.none()),
            ...newcomers.map((ask) =>
              Effect.catchTag(admit(ask), "StoreUnavailable", () => Effect.succeed(Option.none()))
            )
          ],
          atOnce
        )
        const late = yield* admit(anAsk(session.key, { path: session.ask.path }))
        assert.isAtMost(winners([...outcomes, late]), 1)
        const left = (yield* sessions.open).open.filter(({ streamKeyId }) => streamKeyId === session.key.id)
        assert.strictEqual(left.length, 1)
      })
    )
  })
