/** The laws of `PlaybackTokens`. */
import { randomBytes } from "node:crypto"
import {
  type BroadcasterId,
  type Coverage,
  type LoggedEvent,
  type PlaybackAction,
  type PlaybackToken,
  type PlaybackTokenId,
  PlaybackTokens,
  type RevokedViewer,
  type SigningKeyId,
  SigningKeys,
  type StreamId,
  TOKENS_KEPT_DAYS,
  type TokenIssuer,
  type ViewerId
} from "@greenroom/core"
import { DateTime, Effect, Option, Schema } from "effect"
import * as assert from "../assert.ts"
import { later, newId, now } from "../fixtures.ts"
import { type AddLaw, type AddProperty, BackDoor, contract, elapse, plain, type StoreUnderTest } from "./contract.ts"
import { eventsFrom } from "./eventsLaws.ts"

type NewToken = Omit<PlaybackToken, "revokedAt">

const HOUR_MS = 3_600_000
const everything = { limit: null, after: null }

const hex = (bytes: number) => randomBytes(bytes).toString("hex")
const newTokenId = () => hex(8) as PlaybackTokenId
const newViewer = () => `viewer-${hex(6)}` as ViewerId

export const aToken = Effect.fnUntraced(function* (more: Partial<NewToken> = {}) {
  const createdAt = yield* now
  const token: NewToken = {
    id: newTokenId(),
    issuer: "greenroom",
    signingKeyId: "a key",
    coverage: { _tag: "Path", path: "live/one" },
    broadcasterId: null,
    viewerId: null,
    actions: ["read"],
    maxSessions: null,
    ips: [],
    metadata: {},
    createdAt,
    notBefore: null,
    expiresAt: later(createdAt, HOUR_MS),
    ...more
  }
  return token
})

const created = Effect.fnUntraced(function* (more: Partial<NewToken> = {}) {
  const token = yield* aToken(more)
  assert.isTrue(yield* (yield* PlaybackTokens).create(token))
  return token
})

const found = (id: PlaybackTokenId) =>
  Effect.flatMap(PlaybackTokens, (tokens) => Effect.map(tokens.find(id), Option.getOrThrow))

const idsOf = (tokens: ReadonlyArray<{ readonly id: string }>): ReadonlyArray<string> => tokens.map(({ id }) => id)

const revokedIds = Effect.flatMap(PlaybackTokens, (tokens) =>
  Effect.map(tokens.revocations, (revoked) => idsOf(revoked.tokens))
)

const revokedOf = (viewerId: ViewerId) =>
  Effect.flatMap(PlaybackTokens, (tokens) =>
    Effect.map(tokens.revocations, ({ viewers }) => viewers.filter((one) => one.viewerId === viewerId))
  )

const secondsOf = (at: DateTime.Utc): number => DateTime.toEpochMillis(at) / 1_000

const brief = ({ type, subject, broadcasterId, data }: LoggedEvent) => plain({ type, subject, broadcasterId, data })

/** A token with every kind of value. */
const Drawn = Schema.Struct({
  covers: Schema.Literals(["Path", "Stream", "Broadcaster", "Pattern"]),
  isOfApplication: Schema.Boolean,
  hasBroadcaster: Schema.Boolean,
  hasViewer: Schema.Boolean,
  actions: Schema.Literals(["read", "playback", "both"]),
  maxSessions: Schema.NullOr(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 }))),
  ips: Schema.Array(Schema.Literals(["10.0.0.0/8", "2001:db8::/32"])),
  metadata: Schema.Record(Schema.Literals(["a", "b"]), Schema.Union([Schema.Boolean, Schema.Null])),
  startsIn: Schema.NullOr(Schema.Int.check(Schema.isBetween({ minimum: -1_000, maximum: 1_000 })))
})

const coverageOf = (tag: Coverage["_tag"]): Coverage => {
  switch (tag) {
    case "Path":
      return { _tag: tag, path: "live/ö 'one'" }
    case "Stream":
      return { _tag: tag, streamId: newId<StreamId>() }
    case "Broadcaster":
      return { _tag: tag, broadcasterId: newId<BroadcasterId>() }
    case "Pattern":
      return { _tag: tag, pattern: "live/**" }
  }
}

const drawnToken = Effect.fnUntraced(function* (drawn: typeof Drawn.Type) {
  const { covers, isOfApplication, hasBroadcaster, hasViewer, actions, startsIn, ...rest } = drawn
  const at = yield* now
  const issuer: TokenIssuer = isOfApplication ? "application" : "greenroom"
  const done: ReadonlyArray<PlaybackAction> = actions === "both" ? ["read", "playback"] : [actions]
  return yield* aToken({
    ...rest,
    issuer,
    coverage: coverageOf(covers),
    broadcasterId: hasBroadcaster ? newId<BroadcasterId>() : null,
    viewerId: hasViewer ? newViewer() : null,
    actions: done,
    notBefore: startsIn === null ? null : later(at, startsIn)
  })
})

const keeping = (law: AddLaw, property: AddProperty) => {
  property(
    "a token is as it was created, wherever it is shown, and its id is not taken again",
    Drawn,
    Effect.fnUntraced(function* (drawn) {
      const tokens = yield* PlaybackTokens
      const token = yield* drawnToken(drawn)
      assert.isTrue(Option.isNone(yield* tokens.find(token.id)))
      assert.isTrue(yield* tokens.create(token))
      const expected = plain({ ...token, revokedAt: null })
      assert.deepStrictEqual(plain(yield* found(token.id)), expected)
      assert.deepStrictEqual(plain(yield* tokens.findAll([token.id, token.id, newTokenId()])), [expected])
      const { items } = yield* tokens.list({}, everything)
      assert.deepStrictEqual(plain(items.find(({ id }) => id === token.id)), expected)
      assert.isFalse(yield* tokens.create(yield* aToken({ id: token.id, viewerId: newViewer() })))
      assert.deepStrictEqual(plain(yield* found(token.id)), expected)
    }),
    { runs: 30 }
  )

  law(
    "of several creations with one id at once one succeeds",
    Effect.gen(function* () {
      const tokens = yield* PlaybackTokens
      const token = yield* aToken()
      const outcomes = yield* Effect.forEach([1, 2, 3, 4], () => tokens.create(token), { concurrency: 4 })
      assert.deepStrictEqual(outcomes.toSorted(), [false, false, false, true])
    })
  )

  law(
    "what was seen is recorded once, and nothing of a token that is known is changed",
    Effect.gen(function* () {
      const tokens = yield* PlaybackTokens
      const [known, revoked] = [yield* created(), yield* created()]
      yield* tokens.revoke(revoked.id)
      const before = [yield* found(known.id), yield* found(revoked.id)]
      const seen = yield* aToken({ issuer: "application" })
      const others = yield* Effect.forEach([known.id, revoked.id], (id) => aToken({ id, issuer: "application" }))
      const calls = Effect.forEach([1, 2, 3], () => tokens.recordSeen([seen, ...others, seen]), { concurrency: 3 })
      assert.deepStrictEqual(yield* eventsFrom(calls), [])
      yield* tokens.recordSeen([])
      assert.deepStrictEqual([yield* found(known.id), yield* found(revoked.id)], before)
      assert.deepStrictEqual(plain(yield* found(seen.id)), plain({ ...seen, revokedAt: null }))
    })
  )

  law(
    "lists are ordered newest first by the time and the id, in pages, and may be of one viewer or broadcaster",
    Effect.gen(function* () {
      const tokens = yield* PlaybackTokens
      const [viewerId, broadcasterId] = [newViewer(), newId<BroadcasterId>()]
      const first = yield* now
      const made: Array<NewToken> = []
      for (const [index, second] of [0, 0, 0, 1, 2].entries()) {
        const createdAt = later(first, second * 1_000)
        made.push(yield* created({ createdAt, viewerId, ...(index % 2 === 0 ? { broadcasterId } : {}) }))
        yield* created({ createdAt })
      }
      const newestFirst = made.toSorted(
        (a, b) => DateTime.toEpochMillis(b.createdAt) - DateTime.toEpochMillis(a.createdAt) || (a.id < b.id ? 1 : -1)
      )
      const one = yield* tokens.list({ viewerId }, { limit: 2, after: null })
      const two = yield* tokens.list({ viewerId }, { limit: 2, after: one.next })
      const three = yield* tokens.list({ viewerId }, { limit: 2, after: two.next })
      assert.deepStrictEqual(idsOf([...one.items, ...two.items, ...three.items]), idsOf(newestFirst))
      assert.isNull(three.next)
      const ofBoth = yield* tokens.list({ viewerId, broadcasterId }, everything)
      assert.deepStrictEqual(
        idsOf(ofBoth.items),
        idsOf(newestFirst.filter((token) => token.broadcasterId === broadcasterId))
      )
      assert.deepStrictEqual(idsOf((yield* tokens.list({ broadcasterId }, everything)).items), idsOf(ofBoth.items))
    })
  )
}

const revokingTokens = (law: AddLaw) => {
  law(
    "a revocation keeps its first time, and is one event and one entry",
    Effect.gen(function* () {
      const tokens = yield* PlaybackTokens
      const [viewerId, broadcasterId] = [newViewer(), newId<BroadcasterId>()]
      const token = yield* created({ viewerId, broadcasterId })
      const calls = Effect.gen(function* () {
        yield* Effect.forEach([1, 2, 3], () => tokens.revoke(token.id), { concurrency: 3 })
        const first = yield* found(token.id)
        yield* elapse(5)
        assert.deepStrictEqual(plain(yield* tokens.revoke(token.id)), plain(Option.some(first)))
        assert.isNotNull(first.revokedAt)
        assert.deepStrictEqual(plain({ ...first, revokedAt: null }), plain({ ...token, revokedAt: null }))
      })
      const data = { id: token.id, expiresAt: secondsOf(token.expiresAt), viewerId }
      assert.deepStrictEqual((yield* eventsFrom(calls)).map(brief), [
        plain({ type: "playback_token.revoked", subject: `playback_token:${token.id}`, broadcasterId, data })
      ])
      const { tokens: revoked } = yield* tokens.revocations
      assert.deepStrictEqual(
        revoked.filter(({ id }) => id === token.id),
        [{ id: token.id, expiresAt: secondsOf(token.expiresAt) }]
      )
      assert.deepStrictEqual(yield* eventsFrom(tokens.revoke(newTokenId())), [])
      assert.isTrue(Option.isNone(yield* tokens.revoke(newTokenId())))
    })
  )

  law(
    "an entry stays as long as the token may be valid for any clock, and not longer",
    Effect.gen(function* () {
      const tokens = yield* PlaybackTokens
      const at = yield* now
      const [lasting, over] = [
        yield* created({ expiresAt: later(at, HOUR_MS) }),
        yield* created({ expiresAt: later(at, -6_000), createdAt: later(at, -HOUR_MS) })
      ]
      const justOver = yield* created({ expiresAt: later(at, -1), createdAt: later(at, -HOUR_MS) })
      for (const { id } of [lasting, over, justOver]) yield* tokens.revoke(id)
      const ids = yield* revokedIds
      assert.include(ids, lasting.id)
      assert.notInclude(ids, over.id)
      if (DateTime.toEpochMillis(yield* now) < DateTime.toEpochMillis(at) + 4_000) assert.include(ids, justOver.id)
    })
  )
}

const revokingViewers = (law: AddLaw) => {
  law(
    "a viewer's revocation marks each unexpired token of the viewer, once, and writes one event",
    Effect.gen(function* () {
      const tokens = yield* PlaybackTokens
      const viewerId = newViewer()
      const at = yield* now
      const mine = [yield* created({ viewerId }), yield* created({ viewerId, broadcasterId: newId<BroadcasterId>() })]
      const [others, expired, before] = [
        yield* created({ viewerId: newViewer() }),
        yield* created({ viewerId, expiresAt: later(at, -1) }),
        yield* created({ viewerId })
      ]
      const first = Option.getOrThrow(yield* tokens.revoke(before.id))
      yield* elapse(5)
      const until = later(at, HOUR_MS)
      let revoked: RevokedViewer | null = null
      const [event, ...more] = yield* eventsFrom(
        Effect.gen(function* () {
          const outcome = yield* tokens.revokeViewer({ viewerId, broadcasterId: null, until })
          revoked = outcome.revoked
          assert.strictEqual(outcome.tokens, 2)
        })
      )
      if (event?.type !== "viewer.revoked" || revoked === null) return assert.fail(`${event?.type}`)
      assert.deepStrictEqual(more, [])
      assert.deepStrictEqual(
        brief(event),
        plain({ type: event.type, subject: `viewer_id:${viewerId}`, broadcasterId: null, data: revoked })
      )
      assert.deepStrictEqual(yield* revokedOf(viewerId), [revoked])
      assert.strictEqual(event.data.until, secondsOf(until))
      for (const { id } of mine) assert.isNotNull((yield* found(id)).revokedAt)
      assert.deepStrictEqual(plain((yield* found(before.id)).revokedAt), plain(first.revokedAt))
      for (const { id } of [others, expired]) assert.isNull((yield* found(id)).revokedAt)
      const again = yield* tokens.revokeViewer({ viewerId, broadcasterId: null, until: null })
      assert.strictEqual(again.tokens, 0)
    })
  )

  law(
    "a revocation is not before a token that an instance has issued whose clock is ahead, up to a minute",
    Effect.gen(function* () {
      const tokens = yield* PlaybackTokens
      const viewerId = newViewer()
      const at = yield* now
      const { createdAt } = yield* created({ viewerId, createdAt: later(at, 30_000) })
      yield* created({ viewerId, createdAt: later(at, 120_000), issuer: "application" })
      const { revoked } = yield* tokens.revokeViewer({ viewerId, broadcasterId: null, until: null })
      assert.isTrue(revoked.at >= secondsOf(createdAt), "before the token")
      assert.isTrue(revoked.at < secondsOf(later(at, 90_000)), "by a clock that is wrong")
      assert.deepStrictEqual(yield* revokedOf(viewerId), [revoked])
    })
  )

  law(
    "a revocation for a broadcaster marks its tokens alone, and is beside that for every path",
    Effect.gen(function* () {
      const tokens = yield* PlaybackTokens
      const [viewerId, broadcasterId] = [newViewer(), newId<BroadcasterId>()]
      const ofIt = yield* created({ viewerId, broadcasterId })
      const [ofAnother, ofNone] = [
        yield* created({ viewerId, broadcasterId: newId<BroadcasterId>() }),
        yield* created({ viewerId })
      ]
      const events = yield* eventsFrom(tokens.revokeViewer({ viewerId, broadcasterId, until: null }))
      assert.deepStrictEqual(
        events.map((event) => [event.type, event.broadcasterId]),
        [["viewer.revoked", broadcasterId]]
      )
      assert.isNotNull((yield* found(ofIt.id)).revokedAt)
      for (const { id } of [ofAnother, ofNone]) assert.isNull((yield* found(id)).revokedAt)
      assert.strictEqual((yield* tokens.revokeViewer({ viewerId, broadcasterId: null, until: null })).tokens, 2)
      assert.deepStrictEqual(
        (yield* revokedOf(viewerId)).map((one) => String(one.broadcasterId)).toSorted(),
        [broadcasterId as string, "null"].toSorted()
      )
    })
  )

  law(
    "a viewer has one entry for a broadcaster: the last until counts, and a second one is later, however close",
    Effect.gen(function* () {
      const tokens = yield* PlaybackTokens
      const viewerId = newViewer()
      const until = later(yield* now, HOUR_MS)
      const revoke = (until: DateTime.Utc | null) => tokens.revokeViewer({ viewerId, broadcasterId: null, until })
      const times: Array<number> = []
      for (const each of [until, null, until, null]) times.push((yield* revoke(each)).revoked.at)
      for (const [index, at] of times.slice(1).entries())
        assert.isAtLeast(Math.round(at * 1_000), Math.round(times[index]! * 1_000) + 1)
      assert.deepStrictEqual(yield* revokedOf(viewerId), [
        { viewerId, broadcasterId: null, at: times.at(-1)!, until: null }
      ])
      const atOnce = yield* Effect.forEach([1, 2, 3, 4], () => revoke(until), { concurrency: 4 })
      assert.strictEqual(new Set(atOnce.map(({ revoked }) => revoked.at)).size, 4)
      assert.strictEqual((yield* revokedOf(viewerId)).length, 1)
    })
  )

  law(
    "of a token's and its viewer's revocation at once, the token's time is one of both and stays",
    Effect.gen(function* () {
      const tokens = yield* PlaybackTokens
      const viewerId = newViewer()
      const token = yield* created({ viewerId })
      yield* Effect.all(
        [tokens.revoke(token.id), tokens.revokeViewer({ viewerId, broadcasterId: null, until: null })],
        { concurrency: 2 }
      )
      const { revokedAt } = yield* found(token.id)
      yield* elapse(5)
      yield* tokens.revoke(token.id)
      yield* tokens.revokeViewer({ viewerId, broadcasterId: null, until: null })
      assert.deepStrictEqual(plain((yield* found(token.id)).revokedAt), plain(revokedAt))
    })
  )
}

const gone = (law: AddLaw) => {
  law(
    "the tokens of a removed key are in no answer, and their ids are not free",
    Effect.gen(function* () {
      const [tokens, keys] = [yield* PlaybackTokens, yield* SigningKeys]
      const signingKeyId = hex(8) as SigningKeyId
      const added = yield* keys.add({ id: signingKeyId, publicKey: "a public half" })
      assert.strictEqual(added._tag, "Added")
      const viewerId = newViewer()
      const [token, revoked] = [
        yield* created({ viewerId, signingKeyId, issuer: "application" }),
        yield* created({ viewerId, signingKeyId, issuer: "application" })
      ]
      const other = yield* created({ viewerId })
      yield* tokens.revoke(revoked.id)
      assert.isTrue(yield* keys.remove(signingKeyId))
      assert.isTrue(Option.isNone(yield* tokens.find(token.id)))
      assert.deepStrictEqual(idsOf(yield* tokens.findAll([token.id, revoked.id, other.id])), [other.id])
      assert.deepStrictEqual(idsOf((yield* tokens.list({ viewerId }, everything)).items), [other.id])
      assert.isTrue(Option.isNone(yield* tokens.revoke(token.id)))
      assert.notInclude(yield* revokedIds, revoked.id)
      assert.isFalse(yield* tokens.create(yield* aToken({ id: token.id })))
      assert.strictEqual((yield* tokens.revokeViewer({ viewerId, broadcasterId: null, until: null })).tokens, 1)
      yield* tokens.prune(TOKENS_KEPT_DAYS, 1_000)
      assert.isTrue(Option.isNone(yield* tokens.find(token.id)))
    })
  )

  law(
    "pruning deletes what expired long ago, and no token that has not",
    Effect.gen(function* () {
      const tokens = yield* PlaybackTokens
      const { age } = yield* BackDoor
      const viewerId = newViewer()
      const at = yield* now
      const lasting = yield* created({ viewerId, expiresAt: later(at, 20 * 24 * HOUR_MS) })
      const short = yield* Effect.forEach([1, 2, 3], () => created({ viewerId }))
      yield* tokens.revoke(short[0]!.id)
      yield* tokens.revoke(lasting.id)
      yield* age(TOKENS_KEPT_DAYS - 1)
      yield* tokens.prune(TOKENS_KEPT_DAYS, 1_000)
      const there = Effect.map(tokens.list({ viewerId }, everything), ({ items }) => items.length)
      assert.strictEqual(yield* there, 4)
      yield* age(2)
      assert.strictEqual(yield* tokens.prune(TOKENS_KEPT_DAYS, 2), 2)
      assert.isAtLeast(yield* tokens.prune(TOKENS_KEPT_DAYS, 1_000), 1)
      assert.strictEqual(yield* tokens.prune(TOKENS_KEPT_DAYS, 1_000), 0)
      assert.strictEqual(yield* there, 1)
      assert.isNotNull((yield* found(lasting.id)).revokedAt)
      assert.include(yield* revokedIds, lasting.id)
      const wrong = yield* Effect.exit(tokens.prune(0, 1))
      assert.strictEqual(wrong._tag, "Failure")
    })
  )

  law(
    "a viewer's revocation stays as long as a token from before it may be valid, or until it ends",
    Effect.gen(function* () {
      const tokens = yield* PlaybackTokens
      const { age } = yield* BackDoor
      const [once, banned] = [newViewer(), newViewer()]
      yield* tokens.revokeViewer({ viewerId: once, broadcasterId: null, until: null })
      const until = later(yield* now, 60 * 24 * HOUR_MS)
      yield* tokens.revokeViewer({ viewerId: banned, broadcasterId: null, until })
      const there = Effect.gen(function* () {
        return [(yield* revokedOf(once)).length, (yield* revokedOf(banned)).length]
      })
      yield* age(29)
      yield* tokens.prune(TOKENS_KEPT_DAYS, 1_000)
      assert.deepStrictEqual(yield* there, [1, 1])
      yield* age(2)
      assert.deepStrictEqual(yield* there, [0, 1])
      yield* tokens.prune(TOKENS_KEPT_DAYS, 1_000)
      assert.deepStrictEqual(yield* there, [0, 1])
      yield* age(30)
      assert.deepStrictEqual(yield* there, [0, 0])
      assert.isAtLeast(yield* tokens.prune(TOKENS_KEPT_DAYS, 1_000), 1)
    })
  )
}

export const playbackTokensLaws = (store: StoreUnderTest) =>
  contract("PlaybackTokens", store, (law, property) => {
    keeping(law, property)
    revokingTokens(law)
    revokingViewers(law)
    gone(law)
  })
