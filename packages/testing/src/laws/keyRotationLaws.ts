/** The laws of `StreamKeys` and `Admissions` about keys that are rotated, and blocked on a path. */
import {
  Admissions,
  activeBlock,
  Broadcasters,
  Events,
  ingestPath,
  keyStatus,
  type PathLimitText,
  parseLimit,
  type RotateOutcome,
  Sessions,
  type StreamKeyId,
  StreamKeys
} from "@greenroom/core"
import { DateTime, Effect, Option } from "effect"
import * as assert from "../assert.ts"
import {
  aBroadcaster,
  admit,
  aKey,
  anAsk,
  anOrder,
  aSession,
  aSuccessor,
  expire,
  type Key,
  later,
  newId,
  newPath,
  now,
  stateOf
} from "../fixtures.ts"
import { type AddLaw, contract, elapse, plain, type StoreUnderTest } from "./contract.ts"
import { refused } from "./refused.ts"

const find = (id: StreamKeyId) => Effect.flatMap(StreamKeys, (keys) => Effect.map(keys.find(id), Option.getOrThrow))

/** The new key of a key that was rotated. */
const rotated = Effect.fnUntraced(function* (old: { readonly id: StreamKeyId }, overlapSeconds: number) {
  const keys = yield* StreamKeys
  const successor = aSuccessor(old.id, overlapSeconds)
  const outcome = yield* keys.rotate(old.id, successor)
  if (outcome._tag !== "Rotated") return assert.fail(outcome._tag)
  const key: Key = { key: outcome.key, now: outcome.now, id: successor.id, hash: successor.hash }
  return key
})

const ingestOf = ({ id, key }: Key): string => ingestPath(key.path === null ? null : parseLimit(key.path), id)

const isAdmitted = (key: Key, path: string) => Effect.map(admit(anAsk(key, { path })), Option.isSome)

const grantLaws = (law: AddLaw) => {
  law(
    "a rotation gives a new key for the same grant and ingest path; the old one keeps publishing, and both show it",
    Effect.gen(function* () {
      const keys = yield* StreamKeys
      for (const path of [null, "live/*", newPath()]) {
        const expiresAt = later(yield* now, 3_600_000)
        const old = yield* aKey({ label: "Main camera", path: path as PathLimitText | null, expiresAt })
        yield* keys.change(old.id, { enabled: false })
        const disabled = yield* rotated(old, 600)
        assert.isFalse(disabled.key.enabled)
        yield* keys.change(old.id, { enabled: true })
        yield* keys.change(disabled.id, { enabled: true })
        const fresh = (yield* find(disabled.id)).key
        const { key, now: at } = yield* find(old.id)
        assert.strictEqual(ingestOf(disabled), ingestOf(old))
        assert.deepStrictEqual(
          plain(fresh),
          plain({
            ...old.key,
            id: disabled.id,
            keyPrefix: "sk_efgh",
            createdAt: fresh.createdAt,
            rotatedFrom: old.id
          })
        )
        const end = later(fresh.createdAt, 600_000)
        assert.deepStrictEqual(plain(key), plain({ ...old.key, rotatedTo: disabled.id, revokesAt: end }))
        assert.strictEqual(keyStatus(key, at), "active")
        for (const each of [old, disabled]) {
          const session = yield* aSession({ path: ingestOf(old) }, each)
          yield* Effect.flatMap(Sessions, (sessions) => sessions.end([session.id], "left", null))
        }
      }
    })
  )

  law(
    "without an overlap the old key is revoked as of the rotation",
    Effect.gen(function* () {
      const old = yield* aKey({ path: newPath() })
      const session = yield* aSession({ path: ingestOf(old) }, old)
      const fresh = yield* rotated(old, 0)
      const { key } = yield* find(old.id)
      assert.deepStrictEqual(plain([key.revokedAt, key.revokesAt]), plain([fresh.key.createdAt, null]))
      yield* refused(anAsk(old), "stream_key_revoked")
      yield* Effect.flatMap(Sessions, (sessions) => sessions.requestStopsForInvalidKeys)
      assert.strictEqual((yield* stateOf(session.id)).ending?.reason, "revoked")
    })
  )

  law(
    "a key that is unknown, revoked, expired or rotated, or whose predecessor still publishes, is not rotated, and nothing is written",
    Effect.gen(function* () {
      const keys = yield* StreamKeys
      const refuses = Effect.fnUntraced(function* (id: StreamKeyId, expected: RotateOutcome) {
        const successor = aSuccessor(id, 60)
        assert.deepStrictEqual(yield* keys.rotate(id, successor), expected)
        assert.isTrue(Option.isNone(yield* keys.find(successor.id)))
      })
      yield* refuses(newId<StreamKeyId>(), { _tag: "NotFound" })
      const revoked = yield* aKey()
      yield* keys.revoke(revoked.id)
      yield* refuses(revoked.id, { _tag: "Revoked" })
      const expired = yield* aKey()
      yield* expire(expired.id)
      yield* refuses(expired.id, { _tag: "Expired" })
      const old = yield* aKey()
      const fresh = yield* rotated(old, 600)
      yield* refuses(old.id, { _tag: "RotatedAlready", to: fresh.id })
      yield* refuses(fresh.id, { _tag: "OverlapRuns", of: old.id })
      yield* keys.change(old.id, { enabled: false })
      yield* refuses(fresh.id, { _tag: "OverlapRuns", of: old.id })
      yield* keys.revoke(old.id)
      yield* refuses(old.id, { _tag: "Revoked" })
      yield* rotated(fresh, 0)
      yield* refuses(fresh.id, { _tag: "Revoked" })
      const theirs = yield* aKey()
      yield* Effect.flatMap(Broadcasters, (broadcasters) => broadcasters.remove(theirs.key.broadcasterId))
      yield* refuses(theirs.id, { _tag: "Revoked" })
    })
  )

  law(
    "of ten rotations of a key at once one succeeds",
    Effect.gen(function* () {
      const keys = yield* StreamKeys
      const old = yield* aKey()
      const outcomes = yield* Effect.forEach(
        Array.from({ length: 10 }),
        () => keys.rotate(old.id, aSuccessor(old.id, 60)),
        { concurrency: "unbounded" }
      )
      const made = outcomes.flatMap((outcome) => (outcome._tag === "Rotated" ? [outcome.key.id] : []))
      assert.strictEqual(made.length, 1)
      for (const outcome of outcomes)
        if (outcome._tag !== "Rotated") assert.deepStrictEqual(outcome, { _tag: "RotatedAlready", to: made[0]! })
    })
  )

  law(
    "of a deletion of a broadcaster and rotations of its keys at once, no key is left that is valid",
    Effect.gen(function* () {
      const keys = yield* StreamKeys
      const broadcasters = yield* Broadcasters
      for (let round = 0; round < 5; round++) {
        const { id: broadcasterId } = yield* aBroadcaster()
        const old = yield* Effect.forEach(Array.from({ length: 4 }), () => aKey({ broadcasterId }))
        const rotations = old.map(({ id }) => keys.rotate(id, aSuccessor(id, 60)))
        yield* Effect.all([...rotations, broadcasters.remove(broadcasterId)], { concurrency: "unbounded" })
        const { items, now: at } = yield* keys.list({ broadcasterId }, { limit: null, after: null })
        assert.deepStrictEqual(new Set(items.map((key) => keyStatus(key, at))), new Set(["revoked"]))
      }
    })
  )

  law(
    "the ingest path stays the broadcaster's through a rotation, and until both keys are revoked",
    Effect.gen(function* () {
      const keys = yield* StreamKeys
      for (const [limit, overlap] of [
        [null, 0],
        ["live/*", 60],
        [newPath(), 0]
      ] as const) {
        const old = yield* aKey({ path: limit as PathLimitText | null })
        const path = ingestOf(old) as PathLimitText
        const theirs = (yield* aBroadcaster()).id
        const claim = Effect.map(
          Effect.suspend(() => keys.issue(anOrder(theirs, { path }))),
          ({ _tag }) => _tag
        )
        const fresh = yield* rotated(old, overlap)
        assert.strictEqual(yield* claim, "PathTaken")
        yield* keys.revoke(old.id)
        assert.strictEqual(yield* claim, "PathTaken")
        yield* keys.revoke(fresh.id)
        assert.strictEqual(yield* claim, "Issued")
      }
    })
  )
}

const overlapLaws = (law: AddLaw) => {
  law(
    "the old key admits until the end of the overlap and not from then on, and its session must stop; its revocation is of that moment",
    Effect.gen(function* () {
      const keys = yield* StreamKeys
      const sessions = yield* Sessions
      const old = yield* aKey()
      const session = yield* aSession({}, old)
      const fresh = yield* rotated(old, 1)
      const { key } = yield* find(old.id)
      const end = key.revokesAt!
      yield* sessions.requestStopsForInvalidKeys
      if (DateTime.isLessThan(yield* now, end)) assert.isNull((yield* stateOf(session.id)).ending)
      yield* elapse(1_000)
      yield* refused(anAsk(old), "stream_key_revoked")
      yield* sessions.requestStopsForInvalidKeys
      assert.strictEqual((yield* stateOf(session.id)).ending?.reason, "revoked")
      const listed = Effect.fnUntraced(function* (status: "revoked" | "active") {
        const filter = { broadcasterId: old.key.broadcasterId, status: [status] }
        return (yield* keys.list(filter, { limit: null, after: null })).items.map(({ id }) => id)
      })
      const change = keys.change(old.id, { label: "late" })
      for (let time = 0; time < 2; time++) {
        const at = yield* find(old.id)
        assert.strictEqual(keyStatus(at.key, at.now), "revoked")
        assert.deepStrictEqual([yield* listed("revoked"), yield* listed("active")], [[old.id], [fresh.id]])
        assert.strictEqual((yield* change)._tag, "Revoked")
        assert.deepStrictEqual(yield* keys.rotate(old.id, aSuccessor(old.id, 0)), { _tag: "Revoked" })
        // Before and after the moment has been written.
        yield* Effect.flatMap(Events, (events) => events.place(1_000))
      }
      assert.deepStrictEqual(plain((yield* find(old.id)).key.revokedAt), plain(end))
      yield* keys.revoke(old.id)
      assert.deepStrictEqual(plain((yield* find(old.id)).key.revokedAt), plain(end))
      yield* aSession({}, fresh)
    })
  )

  law(
    "an old key that is revoked before its overlap ends stays revoked as of then",
    Effect.gen(function* () {
      const keys = yield* StreamKeys
      const old = yield* aKey()
      yield* rotated(old, 1)
      const { key } = Option.getOrThrow(yield* keys.revoke(old.id))
      assert.isTrue(DateTime.isLessThanOrEqualTo(key.revokedAt!, (yield* find(old.id)).key.revokesAt!))
      yield* elapse(1_000)
      yield* Effect.flatMap(Events, (events) => events.place(1_000))
      assert.deepStrictEqual(plain((yield* find(old.id)).key.revokedAt), plain(key.revokedAt))
    })
  )

  law(
    "the new key takes the path from the old key's session, never the other way round, and no other session",
    Effect.gen(function* () {
      const admissions = yield* Admissions
      const sessions = yield* Sessions
      const old = yield* aKey({ path: "live/**" as PathLimitText })
      const path = newPath()
      const former = yield* aSession({ path }, old)
      const fresh = yield* rotated(old, 600)
      const takeover = { of: "former", lastSeen: null } as const
      const facts = yield* admissions.facts(anAsk(fresh, { path }))
      assert.strictEqual(facts.key?.rotatedFrom, old.id)
      assert.isTrue(Option.isSome(yield* admissions.takeOver(anAsk(fresh, { path: newPath() }), takeover)))
      assert.isNull((yield* stateOf(former.id)).ending)
      yield* sessions.end(
        (yield* sessions.open).open.flatMap((open) => (open.streamKeyId === fresh.id ? [open.streamId] : [])),
        "left",
        null
      )
      const ask = anAsk(fresh, { path })
      assert.isTrue(Option.isNone(yield* admit(ask)))
      assert.isTrue(Option.isSome(yield* admissions.takeOver(ask, takeover)))
      assert.strictEqual((yield* stateOf(former.id)).ending?.reason, "superseded")
      assert.isTrue(Option.isNone(yield* admissions.takeOver(anAsk(fresh, { path }), takeover)))
      assert.isNull((yield* stateOf(ask.streamId)).ending)
      const back = anAsk(old, { path })
      for (const whose of ["own", "former"] as const) {
        assert.isTrue(
          Option.isNone(yield* admissions.takeOver(back, { of: whose, lastSeen: later(yield* now, 1_000) }))
        )
      }
      assert.isNull((yield* stateOf(ask.streamId)).ending)
    })
  )
}

const takeoverLaws = (law: AddLaw) => {
  law(
    "the facts have the last three takeovers of the key, newest first; a takeover that does not know the newest writes nothing",
    Effect.gen(function* () {
      const admissions = yield* Admissions
      const key = yield* aKey()
      const first = yield* aSession({}, key)
      const seen: Array<unknown> = []
      let last = first.ask
      let lastSeen: DateTime.Utc | null = null
      for (let count = 0; count < 5; count++) {
        const ask = anAsk(key)
        assert.isTrue(Option.isSome(yield* admissions.takeOver(ask, { of: "own", lastSeen })))
        seen.unshift(plain((yield* stateOf(last.streamId)).ending?.requestedAt))
        yield* elapse(5)
        const { takeovers } = yield* admissions.facts(anAsk(key))
        assert.deepStrictEqual(plain(takeovers), seen.slice(0, 3))
        if (count > 0) {
          assert.isTrue(Option.isNone(yield* admissions.takeOver(anAsk(key), { of: "own", lastSeen })))
          assert.isNull((yield* stateOf(ask.streamId)).ending)
        }
        lastSeen = takeovers[0] ?? null
        last = ask
      }
      assert.deepStrictEqual((yield* admissions.facts(anAsk(yield* aKey()))).takeovers, [])
    })
  )
}

const blockLaws = (law: AddLaw) => {
  law(
    "a block keeps the key off its path until it ends, and off no other",
    Effect.gen(function* () {
      const keys = yield* StreamKeys
      const [key, other] = [yield* aKey(), yield* aKey()]
      const [path, elsewhere] = [newPath(), newPath()]
      assert.isTrue(yield* keys.block(key.id, path, 1))
      const { block } = (yield* find(key.id)).key
      const isOver = Effect.map(now, (at) => DateTime.isGreaterThanOrEqualTo(at, block!.until))
      const early = yield* isAdmitted(key, path)
      if (early) assert.isTrue(yield* isOver, "admitted before the end of the block")
      if (early) return
      assert.isTrue(yield* isAdmitted(key, elsewhere))
      assert.isTrue(yield* isAdmitted(other, path))
      const sessions = yield* Sessions
      const { open } = yield* sessions.open
      const mine = open.filter(({ streamKeyId }) => streamKeyId === key.id || streamKeyId === other.id)
      yield* sessions.end(
        mine.map(({ streamId }) => streamId),
        "left",
        null
      )
      yield* elapse(1_000)
      assert.isTrue(yield* isAdmitted(key, path))
      assert.isNull(activeBlock((yield* find(key.id)).key, yield* now))
    })
  )

  law(
    "a newer block replaces the one before, a change lifts it, a rotation keeps it, and a revoked key gets none",
    Effect.gen(function* () {
      const keys = yield* StreamKeys
      const key = yield* aKey()
      const [first, second] = [newPath(), newPath()]
      yield* keys.block(key.id, first, 600)
      yield* refused(anAsk(key, { path: first }), "stream_key_blocked")
      yield* keys.block(key.id, second, 600)
      yield* refused(anAsk(key, { path: second }), "stream_key_blocked")
      const session = yield* aSession({ path: first }, key)
      yield* Effect.flatMap(Sessions, (sessions) => sessions.end([session.id], "left", null))
      yield* keys.change(key.id, { label: "other" })
      yield* refused(anAsk(key, { path: second }), "stream_key_blocked")
      const fresh = yield* rotated(key, 600)
      yield* refused(anAsk(fresh, { path: second }), "stream_key_blocked")
      const lifted = yield* keys.change(key.id, { block: null })
      assert.isTrue(lifted._tag === "Changed" && lifted.key.block === null)
      assert.isTrue(yield* isAdmitted(key, second))
      yield* keys.revoke(key.id)
      assert.isFalse(yield* keys.block(key.id, first, 600))
      assert.isFalse(yield* keys.block(newId<StreamKeyId>(), first, 600))
    })
  )

  law(
    "a block that is set while an encoder asks is of one of two orders: it is refused, or was admitted before",
    Effect.gen(function* () {
      const keys = yield* StreamKeys
      for (let round = 0; round < 10; round++) {
        const key = yield* aKey()
        const path = newPath()
        const [admitted] = yield* Effect.all([isAdmitted(key, path), keys.block(key.id, path, 600)], {
          concurrency: "unbounded"
        })
        if (!admitted) yield* refused(anAsk(key, { path }), "stream_key_blocked")
        const started = (yield* find(key.id)).key.lastUsedAt
        assert.strictEqual(started !== null, admitted)
      }
    })
  )
}

export const keyRotationLaws = (store: StoreUnderTest) =>
  contract("StreamKeys rotated and blocked", store, (law) => {
    grantLaws(law)
    overlapLaws(law)
    takeoverLaws(law)
    blockLaws(law)
  })
