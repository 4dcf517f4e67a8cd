/** The laws of external ids: at most one broadcaster has one, whatever happens at once, and `upsert` yields that one. */
import { randomUUID } from "node:crypto"
import { type Broadcaster, type BroadcasterId, Broadcasters, type ExternalId, type Metadata } from "@greenroom/core"
import { DateTime, Effect, Option, Result, Schema } from "effect"
import * as assert from "../assert.ts"
import { aBroadcaster, newId } from "../fixtures.ts"
import { contract, elapse, plain, type StoreUnderTest } from "./contract.ts"

const newExternalId = () => `user-${randomUUID()}` as ExternalId

const upsert = (
  externalId: ExternalId,
  fields: { displayName: string; contact?: string | null; metadata?: Metadata }
) => Effect.flatMap(Broadcasters, (all) => all.upsert(newId<BroadcasterId>(), externalId, fields))

const At = Schema.Literals([0, 1, 2])
const Name = Schema.Literals(["a", "b"])
const Step = Schema.Union([
  Schema.Struct({ step: Schema.Literal("create"), externalId: At, name: Name }),
  Schema.Struct({
    step: Schema.Literal("upsert"),
    externalId: At,
    name: Name,
    metadata: Schema.Literals([0, 1, 2])
  }),
  Schema.Struct({ step: Schema.Literal("give"), externalId: At, to: At }),
  Schema.Struct({ step: Schema.Literal("clear"), externalId: At }),
  Schema.Struct({ step: Schema.Literal("remove"), externalId: At })
])

/** What a broadcaster with an external id is to look like. */
interface Expected {
  readonly id: BroadcasterId
  readonly displayName: string
  readonly metadata: Metadata
}

export const externalIdsLaws = (store: StoreUnderTest) =>
  contract("External ids", store, (law, property) => {
    law(
      "a broadcaster is found by its external id, which no other can be given",
      Effect.gen(function* () {
        const broadcasters = yield* Broadcasters
        const externalId = newExternalId()
        const first = yield* aBroadcaster({ externalId })
        assert.strictEqual(first.externalId, externalId)
        assert.isNull((yield* aBroadcaster()).externalId)
        assert.deepStrictEqual(plain(yield* broadcasters.find(first.id)), plain(Option.some(first)))
        assert.deepStrictEqual(plain(yield* broadcasters.findByExternalId(externalId)), plain(Option.some(first)))
        for (const other of [externalId.toUpperCase(), `${externalId} `]) {
          assert.isTrue(Option.isNone(yield* broadcasters.findByExternalId(other as ExternalId)))
        }
        const id = newId<BroadcasterId>()
        const again = yield* Effect.flip(
          broadcasters.create(id, { displayName: "Second", contact: null, metadata: {}, externalId })
        )
        assert.deepStrictEqual(
          [again._tag, (again as { externalId?: string }).externalId],
          ["ExternalIdTaken", externalId]
        )
        assert.isTrue(Option.isNone(yield* broadcasters.find(id)))
        const other = yield* aBroadcaster({ displayName: "Other", externalId: newExternalId() })
        const change = yield* Effect.flip(broadcasters.change(other.id, { externalId, displayName: "Changed" }))
        assert.strictEqual(change._tag, "ExternalIdTaken")
        assert.deepStrictEqual(plain(yield* broadcasters.find(other.id)), plain(Option.some(other)))
        assert.isTrue(
          Option.isNone(yield* broadcasters.change(newId<BroadcasterId>(), { externalId: newExternalId() }))
        )
      })
    )

    law(
      "the external id of a removed broadcaster is free, and so is one that was cleared",
      Effect.gen(function* () {
        const broadcasters = yield* Broadcasters
        const externalId = newExternalId()
        const first = yield* aBroadcaster({ externalId })
        const own = Option.getOrThrow(yield* broadcasters.change(first.id, { externalId }))
        assert.strictEqual(own.externalId, externalId)
        assert.strictEqual(
          Option.getOrThrow(yield* broadcasters.change(first.id, { displayName: "Renamed" })).externalId,
          externalId
        )
        yield* broadcasters.remove(first.id)
        assert.isTrue(Option.isNone(yield* broadcasters.findByExternalId(externalId)))
        const second = yield* upsert(externalId, { displayName: "Second" })
        assert.notStrictEqual(second.id, first.id)
        assert.isNull(Option.getOrThrow(yield* broadcasters.change(second.id, { externalId: null })).externalId)
        assert.isTrue(Option.isNone(yield* broadcasters.findByExternalId(externalId)))
        const third = yield* aBroadcaster()
        const given = Option.getOrThrow(yield* broadcasters.change(third.id, { externalId }))
        assert.strictEqual(given.externalId, externalId)
      })
    )

    law(
      "an upsert changes what differs, keeps what is absent, and writes nothing when nothing differs",
      Effect.gen(function* () {
        const externalId = newExternalId()
        const metadata = { plan: "pro", nested: { a: [1, null], b: "x" } }
        const made = yield* upsert(externalId, { displayName: "Ada", contact: "ada@example.com", metadata })
        assert.deepStrictEqual(plain([made.externalId, made.displayName, made.contact, made.metadata]), [
          externalId,
          "Ada",
          "ada@example.com",
          metadata
        ])
        assert.deepStrictEqual(made.updatedAt, made.createdAt)
        yield* elapse(5)
        const reordered = { nested: { b: "x", a: [1, null] }, plan: "pro" }
        for (const same of [{}, { metadata }, { metadata: reordered }, { contact: "ada@example.com", metadata }]) {
          assert.deepStrictEqual(plain(yield* upsert(externalId, { displayName: "Ada", ...same })), plain(made))
        }
        const changes = [
          { displayName: "Ada L." },
          { displayName: "Ada L.", metadata: {} },
          { displayName: "Ada L.", contact: null }
        ]
        let before: Broadcaster = made
        for (const change of changes) {
          yield* elapse(5)
          const after = yield* upsert(externalId, change)
          assert.isTrue(DateTime.isGreaterThan(after.updatedAt, before.updatedAt))
          assert.deepStrictEqual(plain(after), plain({ ...before, ...change, updatedAt: after.updatedAt }))
          before = after
        }
        const empty = yield* upsert(newExternalId(), { displayName: "Bare" })
        assert.deepStrictEqual(plain([empty.contact, empty.metadata]), [null, {}])
      })
    )

    law(
      "upserts at the same time yield one broadcaster",
      Effect.gen(function* () {
        const broadcasters = yield* Broadcasters
        for (let round = 0; round < 10; round++) {
          const externalId = newExternalId()
          const made = yield* Effect.all(
            Array.from({ length: 8 }, (_, index) => upsert(externalId, { displayName: `Login ${index % 2}` })),
            { concurrency: "unbounded" }
          )
          assert.strictEqual(new Set(made.map(({ id }) => id)).size, 1)
          const found = Option.getOrThrow(yield* broadcasters.findByExternalId(externalId))
          assert.strictEqual(found.id, made[0]!.id)
        }
      })
    )

    law(
      "an upsert beside a removal yields the removed broadcaster or a new one, and never fails",
      Effect.gen(function* () {
        const broadcasters = yield* Broadcasters
        for (let round = 0; round < 20; round++) {
          const externalId = newExternalId()
          const { id } = yield* aBroadcaster({ externalId })
          const [made] = yield* Effect.all(
            [
              upsert(externalId, { displayName: "Back" }),
              broadcasters.remove(id),
              upsert(externalId, { displayName: "Back" })
            ],
            { concurrency: "unbounded" }
          )
          const found = Option.getOrUndefined(yield* broadcasters.findByExternalId(externalId))
          assert.isTrue(made.id === id || made.id === found?.id)
          assert.notStrictEqual(found?.id, id)
        }
      })
    )

    law(
      "of creations and changes at the same time one gets the external id",
      Effect.gen(function* () {
        const broadcasters = yield* Broadcasters
        for (let round = 0; round < 10; round++) {
          const externalId = newExternalId()
          const others = [yield* aBroadcaster(), yield* aBroadcaster()]
          const fields = { displayName: "Studio", contact: null, metadata: {}, externalId }
          const create = Effect.suspend(() => Effect.asVoid(broadcasters.create(newId<BroadcasterId>(), fields)))
          const change = (index: 0 | 1) => Effect.asVoid(broadcasters.change(others[index]!.id, { externalId }))
          const outcomes = yield* Effect.all(
            [create, change(0), create, change(1)].map((one) =>
              Effect.match(one, { onSuccess: () => "written", onFailure: ({ _tag }) => _tag })
            ),
            { concurrency: "unbounded" }
          )
          const refused = outcomes.filter((outcome) => outcome !== "written")
          assert.deepStrictEqual(refused, ["ExternalIdTaken", "ExternalIdTaken", "ExternalIdTaken"])
        }
      })
    )

    property(
      "external ids behave as a map from them to broadcasters",
      Schema.Struct({ steps: Schema.Array(Step) }),
      Effect.fnUntraced(function* ({ steps }) {
        const broadcasters = yield* Broadcasters
        const externalIds = [newExternalId(), newExternalId(), newExternalId()] as const
        const expected = new Map<ExternalId, Expected>()
        for (const step of steps) {
          const externalId = externalIds[step.externalId]
          const owner = expected.get(externalId)
          switch (step.step) {
            case "create": {
              const id = newId<BroadcasterId>()
              const fields = { displayName: step.name, contact: null, metadata: {}, externalId }
              const outcome = yield* Effect.result(broadcasters.create(id, fields))
              assert.strictEqual(Result.isSuccess(outcome), owner === undefined)
              if (owner === undefined) expected.set(externalId, { id, displayName: step.name, metadata: {} })
              break
            }
            case "upsert": {
              const metadata = step.metadata === 0 ? {} : { metadata: { n: step.metadata } }
              const made = yield* upsert(externalId, { displayName: step.name, ...metadata })
              expected.set(externalId, {
                id: owner?.id ?? made.id,
                displayName: step.name,
                metadata: metadata.metadata ?? owner?.metadata ?? {}
              })
              break
            }
            case "give": {
              if (owner === undefined) break
              const to = externalIds[step.to]
              const outcome = yield* Effect.result(broadcasters.change(owner.id, { externalId: to }))
              const isFree = to === externalId || !expected.has(to)
              assert.strictEqual(Result.isSuccess(outcome), isFree)
              if (!isFree) break
              expected.delete(externalId)
              expected.set(to, owner)
              break
            }
            default:
              if (owner === undefined) break
              yield* step.step === "clear"
                ? broadcasters.change(owner.id, { externalId: null })
                : broadcasters.remove(owner.id)
              expected.delete(externalId)
          }
          for (const each of externalIds) {
            const found = Option.getOrUndefined(yield* broadcasters.findByExternalId(each))
            const shown = found && { id: found.id, displayName: found.displayName, metadata: found.metadata }
            assert.deepStrictEqual(shown, expected.get(each))
          }
        }
      }),
      { runs: store.clock === "real" ? 15 : 200, size: 25 }
    )
  })
