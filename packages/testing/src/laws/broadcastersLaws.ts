/** The laws of `Broadcasters`. */

import { type BroadcasterId, Broadcasters, type Metadata, StreamKeys, Streams } from "@greenroom/core"
import { DateTime, Effect, Option, Schema } from "effect"
import * as assert from "../assert.ts"
import { aBroadcaster, aKey, anOrder, aSession, details, newId } from "../fixtures.ts"
import { contract, elapse, plain, type StoreUnderTest } from "./contract.ts"

export const broadcastersLaws = (store: StoreUnderTest) =>
  contract("Broadcasters", store, (law, property) => {
    law(
      "a broadcaster is found as it was created",
      Effect.gen(function* () {
        const broadcasters = yield* Broadcasters
        const fields = {
          displayName: "Studio Ünø 🎬",
          contact: "ops@studio.example",
          metadata: { tags: ["a", { b: null }] }
        }
        const created = yield* broadcasters.create(newId<BroadcasterId>(), fields)
        assert.deepStrictEqual(plain({ ...created, ...fields }), plain(created))
        assert.deepStrictEqual(created.updatedAt, created.createdAt)
        assert.deepStrictEqual(plain(yield* broadcasters.find(created.id)), plain(Option.some(created)))
        assert.isTrue(Option.isNone(yield* broadcasters.find(newId<BroadcasterId>())))
      })
    )

    law(
      "a change touches what is given and the time of the last change",
      Effect.gen(function* () {
        const broadcasters = yield* Broadcasters
        const before = yield* aBroadcaster({ displayName: "Before", contact: "a@b.example", metadata: { n: 1 } })
        yield* elapse(5)
        const renamed = Option.getOrThrow(yield* broadcasters.change(before.id, { displayName: "After" }))
        assert.deepStrictEqual(plain(renamed), plain({ ...before, displayName: "After", updatedAt: renamed.updatedAt }))
        assert.isTrue(DateTime.isGreaterThan(renamed.updatedAt, before.updatedAt))
        const rest = Option.getOrThrow(yield* broadcasters.change(before.id, { contact: null, metadata: {} }))
        assert.deepStrictEqual(plain([rest.displayName, rest.contact, rest.metadata]), ["After", null, {}])
        assert.deepStrictEqual(plain(yield* broadcasters.find(before.id)), plain(Option.some(rest)))
        assert.isTrue(Option.isNone(yield* broadcasters.change(newId<BroadcasterId>(), { displayName: "Unknown" })))
      })
    )

    property(
      "metadata comes back as it was given",
      Schema.Struct({ metadata: Schema.Record(Schema.String, Schema.Json) }),
      Effect.fnUntraced(function* ({ metadata }) {
        const text = JSON.stringify(metadata)
        if (text.includes("\\u0000") || /\\ud[89a-f]/i.test(text)) return
        const created = yield* aBroadcaster({ metadata: metadata as Metadata })
        const found = Option.getOrThrow(yield* Effect.flatMap(Broadcasters, (all) => all.find(created.id)))
        assert.deepStrictEqual(found.metadata, JSON.parse(text))
      }),
      { runs: 50 }
    )

    law(
      "a removed broadcaster is unknown, its keys are revoked, and its history stays",
      Effect.gen(function* () {
        const broadcasters = yield* Broadcasters
        const keys = yield* StreamKeys
        const { id } = yield* aBroadcaster({ displayName: "Gone soon" })
        const first = yield* aKey({ broadcasterId: id })
        const second = yield* aKey({ broadcasterId: id })
        const other = yield* aKey()
        const earlier = Option.getOrThrow(yield* keys.revoke(first.id))
        const session = yield* aSession({}, second)
        yield* elapse(5)

        assert.isTrue(yield* broadcasters.remove(id))
        assert.isFalse(yield* broadcasters.remove(id))
        assert.isTrue(Option.isNone(yield* broadcasters.find(id)))
        assert.isTrue(Option.isNone(yield* broadcasters.change(id, { displayName: "Back" })))
        const { items } = yield* broadcasters.list({ limit: null, after: null })
        assert.isFalse(items.some((item) => item.id === id))
        const revokedAt = (key: typeof first) =>
          Effect.map(keys.find(key.id), (found) => Option.getOrThrow(found).key.revokedAt)
        assert.deepStrictEqual(plain(yield* revokedAt(first)), plain(earlier.key.revokedAt))
        assert.isNotNull(yield* revokedAt(second))
        assert.isNull(yield* revokedAt(other))
        const found = yield* details(session.id)
        assert.strictEqual(found.stream.state._tag, "Connecting")
        assert.strictEqual(found.broadcaster.displayName, "Gone soon")
        const streams = yield* Streams
        assert.deepStrictEqual(yield* streams.unendedOf({ broadcasterId: id }), [session.id])
      })
    )

    law(
      "no key outlives its broadcaster, however closely it was issued to the removal",
      Effect.gen(function* () {
        const broadcasters = yield* Broadcasters
        const keys = yield* StreamKeys
        const round = Effect.gen(function* () {
          const { id } = yield* aBroadcaster()
          const orders = [anOrder(id), anOrder(id), anOrder(id)]
          yield* Effect.all(
            [keys.issue(orders[0]!), broadcasters.remove(id), keys.issue(orders[1]!), keys.issue(orders[2]!)],
            {
              concurrency: "unbounded"
            }
          )
          const { items } = yield* keys.list({ broadcasterId: id }, { limit: null, after: null })
          assert.deepStrictEqual(
            items.filter((key) => key.revokedAt === null),
            []
          )
        })
        yield* Effect.all(
          Array.from({ length: 50 }, () => round),
          { concurrency: 2 }
        )
      })
    )

    law(
      "pages run from the newest to the oldest and neither skip nor repeat",
      Effect.gen(function* () {
        const broadcasters = yield* Broadcasters
        const mine = new Set<string>()
        for (let index = 0; index < 25; index++) mine.add((yield* aBroadcaster()).id)
        const seen: Array<string> = []
        let page = yield* broadcasters.list({ limit: 4, after: null })
        while (true) {
          for (const item of page.items) if (mine.has(item.id)) seen.push(item.id)
          if (page.next === null) break
          assert.strictEqual(page.items.length, 4)
          yield* aBroadcaster()
          page = yield* broadcasters.list({ limit: 4, after: page.next })
        }
        assert.deepStrictEqual(new Set(seen), mine)
        assert.strictEqual(seen.length, mine.size)
        const { items } = yield* broadcasters.list({ limit: null, after: null })
        assert.strictEqual(yield* broadcasters.count, items.length)
        const whole = items.filter(({ id }) => mine.has(id))
        assert.deepStrictEqual(
          whole.map(({ id }) => id),
          seen as Array<BroadcasterId>
        )
        assert.isTrue(
          whole.every(
            (item, index) => index === 0 || DateTime.isLessThanOrEqualTo(item.createdAt, whole[index - 1]!.createdAt)
          )
        )
      })
    )
  })
