/** Broadcasters: plain questions to the store, and a removal that takes their streams off the air. */
import { assert, describe, it } from "@effect/vitest"
import {
  changeBroadcaster,
  createBroadcaster,
  describeBroadcaster,
  describeBroadcasterByExternalId,
  type ExternalId,
  listBroadcasters,
  Reconciler,
  removeBroadcaster,
  upsertBroadcaster
} from "@greenroom/core"
import { Effect, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import { broadcasterId, NOW } from "../support/arbitraries.ts"
import { aBroadcaster, makeListings } from "../support/listings.ts"
import { inTime, running } from "../support/running.ts"
import { makeStage, mediaServerDown } from "../support/stage.ts"

const scene = Effect.fnUntraced(function* () {
  const stage = makeStage()
  const listings = makeListings(stage)
  listings.broadcasters.set(broadcasterId(1), aBroadcaster(1))
  stage.addKey(1)
  stage.addSession(1)
  stage.connect(1)
  yield* TestClock.adjust("1 minute")
  const { reconciler } = yield* running(stage)
  const layer = Layer.merge(listings.layer, Layer.succeed(Reconciler)(reconciler))
  const remove = inTime(removeBroadcaster(broadcasterId(1)).pipe(Effect.provide(layer)))
  return { stage, listings, layer, remove }
})

describe("broadcasters", () => {
  it.effect("are created with an id that nobody else has, listed, described and changed", () =>
    Effect.gen(function* () {
      const { listings, layer } = yield* scene()
      const fields = { displayName: "Studio One", contact: null, metadata: {} }
      const page = { limit: 50, after: null }
      const change = { displayName: "Studio Two" }
      const [one, two, list, found, nobody, changed] = yield* Effect.all([
        createBroadcaster(fields),
        createBroadcaster(fields),
        listBroadcasters(page),
        describeBroadcaster(broadcasterId(1)),
        describeBroadcaster(broadcasterId(9)),
        changeBroadcaster(broadcasterId(1), change)
      ]).pipe(Effect.provide(layer))
      assert.notStrictEqual(one.id, two.id)
      assert.deepStrictEqual([one.displayName, one.contact], ["Studio One", null])
      assert.deepStrictEqual(list.items, [aBroadcaster(1)])
      assert.deepStrictEqual([found, nobody], [Option.some(aBroadcaster(1)), Option.none()])
      assert.deepStrictEqual(changed, Option.some({ ...aBroadcaster(1), ...change }))
      assert.deepStrictEqual(listings.asked.at(2), ["listBroadcasters", page])
      assert.deepStrictEqual(listings.asked.at(-1), ["changeBroadcaster", broadcasterId(1), change])
    })
  )
})

describe("upsertBroadcaster", () => {
  it.effect(
    "writes with an id for the case that there is none yet; the external id finds it, and the same again only reads",
    () =>
      Effect.gen(function* () {
        const { listings, layer } = yield* scene()
        const externalId = "user-4711" as ExternalId
        const made = yield* upsertBroadcaster(externalId, { displayName: "Ada" }).pipe(Effect.provide(layer))
        assert.deepStrictEqual(listings.asked, [
          ["findByExternalId", externalId],
          ["upsert", made.id, externalId, { displayName: "Ada" }]
        ])
        listings.broadcasters.set(made.id, made)
        const found = yield* describeBroadcasterByExternalId(externalId).pipe(Effect.provide(layer))
        assert.deepStrictEqual(found, Option.some(made))
        listings.asked.length = 0
        const again = yield* upsertBroadcaster(externalId, { displayName: "Ada" }).pipe(Effect.provide(layer))
        assert.deepStrictEqual([again, listings.questions()], [made, ["findByExternalId"]])
        const fields = { displayName: "Ada", playback: "token" } as const
        const closed = yield* upsertBroadcaster(externalId, fields).pipe(Effect.provide(layer))
        assert.deepStrictEqual(listings.asked.at(-1), ["upsert", closed.id, externalId, fields])
        listings.broadcasters.set(made.id, closed)
        assert.strictEqual(yield* upsertBroadcaster(externalId, fields).pipe(Effect.provide(layer)), closed)
      })
  )
})

describe("changeBroadcaster", () => {
  it.effect("of nothing only reads: nothing is written, not even when it was changed", () =>
    Effect.gen(function* () {
      const { listings, layer } = yield* scene()
      const [same, nobody] = yield* Effect.all([
        changeBroadcaster(broadcasterId(1), {}),
        changeBroadcaster(broadcasterId(9), {})
      ]).pipe(Effect.provide(layer))
      assert.deepStrictEqual([same, nobody], [Option.some(aBroadcaster(1)), Option.none()])
      assert.deepStrictEqual(listings.questions(), ["findBroadcaster", "findBroadcaster"])
    })
  )
})

describe("removeBroadcaster", () => {
  it.effect("removes first, stops then, and confirms that the streams are off the air", () =>
    Effect.gen(function* () {
      const { stage, listings, remove } = yield* scene()
      stage.changeKey(1, { revokedAt: NOW })
      let removedBefore = false
      stage.before["Sessions.requestStopsForInvalidKeys"] = () =>
        Effect.sync(() => {
          removedBefore ||= listings.questions().join(" ") === "findBroadcaster remove"
        })
      assert.deepStrictEqual(yield* remove, Option.some({ offAir: true }))
      assert.isTrue(removedBefore)
      assert.strictEqual(stage.state(1), "Inactive")
      assert.deepStrictEqual(listings.asked.at(-1), ["unendedOf", { broadcasterId: broadcasterId(1) }])
    })
  )

  it.effect("answers, repeated, by what is still on the air, and at last that there is nobody", () =>
    Effect.gen(function* () {
      const { stage, remove } = yield* scene()
      stage.changeKey(1, { revokedAt: NOW })
      stage.before["MediaServer.kick"] = () => mediaServerDown
      const first = yield* remove
      const second = yield* remove
      delete stage.before["MediaServer.kick"]
      yield* TestClock.adjust("3 seconds")
      const third = yield* remove
      assert.deepStrictEqual(
        [first, second, third],
        [Option.some({ offAir: false }), Option.some({ offAir: false }), Option.none()]
      )
    })
  )
})
