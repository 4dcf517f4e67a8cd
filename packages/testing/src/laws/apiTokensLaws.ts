/** The laws of `ApiTokens`. */
import { randomBytes } from "node:crypto"
import {
  API_TOKENS_MAX,
  type ApiToken,
  type ApiTokenId,
  ApiTokens,
  type BroadcasterId,
  Broadcasters,
  LAST_USED_STEP_MS,
  type NewApiToken
} from "@greenroom/core"
import { Effect, Option } from "effect"
import * as assert from "../assert.ts"
import { aBroadcaster, later, newId, now } from "../fixtures.ts"
import { BackDoor, contract, elapse, plain, type StoreUnderTest } from "./contract.ts"

const aToken = (more: Partial<NewApiToken> = {}): NewApiToken => ({
  id: newId<ApiTokenId>(),
  hash: new Uint8Array(randomBytes(32)),
  name: "dashboard",
  scopes: ["streams:read"],
  broadcasterId: null,
  expiresAt: null,
  ...more
})

const created = Effect.fnUntraced(function* (token: NewApiToken) {
  const tokens = yield* ApiTokens
  const outcome = yield* tokens.create(token)
  return outcome._tag === "Created" ? outcome.token : assert.fail(`not created: ${outcome._tag}`)
})

const idOf = (found: Option.Option<ApiToken>) => Option.getOrNull(Option.map(found, ({ id }) => id))

export const apiTokensLaws = (store: StoreUnderTest) =>
  contract("ApiTokens", store, (law) => {
    law(
      "a token is found by its hash and its id, as it was created",
      Effect.gen(function* () {
        const tokens = yield* ApiTokens
        const broadcasterId = (yield* aBroadcaster()).id
        const { hash, ...fields } = aToken({ broadcasterId, scopes: ["keys:write", "events:read"] })
        const token = yield* created({ ...fields, hash })
        assert.deepStrictEqual(plain({ ...token, ...fields }), plain(token))
        assert.isNull(token.lastUsedAt)
        assert.deepStrictEqual(plain(yield* tokens.find(fields.id)), plain(Option.some(token)))
        assert.strictEqual(idOf(yield* tokens.authenticate(hash)), fields.id)
        assert.strictEqual(idOf(yield* tokens.authenticateId(fields.id)), fields.id)
        assert.isNull(idOf(yield* tokens.authenticate(new Uint8Array(32))))
      })
    )

    law(
      "two tokens never have one hash",
      Effect.gen(function* () {
        const tokens = yield* ApiTokens
        const token = aToken()
        yield* created(token)
        const twice = yield* Effect.exit(tokens.create({ ...token, id: newId<ApiTokenId>() }))
        assert.strictEqual(twice._tag, "Failure")
        assert.strictEqual(idOf(yield* tokens.authenticate(token.hash)), token.id)
      })
    )

    law(
      "a use is recorded at most once in the step, whatever runs at once",
      Effect.gen(function* () {
        const tokens = yield* ApiTokens
        const { age } = yield* BackDoor
        const token = yield* created(aToken())
        yield* Effect.forEach([1, 2, 3, 4], () => tokens.authenticateId(token.id), { concurrency: 4, discard: true })
        const first = Option.getOrThrow(yield* tokens.find(token.id)).lastUsedAt
        assert.isNotNull(first)
        yield* elapse(5)
        yield* tokens.authenticateId(token.id)
        assert.deepStrictEqual(plain(Option.getOrThrow(yield* tokens.find(token.id)).lastUsedAt), plain(first))
        yield* age(1)
        assert.isAbove(86_400_000, LAST_USED_STEP_MS)
        const aged = Option.getOrThrow(yield* tokens.find(token.id)).lastUsedAt
        yield* tokens.authenticateId(token.id)
        const usedAgain = Option.getOrThrow(yield* tokens.find(token.id)).lastUsedAt
        assert.notStrictEqual(String(usedAgain), String(aged))
      })
    )

    law(
      "a token that expired, was removed, or whose broadcaster was deleted authenticates nobody",
      Effect.gen(function* () {
        const tokens = yield* ApiTokens
        const broadcaster = yield* aBroadcaster()
        const limited = yield* created(aToken({ broadcasterId: broadcaster.id }))
        const removed = yield* created(aToken())
        const short = yield* created(aToken({ expiresAt: later(yield* now, 2_000) }))
        yield* (yield* Broadcasters).remove(broadcaster.id)
        assert.isTrue(yield* tokens.remove(removed.id))
        assert.isFalse(yield* tokens.remove(removed.id))
        yield* elapse(2_000)
        for (const { id } of [limited, removed, short]) assert.isNull(idOf(yield* tokens.authenticateId(id)))
        assert.isNull(idOf(yield* tokens.find(removed.id)))
        const extended = yield* tokens.change(short.id, { expiresAt: null })
        assert.strictEqual(extended._tag, "Changed")
        assert.strictEqual(idOf(yield* tokens.authenticateId(short.id)), short.id)
      })
    )

    law(
      "an unknown or deleted broadcaster and an expiry in the past are refused, and nothing is written",
      Effect.gen(function* () {
        const tokens = yield* ApiTokens
        const gone = yield* aBroadcaster()
        yield* (yield* Broadcasters).remove(gone.id)
        const past = later(yield* now, -1)
        const tag = (token: NewApiToken) => Effect.map(tokens.create(token), ({ _tag }) => _tag)
        const unknown = aToken({ broadcasterId: newId<BroadcasterId>() })
        assert.strictEqual(yield* tag(unknown), "UnknownBroadcaster")
        assert.strictEqual(yield* tag(aToken({ broadcasterId: gone.id })), "UnknownBroadcaster")
        assert.strictEqual(yield* tag(aToken({ expiresAt: past })), "ExpiryInPast")
        assert.isNull(idOf(yield* tokens.find(unknown.id)))
        const token = yield* created(aToken({ name: "before" }))
        assert.strictEqual((yield* tokens.change(token.id, { name: "after", expiresAt: past }))._tag, "ExpiryInPast")
        assert.strictEqual(Option.getOrThrow(yield* tokens.find(token.id)).name, "before")
        assert.strictEqual((yield* tokens.change(newId<ApiTokenId>(), { name: "after" }))._tag, "NotFound")
      })
    )

    law(
      "a change touches what is given",
      Effect.gen(function* () {
        const tokens = yield* ApiTokens
        const token = yield* created(aToken({ expiresAt: later(yield* now, 100_000) }))
        const changed = yield* tokens.change(token.id, { name: "wall", scopes: ["admin"] })
        assert.deepStrictEqual(
          plain(changed),
          plain({ _tag: "Changed", token: { ...token, name: "wall", scopes: ["admin"] } })
        )
        assert.deepStrictEqual(
          plain(yield* tokens.find(token.id)),
          plain(Option.some({ ...token, name: "wall", scopes: ["admin"] }))
        )
      })
    )

    law(
      "pages are ordered newest first, and may have one broadcaster's tokens alone",
      Effect.gen(function* () {
        const tokens = yield* ApiTokens
        const broadcasterId = (yield* aBroadcaster()).id
        const mine: Array<string> = []
        for (let index = 0; index < 5; index++) {
          mine.unshift((yield* created(aToken({ broadcasterId }))).id)
          yield* created(aToken())
          yield* elapse(2)
        }
        const first = yield* tokens.list({ broadcasterId }, { limit: 3, after: null })
        const rest = yield* tokens.list({ broadcasterId }, { limit: 3, after: first.next })
        assert.deepStrictEqual(
          [...first.items, ...rest.items].map(({ id }) => id as string),
          mine
        )
        assert.isNull(rest.next)
        const all = yield* tokens.list({}, { limit: null, after: null })
        assert.isAtLeast(all.items.length, 10)
      })
    )

    law(
      "there are never more than the bound, whatever runs at once",
      Effect.gen(function* () {
        const tokens = yield* ApiTokens
        const { items } = yield* tokens.list({}, { limit: null, after: null })
        const free = API_TOKENS_MAX - items.length
        const outcomes = yield* Effect.forEach(
          Array.from({ length: free + 4 }),
          () => Effect.map(tokens.create(aToken()), ({ _tag }) => _tag),
          { concurrency: 4 }
        )
        assert.strictEqual(outcomes.filter((tag) => tag === "TooMany").length, 4)
        assert.strictEqual((yield* tokens.list({}, { limit: null, after: null })).items.length, API_TOKENS_MAX)
      })
    )
  })
