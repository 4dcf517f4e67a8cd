/** The laws of `AuthDecisions`: each decision once, newest first, found by its filters, and the oldest pruned. */
import { randomUUID } from "node:crypto"
import {
  AuthDecisions,
  type DecisionFilter,
  type DecisionId,
  type DecisionWrite,
  type Page,
  type Position,
  type RecordedDecision,
  StreamKeys
} from "@greenroom/core"
import { DateTime, Effect } from "effect"
import * as assert from "../assert.ts"
import { aKey, newId, newPath, now } from "../fixtures.ts"
import { contract, plain, type StoreUnderTest } from "./contract.ts"

const aDecision = (decision: Partial<DecisionWrite> = {}): DecisionWrite => ({
  id: newId<DecisionId>(),
  count: 1,
  ageMillis: 0,
  lastAgeMillis: 0,
  instance: "one",
  action: "publish",
  path: newPath(),
  protocol: "rtmp",
  ip: "192.0.2.7",
  userAgent: 'FMLE/3.0 (compatible; it\'s "a" \\ test; 日本)',
  outcome: "refuse",
  reason: "invalid_stream_key",
  rule: "invalid_stream_key",
  detail: "No such stream key",
  facts: null,
  keyPrefix: "sk_abcd",
  streamKeyId: null,
  streamId: null,
  ...decision
})

const append = (...batch: ReadonlyArray<DecisionWrite>) =>
  Effect.flatMap(AuthDecisions, (decisions) => decisions.append(batch))

const listed = (filter: DecisionFilter) =>
  Effect.flatMap(AuthDecisions, (decisions) =>
    Effect.map(decisions.list(filter, { limit: null, after: null }), ({ items }) => items)
  )

const idsOf = (decisions: ReadonlyArray<Pick<RecordedDecision, "id">>) => decisions.map(({ id }) => id)

const found = (filter: DecisionFilter) => Effect.map(listed(filter), idsOf)

const contentOf = ({ id: _, count: __, ageMillis: ___, lastAgeMillis: ____, ...content }: DecisionWrite) => content

export const authDecisionsLaws = (store: StoreUnderTest) =>
  contract("AuthDecisions", store, (law) => {
    law(
      "a decision is what was written, at its age before the store's clock",
      Effect.gen(function* () {
        const at = DateTime.makeUnsafe("2026-11-21T01:33:14.640Z")
        const facts = {
          key: { id: newId<never>(), status: "expired", path: "live/*", expiresAt: at, revokedAt: null },
          heldBy: [
            { streamId: newId<never>(), path: "live/a", protocol: "srt", since: at, stopping: true, sameKey: false }
          ],
          pathOwnedByOther: true
        } as const
        const decision = aDecision({ facts, ageMillis: 5_000, lastAgeMillis: 2_000, count: 3 })
        const before = yield* now
        yield* append(decision)
        const after = yield* now
        const [kept, ...others] = yield* listed({ path: decision.path! })
        assert.strictEqual(others.length, 0)
        const { id, count, at: first, lastAt, broadcasterId, ...content } = kept!
        assert.deepStrictEqual([id, count, broadcasterId], [decision.id, 3, null])
        assert.deepStrictEqual(plain(content), plain(contentOf(decision)))
        const isBetween = (time: DateTime.Utc, age: number) => {
          const millis = time.epochMilliseconds + age
          assert.isTrue(millis >= before.epochMilliseconds && millis <= after.epochMilliseconds, `age ${age}`)
        }
        isBetween(first, 5_000)
        isBetween(lastAt, 2_000)
      })
    )

    law(
      "a decision that was written is counted up, and changes in nothing else; a batch that is repeated changes nothing",
      Effect.gen(function* () {
        const decision = aDecision({ ageMillis: 4_000, lastAgeMillis: 4_000 })
        const other = aDecision({ path: decision.path, ageMillis: 9_000 })
        yield* append(decision, other)
        const [first] = yield* listed({ path: decision.path! })
        yield* append({ ...decision, count: 7, lastAgeMillis: 1_000, detail: "Another", ip: "198.51.100.1" })
        const counted = yield* listed({ path: decision.path! })
        assert.deepStrictEqual(idsOf(counted), [decision.id, other.id])
        const { count, lastAt, ...rest } = counted[0]!
        const { count: _, lastAt: firstAt, ...restOfFirst } = first!
        assert.deepStrictEqual(plain(rest), plain(restOfFirst))
        assert.strictEqual(count, 7)
        assert.isAbove(lastAt.epochMilliseconds, firstAt.epochMilliseconds)
        yield* append(decision, { ...decision, count: 7, lastAgeMillis: 0 }, other)
        assert.deepStrictEqual(plain(yield* listed({ path: decision.path! })), plain(counted))
        yield* append()
      })
    )

    law(
      "a decision about a key belongs to the key's broadcaster, also when the key is revoked",
      Effect.gen(function* () {
        const [one, two] = [yield* aKey(), yield* aKey()]
        const keys = yield* StreamKeys
        yield* keys.revoke(two.id)
        const [ofOne, ofTwo] = [aDecision({ streamKeyId: one.id }), aDecision({ streamKeyId: two.id })]
        const ofUnknown = aDecision({ streamKeyId: newId<never>() })
        yield* append(ofOne, ofTwo, ofUnknown)
        assert.deepStrictEqual(yield* found({ broadcasterId: one.key.broadcasterId }), [ofOne.id])
        assert.deepStrictEqual(yield* found({ broadcasterId: two.key.broadcasterId }), [ofTwo.id])
        const [unknown] = yield* listed({ path: ofUnknown.path! })
        assert.isNull(unknown!.broadcasterId)
      })
    )

    law(
      "each filter finds what it names, and all of them together what fits each",
      Effect.gen(function* () {
        const ip = `2001:db8::${randomUUID().slice(0, 4)}`
        const refused = aDecision({ ip, ageMillis: 60_000, lastAgeMillis: 1_000, count: 2 })
        const inUse = aDecision({ ip, reason: "stream_key_in_use", rule: "stream_key_in_use", keyPrefix: "sk_wxyz" })
        const old = aDecision({ ip, ageMillis: 60_000, lastAgeMillis: 60_000 })
        const allowed = aDecision({
          ip,
          outcome: "allow",
          reason: null,
          rule: "admitted",
          keyPrefix: null,
          path: null,
          protocol: null,
          userAgent: null,
          streamId: newId<never>()
        })
        yield* append(refused, inUse, old, allowed)
        const finds = (filter: DecisionFilter, ...expected: ReadonlyArray<DecisionWrite>) =>
          Effect.map(found({ ip, ...filter }), (ids) =>
            assert.deepStrictEqual(ids.toSorted(), idsOf(expected).toSorted(), JSON.stringify(filter))
          )
        const since = DateTime.add(yield* now, { milliseconds: -30_000 })
        yield* finds({}, refused, inUse, old, allowed)
        yield* finds({ path: refused.path! }, refused)
        yield* finds({ keyPrefix: "sk_wxyz" }, inUse)
        yield* finds({ reasons: ["invalid_stream_key"] }, refused, old)
        yield* finds({ reasons: ["invalid_stream_key", "stream_key_in_use"] }, refused, inUse, old)
        yield* finds({ outcomes: ["allow"] }, allowed)
        yield* finds({ outcomes: ["allow", "refuse"] }, refused, inUse, old, allowed)
        yield* finds({ outcomes: ["unavailable"] })
        yield* finds({ since }, refused, inUse, allowed)
        yield* finds({ since, keyPrefix: "sk_abcd", path: refused.path!, outcomes: ["refuse"] }, refused)
        yield* finds({ since, keyPrefix: "sk_wxyz", path: refused.path! })
        yield* finds({ ip: "192.0.2.99" })
      })
    )

    law(
      "pages are newest first, and have each decision once, also those of one moment",
      Effect.gen(function* () {
        const decisions = yield* AuthDecisions
        const path = newPath()
        const batch = Array.from({ length: 25 }, (_, nth) => aDecision({ path, ageMillis: (nth >> 2) * 10 }))
        yield* append(...batch)
        const whole = yield* listed({ path })
        const isBefore = (a: RecordedDecision, b: RecordedDecision) =>
          a.at.epochMilliseconds > b.at.epochMilliseconds ||
          (a.at.epochMilliseconds === b.at.epochMilliseconds && a.id > b.id)
        for (const [nth, decision] of whole.entries())
          if (nth > 0) assert.isTrue(isBefore(whole[nth - 1]!, decision), `the ${nth}th is out of order`)
        const paged: Array<RecordedDecision> = []
        let after: Position | null = null
        do {
          const page: Page<RecordedDecision> = yield* decisions.list({ path }, { limit: 7, after })
          assert.isTrue(page.items.length <= 7)
          paged.push(...page.items)
          after = page.next
        } while (after !== null)
        assert.deepStrictEqual(idsOf(paged), idsOf(whole))
        assert.strictEqual(new Set(idsOf(paged)).size, batch.length)
      })
    )

    law(
      "pruning leaves the newest, in any order of writing, and finds nothing more to delete",
      Effect.gen(function* () {
        const decisions = yield* AuthDecisions
        const batch = Array.from({ length: 12 }, (_, nth) => aDecision({ ageMillis: ((nth * 5) % 12) * 100 }))
        yield* append(...batch)
        const all = yield* found({})
        assert.isTrue(all.length >= 12)
        assert.strictEqual(yield* decisions.prune(all.length), 0)
        assert.strictEqual(yield* decisions.prune(5), all.length - 5)
        assert.deepStrictEqual(yield* found({}), all.slice(0, 5))
        assert.strictEqual(yield* decisions.prune(5), 0)
        assert.strictEqual(yield* decisions.prune(0), 5)
        assert.deepStrictEqual(yield* found({}), [])
      })
    )
  })
