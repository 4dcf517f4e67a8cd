/** The laws of `StreamKeys`. */

import {
  type BroadcasterId,
  Broadcasters,
  ingestPath,
  type KeyStatus,
  keyStatus,
  keyStatuses,
  type PathLimitText,
  parseLimit,
  Sessions,
  type StreamKeyId,
  StreamKeys
} from "@greenroom/core"
import { DateTime, Effect, Exit, Option } from "effect"
import * as assert from "../assert.ts"
import { aBroadcaster, aKey, anOrder, aSession, expire, later, newId, newPath, now } from "../fixtures.ts"
import { contract, elapse, plain, type StoreUnderTest } from "./contract.ts"

const find = (id: StreamKeyId) => Effect.flatMap(StreamKeys, (keys) => Effect.map(keys.find(id), Option.getOrThrow))

const statusOf = (id: StreamKeyId) => Effect.map(find(id), ({ key, now }) => keyStatus(key, now))

export const streamKeysLaws = (store: StoreUnderTest) =>
  contract("StreamKeys", store, (law) => {
    law(
      "a key is found as it was issued: enabled, unused, not revoked",
      Effect.gen(function* () {
        const keys = yield* StreamKeys
        const expiresAt = later(yield* now, 3_600_000)
        const order = anOrder((yield* aBroadcaster()).id, { label: "Main camera", path: newPath(), expiresAt })
        const issued = yield* keys.issue(order)
        if (issued._tag !== "Issued") return assert.fail(issued._tag)
        const { hash: _, ...shown } = order
        const broadcaster = { displayName: "Studio", deleted: false }
        assert.deepStrictEqual(
          plain(issued.key),
          plain({
            ...shown,
            broadcaster,
            enabled: true,
            createdAt: issued.key.createdAt,
            revokedAt: null,
            revokesAt: null,
            rotatedTo: null,
            rotatedFrom: null,
            block: null,
            lastUsedAt: null,
            activeStreamId: null
          })
        )
        assert.deepStrictEqual(plain((yield* find(order.id)).key), plain(issued.key))
        assert.isTrue(DateTime.isGreaterThanOrEqualTo(issued.now, issued.key.createdAt))
        assert.isTrue(Option.isNone(yield* keys.find(newId<StreamKeyId>())))
      })
    )

    law(
      "a broadcaster that is unknown or was removed gets no key",
      Effect.gen(function* () {
        const keys = yield* StreamKeys
        assert.strictEqual((yield* keys.issue(anOrder(newId<BroadcasterId>())))._tag, "UnknownBroadcaster")
        const { id } = yield* aBroadcaster()
        yield* Effect.flatMap(Broadcasters, (broadcasters) => broadcasters.remove(id))
        const order = anOrder(id, { path: newPath() })
        assert.strictEqual((yield* keys.issue(order))._tag, "UnknownBroadcaster")
        assert.isTrue(Option.isNone(yield* keys.find(order.id)))
      })
    )

    law(
      "a key cannot begin expired, the very moment included",
      Effect.gen(function* () {
        const keys = yield* StreamKeys
        const { id } = yield* aBroadcaster()
        for (const expiresAt of [yield* now, later(yield* now, -1_000)]) {
          const order = anOrder(id, { expiresAt })
          assert.strictEqual((yield* keys.issue(order))._tag, "ExpiryInPast")
          assert.isTrue(Option.isNone(yield* keys.find(order.id)))
        }
      })
    )

    law(
      "two keys never have one hash",
      Effect.gen(function* () {
        const keys = yield* StreamKeys
        const first = yield* aKey()
        const { id } = yield* aBroadcaster()
        const second = anOrder(id, { hash: first.hash })
        assert.isTrue(Exit.isFailure(yield* Effect.exit(keys.issue(second))))
        assert.isTrue(Option.isNone(yield* keys.find(second.id)))
      })
    )

    law(
      "an exact path belongs to the broadcaster of the unrevoked keys that are limited to it",
      Effect.gen(function* () {
        const keys = yield* StreamKeys
        const path = newPath()
        const [mine, theirs] = [yield* aBroadcaster(), yield* aBroadcaster()]
        const own = [yield* aKey({ broadcasterId: mine.id, path }), yield* aKey({ broadcasterId: mine.id, path })]
        const asked = (limit: string) => keys.issue(anOrder(theirs.id, { path: limit as PathLimitText }))
        assert.strictEqual((yield* asked(path))._tag, "PathTaken")
        assert.strictEqual((yield* asked(`${path}/*`))._tag, "Issued")
        assert.strictEqual((yield* asked("live/**"))._tag, "Issued")
        yield* keys.change(own[0]!.id, { enabled: false })
        yield* keys.revoke(own[1]!.id)
        assert.strictEqual((yield* asked(path))._tag, "PathTaken")
        yield* keys.revoke(own[0]!.id)
        assert.strictEqual((yield* asked(path))._tag, "Issued")
      })
    )

    law(
      "the ingest path of a key belongs to its broadcaster until the key is revoked, whatever the key's limit",
      Effect.gen(function* () {
        const keys = yield* StreamKeys
        for (const limit of [null, "live/*", "live/**", "stage/a/*"]) {
          const [mine, theirs] = [yield* aBroadcaster(), yield* aBroadcaster()]
          const key = yield* aKey({ broadcasterId: mine.id, path: limit as PathLimitText | null })
          const path = ingestPath(limit === null ? null : parseLimit(limit), key.id) as PathLimitText
          const claim = (broadcasterId: BroadcasterId) => keys.issue(anOrder(broadcasterId, { path }))
          assert.strictEqual((yield* claim(theirs.id))._tag, "PathTaken")
          const alike = newId<StreamKeyId>()
          const twin = anOrder(theirs.id, {
            id: `${key.id.slice(0, 8)}${alike.slice(8)}` as StreamKeyId,
            path: key.key.path
          })
          assert.strictEqual((yield* keys.issue(twin))._tag, "PathTaken")
          const own = yield* claim(mine.id)
          if (own._tag !== "Issued") return assert.fail(own._tag)
          yield* keys.revoke(key.id)
          assert.strictEqual((yield* claim(theirs.id))._tag, "PathTaken")
          yield* keys.revoke(own.key.id)
          assert.strictEqual((yield* claim(theirs.id))._tag, "Issued")
        }
      })
    )

    law(
      "of two broadcasters who ask for one exact path twenty times at once, one gets every key and the other none",
      Effect.gen(function* () {
        const keys = yield* StreamKeys
        for (let round = 0; round < 5; round++) {
          const [one, other] = [yield* aBroadcaster(), yield* aBroadcaster()]
          const path = newPath()
          const outcomes = yield* Effect.forEach(
            Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? one.id : other.id)),
            (id) => Effect.map(keys.issue(anOrder(id, { path })), ({ _tag }) => ({ id, _tag })),
            { concurrency: "unbounded" }
          )
          const winner = outcomes.find(({ _tag }) => _tag === "Issued")?.id
          assert.isDefined(winner)
          for (const { id, _tag } of outcomes) assert.strictEqual(_tag, id === winner ? "Issued" : "PathTaken")
        }
      })
    )

    law(
      "a key stays revoked as of the first time, and changes no more",
      Effect.gen(function* () {
        const keys = yield* StreamKeys
        const { id } = yield* aKey({ label: "before" })
        const first = Option.getOrThrow(yield* keys.revoke(id))
        assert.isNotNull(first.key.revokedAt)
        yield* elapse(5)
        const second = Option.getOrThrow(yield* keys.revoke(id))
        assert.deepStrictEqual(plain(second.key), plain(first.key))
        for (const changes of [
          { label: "after" },
          { enabled: false },
          { expiresAt: null },
          { expiresAt: first.now },
          {}
        ]) {
          assert.strictEqual((yield* keys.change(id, changes))._tag, "Revoked")
        }
        assert.deepStrictEqual(plain((yield* find(id)).key), plain(first.key))
        assert.isTrue(Option.isNone(yield* keys.revoke(newId<StreamKeyId>())))
      })
    )

    law(
      "a change touches what is given",
      Effect.gen(function* () {
        const keys = yield* StreamKeys
        const { id, key } = yield* aKey({ label: "before", path: newPath() })
        const changed = Effect.fnUntraced(function* (changes: Parameters<typeof keys.change>[1]) {
          const outcome = yield* keys.change(id, changes)
          if (outcome._tag !== "Changed") return assert.fail(outcome._tag)
          assert.deepStrictEqual(plain((yield* find(id)).key), plain(outcome.key))
          return outcome.key
        })
        assert.deepStrictEqual(plain(yield* changed({})), plain(key))
        assert.deepStrictEqual(plain(yield* changed({ label: "after" })), plain({ ...key, label: "after" }))
        assert.deepStrictEqual(plain(yield* changed({ label: null })), plain({ ...key, label: null }))
        const expiresAt = later(yield* now, 60_000)
        assert.deepStrictEqual(plain(yield* changed({ expiresAt })), plain({ ...key, label: null, expiresAt }))
        assert.isFalse((yield* changed({ enabled: false })).enabled)
        assert.deepStrictEqual(
          plain(yield* changed({ enabled: true, expiresAt: null })),
          plain({ ...key, label: null })
        )
        assert.strictEqual((yield* keys.change(id, { expiresAt: yield* now, label: "no" }))._tag, "ExpiryInPast")
        assert.deepStrictEqual(plain((yield* find(id)).key), plain({ ...key, label: null }))
        assert.strictEqual((yield* keys.change(newId<StreamKeyId>(), {}))._tag, "NotFound")
      })
    )

    law(
      "a key is in use from its admission to the end of its session, and remembers when it was used last",
      Effect.gen(function* () {
        const sessions = yield* Sessions
        const key = yield* aKey()
        const session = yield* aSession({}, key)
        const used = yield* find(key.id)
        assert.strictEqual(used.key.activeStreamId, session.id)
        assert.strictEqual(keyStatus(used.key, used.now), "in_use")
        assert.isNotNull(used.key.lastUsedAt)
        yield* sessions.end([session.id], "left", null)
        const idle = yield* find(key.id)
        assert.isNull(idle.key.activeStreamId)
        assert.deepStrictEqual(plain(idle.key.lastUsedAt), plain(used.key.lastUsedAt))
        yield* elapse(5)
        const next = yield* aSession({}, key)
        const again = yield* find(key.id)
        assert.strictEqual(again.key.activeStreamId, next.id)
        assert.isTrue(DateTime.isGreaterThan(again.key.lastUsedAt!, used.key.lastUsedAt!))
        yield* sessions.requestStop(next.id, "superseded", null)
        assert.isNull((yield* find(key.id)).key.activeStreamId)
      })
    )

    law(
      "the list knows a key by the first status that holds, as the domain does",
      Effect.gen(function* () {
        const keys = yield* StreamKeys
        const { id: broadcasterId } = yield* aBroadcaster()
        const order = { broadcasterId }
        const expiring = [yield* aKey(order), yield* aKey(order)]
        const expected = new Map<StreamKeyId, KeyStatus>()
        for (const disabled of [false, true]) {
          for (const revoked of [false, true]) {
            for (const used of [false, true]) {
              const key = yield* aKey(order)
              if (used) yield* aSession({}, key)
              if (disabled) yield* keys.change(key.id, { enabled: false })
              if (revoked) yield* keys.revoke(key.id)
              expected.set(key.id, revoked ? "revoked" : disabled ? "disabled" : used ? "in_use" : "active")
            }
          }
        }
        yield* keys.change(expiring[1]!.id, { enabled: false })
        for (const { id } of expiring) {
          yield* expire(id)
          expected.set(id, "expired")
        }
        for (const [id, status] of expected) assert.strictEqual(yield* statusOf(id), status)
        for (const status of keyStatuses) {
          const page = yield* keys.list({ broadcasterId, status: [status] }, { limit: null, after: null })
          assert.deepStrictEqual(
            new Set(page.items.map(({ id }) => id)),
            new Set([...expected].filter(([, is]) => is === status).map(([id]) => id))
          )
          assert.isTrue(page.items.every((key) => keyStatus(key, page.now) === status))
          assert.strictEqual(yield* keys.count({ broadcasterId, status: [status] }), page.items.length)
        }
        const all = yield* keys.list({ broadcasterId }, { limit: null, after: null })
        assert.strictEqual(all.items.length, expected.size)
        const some = yield* keys.list({ broadcasterId, status: ["in_use", "revoked"] }, { limit: null, after: null })
        assert.isTrue(some.items.every(({ id }) => ["in_use", "revoked"].includes(expected.get(id)!)))
        assert.strictEqual(yield* keys.count({ broadcasterId }), expected.size)
        assert.strictEqual(yield* keys.count({ broadcasterId, status: ["in_use", "revoked"] }), some.items.length)
        assert.strictEqual(yield* keys.count({ broadcasterId, status: [] }), 0)
        const none = yield* keys.list({ broadcasterId: newId<BroadcasterId>() }, { limit: 10, after: null })
        assert.deepStrictEqual([none.items, none.next], [[], null])
      })
    )

    law(
      "keys of a deleted broadcaster show that, and are left out where that is asked for",
      Effect.gen(function* () {
        const keys = yield* StreamKeys
        const [gone, there] = [yield* aKey(), yield* aKey()]
        yield* keys.revoke(there.id)
        yield* Effect.flatMap(Broadcasters, (broadcasters) => broadcasters.remove(gone.key.broadcasterId))
        const ofBoth = [gone, there].map(({ key }) => key.broadcasterId)
        for (const [index, broadcasterId] of ofBoth.entries()) {
          const all = yield* keys.list({ broadcasterId }, { limit: 10, after: null })
          assert.deepStrictEqual(
            all.items.map(({ broadcaster }) => broadcaster.deleted),
            [index === 0]
          )
          const left = yield* keys.list({ broadcasterId, ofDeleted: false }, { limit: 10, after: null })
          assert.strictEqual(left.items.length, index)
          assert.strictEqual(yield* keys.count({ broadcasterId, ofDeleted: false }), index)
          assert.strictEqual(yield* keys.count({ broadcasterId, ofDeleted: true }), 1)
          assert.strictEqual((yield* find([gone, there][index]!.id)).key.broadcaster.deleted, index === 0)
        }
      })
    )

    law(
      "pages of a filtered list neither skip nor repeat, and end",
      Effect.gen(function* () {
        const keys = yield* StreamKeys
        const { id: broadcasterId } = yield* aBroadcaster()
        const mine: Array<StreamKeyId> = []
        for (let index = 0; index < 21; index++) {
          const { id } = yield* aKey({ broadcasterId })
          if (index % 3 === 0) yield* keys.revoke(id)
          else mine.push(id)
        }
        for (const limit of [1, 3, 7, 14, 15]) {
          const seen: Array<StreamKeyId> = []
          const filter = { broadcasterId, status: ["active"] as const }
          let page = yield* keys.list(filter, { limit, after: null })
          while (true) {
            seen.push(...page.items.map(({ id }) => id))
            if (page.next === null) break
            page = yield* keys.list(filter, { limit, after: page.next })
            assert.isAbove(page.items.length, 0)
          }
          assert.strictEqual(seen.length, mine.length)
          assert.deepStrictEqual(new Set(seen), new Set(mine))
        }
      })
    )
  })
