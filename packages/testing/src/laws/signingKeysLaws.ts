/** The laws of `SigningKeys`. */
import { randomBytes } from "node:crypto"
import {
  APPLICATION_KEYS_MAX,
  type LoggedEvent,
  type OwnSigningKey,
  PlaybackTokens,
  SIGNING_KEY_ID_KEPT_DAYS,
  type SigningKey,
  type SigningKeyId,
  SigningKeys,
  TOKENS_KEPT_DAYS
} from "@greenroom/core"
import { DateTime, Effect, Option, Schema } from "effect"
import * as assert from "../assert.ts"
import { type AddLaw, type AddProperty, BackDoor, contract, elapse, plain, type StoreUnderTest } from "./contract.ts"
import { eventsFrom } from "./eventsLaws.ts"
import { aToken } from "./playbackTokensLaws.ts"

const newKeyId = () => randomBytes(4).toString("hex") as SigningKeyId

const aKey = (): Pick<SigningKey, "id" | "publicKey"> => ({
  id: newKeyId(),
  publicKey: randomBytes(32).toString("base64url")
})
const ownKey = (): OwnSigningKey => ({ ...aKey(), privateKey: new Uint8Array(randomBytes(60)) })

const signingKey = Effect.flatMap(SigningKeys, (keys) => Effect.map(keys.signing, Option.getOrNull))

const signs = Effect.fnUntraced(function* (key: OwnSigningKey) {
  const signing = yield* signingKey
  if (signing === null) return assert.fail("no key signs")
  assert.deepStrictEqual(
    { ...signing, privateKey: [...signing.privateKey] },
    { ...key, privateKey: [...key.privateKey] }
  )
})

const listed = Effect.flatMap(SigningKeys, (keys) => keys.list)
const idsOf = (keys: ReadonlyArray<{ readonly id: string }>): ReadonlyArray<string> => keys.map(({ id }) => id)
const listedIds = Effect.map(listed, idsOf)

const added = Effect.fnUntraced(function* (key = aKey()) {
  const outcome = yield* (yield* SigningKeys).add(key)
  return outcome._tag === "Added" ? outcome.key : assert.fail(`not added: ${outcome._tag}`)
})

const brief = ({ type, subject, broadcasterId, data }: LoggedEvent): unknown => ({ type, subject, broadcasterId, data })
const event = (type: string, id: string, issuer: string): unknown => ({
  type,
  subject: `signing_key:${id}`,
  broadcasterId: null,
  data: { id, issuer }
})

/** Keys of the applications of other laws. */
const removeAll = Effect.gen(function* () {
  const keys = yield* SigningKeys
  for (const { id, issuer } of yield* keys.list) if (issuer === "application") yield* keys.remove(id)
})

const ownKeys = (law: AddLaw, property: AddProperty) => {
  law(
    "however many ensure at once, one key signs, and it is one event",
    Effect.gen(function* () {
      const keys = yield* SigningKeys
      assert.isNull(yield* signingKey)
      assert.deepStrictEqual(yield* keys.list, [])
      const ensured: Array<OwnSigningKey> = []
      const events = yield* eventsFrom(
        Effect.forEach(
          Array.from({ length: 6 }, ownKey),
          (key) => Effect.map(keys.ensure(key), (one) => ensured.push(one)),
          { concurrency: 6 }
        )
      )
      const [first] = ensured
      if (first === undefined) return assert.fail("none")
      assert.deepStrictEqual(new Set(idsOf(ensured)), new Set([first.id as string]))
      yield* signs(first)
      assert.deepStrictEqual(events.map(brief), [event("signing_key.created", first.id, "greenroom")])
      yield* keys.ensure(ownKey())
      yield* signs(first)
      const [shown] = yield* keys.list
      assert.deepStrictEqual(
        { ...shown, createdAt: null },
        { id: first.id, publicKey: first.publicKey, issuer: "greenroom", createdAt: null, verifiesUntil: null }
      )
    })
  )

  law(
    "a rotation is one step: the new key signs, the old one verifies until its end, and both are events",
    Effect.gen(function* () {
      const keys = yield* SigningKeys
      const old = yield* keys.ensure(ownKey())
      const next = ownKey()
      yield* elapse(2)
      const events = yield* eventsFrom(keys.rotate(next, 3_600))
      assert.deepStrictEqual(events.map(brief), [
        event("signing_key.rotated", old.id, "greenroom"),
        event("signing_key.created", next.id, "greenroom")
      ])
      yield* signs(next)
      const [first, second] = yield* keys.list
      assert.deepStrictEqual([first?.id, second?.id], [next.id, old.id])
      assert.isNull(first?.verifiesUntil)
      const until = second?.verifiesUntil
      if (until === null || until === undefined || first === undefined) return assert.fail("it verifies for ever")
      const overlap = DateTime.toEpochMillis(until) - DateTime.toEpochMillis(first.createdAt)
      assert.isAtMost(Math.abs(overlap - 3_600_000), 5_000)
      yield* elapse(2)
      assert.deepStrictEqual(plain(yield* keys.rotate(ownKey(), 60)), plain((yield* keys.list)[0]))
    })
  )

  law(
    "of several rotations at once each takes the place of the one before",
    Effect.gen(function* () {
      const keys = yield* SigningKeys
      const before = yield* keys.ensure(ownKey())
      const made = Array.from({ length: 5 }, ownKey)
      const events = yield* eventsFrom(Effect.forEach(made, (key) => keys.rotate(key, 3_600), { concurrency: 5 }))
      const rotated = events.filter(({ type }) => type === "signing_key.rotated").map(({ subject }) => subject)
      const created = events.filter(({ type }) => type === "signing_key.created").map(({ subject }) => subject)
      assert.deepStrictEqual(rotated, [`signing_key:${before.id}`, ...created.slice(0, -1)])
      assert.strictEqual(`signing_key:${(yield* signingKey)?.id}`, created.at(-1))
      const shown = yield* keys.list
      const ours = shown.filter(({ id }) => made.some((key) => key.id === id))
      assert.strictEqual(ours.length, 5)
      assert.strictEqual(ours.filter(({ verifiesUntil }) => verifiesUntil === null).length, 1)
    })
  )

  law(
    "a key whose end has passed is in no list, and its end is no event",
    Effect.gen(function* () {
      const keys = yield* SigningKeys
      const old = yield* keys.ensure(ownKey())
      const next = ownKey()
      yield* keys.rotate(next, 0)
      assert.notInclude(yield* listedIds, old.id)
      yield* keys.rotate(ownKey(), 1)
      const events = yield* eventsFrom(elapse(1_100))
      assert.deepStrictEqual(events, [])
      assert.notInclude(yield* listedIds, next.id)
      assert.isFalse(yield* keys.remove(next.id))
    })
  )

  law(
    "the key that signs is not removed, one that was rotated is",
    Effect.gen(function* () {
      const keys = yield* SigningKeys
      const old = yield* keys.ensure(ownKey())
      assert.deepStrictEqual(yield* eventsFrom(keys.remove(old.id)), [])
      assert.isFalse(yield* keys.remove(old.id))
      yield* signs(old)
      yield* keys.rotate(ownKey(), 3_600)
      const events = yield* eventsFrom(keys.remove(old.id))
      assert.deepStrictEqual(events.map(brief), [event("signing_key.removed", old.id, "greenroom")])
      assert.notInclude(yield* listedIds, old.id)
      assert.isFalse(yield* keys.remove(old.id))
    })
  )

  law(
    "a key of ours with an id that is taken is not made, and the one that signs stays",
    Effect.gen(function* () {
      const keys = yield* SigningKeys
      const signing = yield* keys.ensure(ownKey())
      const { id } = yield* added()
      for (const taken of [signing.id, id]) {
        const exit = yield* Effect.exit(keys.rotate({ ...ownKey(), id: taken }, 60))
        assert.strictEqual(exit._tag, "Failure")
        yield* signs(signing)
      }
      yield* keys.remove(id)
    })
  )

  property(
    "whatever is done in whatever order, one key signs and the list is newest first",
    Schema.Struct({
      steps: Schema.Array(Schema.Literals(["ensure", "rotate", "rotateAtOnce", "removeNewest", "add"]))
    }),
    Effect.fnUntraced(function* ({ steps }) {
      const keys = yield* SigningKeys
      yield* removeAll
      yield* keys.ensure(ownKey())
      for (const step of steps) {
        const before = yield* signingKey
        const [newest] = (yield* keys.list).filter(({ id }) => id !== before?.id)
        yield* elapse(2)
        if (step === "ensure") yield* keys.ensure(ownKey())
        if (step === "rotate") yield* keys.rotate(ownKey(), 3_600)
        if (step === "rotateAtOnce") yield* keys.rotate(ownKey(), 0)
        if (step === "add") yield* keys.add(aKey())
        if (step === "removeNewest" && newest !== undefined) assert.isTrue(yield* keys.remove(newest.id))
        const after = yield* signingKey
        assert.isNotNull(after)
        if (!step.startsWith("rotate")) assert.strictEqual(after.id, before?.id)
        const shown = yield* keys.list
        const unrotated = shown.filter(({ issuer, verifiesUntil }) => issuer === "greenroom" && verifiesUntil === null)
        assert.deepStrictEqual(idsOf(unrotated), [after.id as string])
        const times = shown.map(({ createdAt }) => DateTime.toEpochMillis(createdAt))
        assert.deepStrictEqual(
          times,
          times.toSorted((a, b) => b - a)
        )
      }
    }),
    { runs: 12 }
  )
}

const applicationKeys = (law: AddLaw) => {
  law(
    "an application's key is as it was added, and each change is an event",
    Effect.gen(function* () {
      const keys = yield* SigningKeys
      yield* removeAll
      const key = aKey()
      const created = yield* eventsFrom(added(key))
      assert.deepStrictEqual(created.map(brief), [event("signing_key.created", key.id, "application")])
      const shown = (yield* keys.list).find(({ id }) => id === key.id)
      assert.deepStrictEqual(
        { ...shown, createdAt: null },
        { ...key, issuer: "application", createdAt: null, verifiesUntil: null }
      )
      assert.deepStrictEqual(yield* keys.add(aKey()).pipe(Effect.map(({ _tag }) => _tag)), "Added")
      assert.deepStrictEqual(yield* eventsFrom(keys.add(key)), [])
      const removed = yield* eventsFrom(keys.remove(key.id))
      assert.deepStrictEqual(removed.map(brief), [event("signing_key.removed", key.id, "application")])
      assert.notInclude(yield* listedIds, key.id)
      assert.deepStrictEqual(yield* eventsFrom(keys.remove(key.id)), [])
      assert.isFalse(yield* keys.remove(newKeyId()))
    })
  )

  law(
    "there are never more than the bound, whatever runs at once, and a removed one makes room",
    Effect.gen(function* () {
      const keys = yield* SigningKeys
      yield* removeAll
      const outcomes = yield* Effect.forEach(
        Array.from({ length: APPLICATION_KEYS_MAX + 3 }, aKey),
        (key) => Effect.map(keys.add(key), ({ _tag }) => _tag),
        { concurrency: 5 }
      )
      assert.strictEqual(outcomes.filter((tag) => tag === "TooMany").length, 3)
      const [one] = (yield* keys.list).filter(({ issuer }) => issuer === "application")
      yield* keys.remove(one!.id)
      assert.strictEqual((yield* keys.add(aKey()))._tag, "Added")
      assert.strictEqual((yield* keys.add(aKey()))._tag, "TooMany")
    })
  )

  law(
    "the id of a removed key is not given again before no token can name it",
    Effect.gen(function* () {
      const [keys, tokens] = [yield* SigningKeys, yield* PlaybackTokens]
      const { age } = yield* BackDoor
      yield* removeAll
      const key = yield* added()
      const token = yield* aToken({ signingKeyId: key.id, issuer: "application" })
      yield* tokens.create(token)
      assert.strictEqual((yield* keys.add(key))._tag, "IdTaken")
      yield* keys.remove(key.id)
      assert.strictEqual((yield* keys.add(key))._tag, "IdTaken")
      assert.strictEqual((yield* Effect.exit(keys.rotate({ ...ownKey(), id: key.id }, 60)))._tag, "Failure")
      yield* age(SIGNING_KEY_ID_KEPT_DAYS - 1)
      assert.strictEqual((yield* keys.add(key))._tag, "IdTaken")
      yield* age(2)
      // The token is still there, and gone as long as its key's id is known.
      assert.strictEqual((yield* keys.add(key))._tag, "IdTaken")
      yield* tokens.prune(TOKENS_KEPT_DAYS, 1_000)
      assert.strictEqual((yield* keys.add(key))._tag, "Added")
      assert.isTrue(Option.isNone(yield* tokens.find(token.id)))
    })
  )
}

export const signingKeysLaws = (store: StoreUnderTest) =>
  contract("SigningKeys", store, (law, property) => {
    ownKeys(law, property)
    applicationKeys(law)
  })
