/** Issuing, changing, revoking and describing keys: the order of steps, and that a key's value leaves once and redacted. */
import { assert, describe, it } from "@effect/vitest"
import {
  changeKey,
  describeKey,
  type IssueOutcome,
  ingestPath,
  issueKey,
  listKeys,
  NewPathLimit,
  parseLimit,
  Reconciler,
  type RotateOutcome,
  revoke,
  rotateKey,
  type StreamKey,
  StreamPath,
  within
} from "@greenroom/core"
import { type KeyRequestFault, validateKeyRequest } from "@greenroom/core/internal"
import { Arbitrary, Effect, Exit, Fiber, Layer, Option, Redacted, Schema } from "effect"
import { TestClock } from "effect/testing"
import { at, broadcasterId, cases, element, keyId, limitTexts, NOW, oneOf, streamId } from "../support/arbitraries.ts"
import { aBroadcaster, aKey, makeListings } from "../support/listings.ts"
import { inTime, running } from "../support/running.ts"
import { keyValue, makeStage, mediaServerDown, sha256 } from "../support/stage.ts"

const order = { broadcasterId: broadcasterId(1), label: "Main camera", path: null, expiresAt: null }

/** Key 1 with a stream on the air, and a reconciler that runs. */
const onAir = Effect.fnUntraced(function* () {
  const stage = makeStage()
  const listings = makeListings(stage)
  stage.addKey(1)
  stage.addSession(1)
  stage.connect(1)
  listings.keys.set(keyId(1), aKey(1, { activeStreamId: streamId(1) }))
  yield* TestClock.adjust("1 minute")
  const { reconciler } = yield* running(stage)
  return { stage, listings, layer: Layer.merge(listings.layer, Layer.succeed(Reconciler)(reconciler)) }
})
describe("rotateKey", () => {
  it.effect("stores a hash and seven characters, gives the value once, and the ingest path of the old key", () =>
    Effect.gen(function* () {
      for (const path of [null, "live/*", "live/studio-1"] as const) {
        const { listings, layer } = yield* onAir()
        listings.keys.set(keyId(1), aKey(1, { path: path as StreamKey["path"] }))
        const rotated = yield* rotateKey(keyId(1), 60).pipe(Effect.provide(layer))
        if (rotated._tag !== "Rotated") return assert.fail(rotated._tag)
        const [, id, stored] = listings.asked.find(([name]) => name === "rotate")! as unknown as readonly [
          string,
          string,
          Record<string, unknown>
        ]
        const value = Redacted.value(rotated.value)
        assert.strictEqual(id, keyId(1))
        assert.deepStrictEqual(stored, {
          id: rotated.key.id,
          hash: sha256(value),
          keyPrefix: value.slice(0, 7),
          overlapSeconds: 60
        })
        assert.notInclude(JSON.stringify([rotated, { ...stored, hash: null }]), value)
        assert.strictEqual(rotated.ingestPath, ingestPath(path === null ? null : parseLimit(path), keyId(1)))
      }
    })
  )

  it.effect(
    "without an overlap it takes the old key's stream off the air before it answers; with one it leaves it",
    () =>
      Effect.gen(function* () {
        for (const [overlapSeconds, stays] of [
          [0, false],
          [60, true]
        ] as const) {
          const { stage, layer } = yield* onAir()
          const rotation = Effect.gen(function* () {
            if (!stays) stage.changeKey(1, { revokedAt: NOW })
            return yield* rotateKey(keyId(1), overlapSeconds)
          })
          const rotated = yield* inTime(rotation.pipe(Effect.provide(layer)))
          assert.strictEqual(rotated._tag, "Rotated")
          assert.strictEqual(stage.connections.has("source-1"), stays)
          if (!stays) assert.strictEqual(stage.reason(1), "revoked")
        }
      })
  )

  it.effect("passes on why a key is not rotated, and takes no overlap of more than a week", () =>
    Effect.gen(function* () {
      const { listings, layer } = yield* onAir()
      const outcomes: ReadonlyArray<RotateOutcome> = [
        { _tag: "NotFound" },
        { _tag: "Revoked" },
        { _tag: "Expired" },
        { _tag: "RotatedAlready", to: keyId(2) },
        { _tag: "OverlapRuns", of: keyId(2) }
      ]
      const rotate = (seconds: number) => rotateKey(keyId(1), seconds).pipe(Effect.provide(layer))
      for (const outcome of outcomes) {
        listings.outcomes.rotate = outcome
        assert.deepStrictEqual(yield* rotate(604_800), outcome)
      }
      for (const seconds of [-1, 604_801, 0.5])
        assert.strictEqual((yield* Effect.flip(rotate(seconds)))._tag, "InvalidArgument")
    })
  )
})

describe("issueKey", () => {
  it.effect.prop(
    "stores a hash and seven characters, gives the value once, and a path that the key may use",
    [
      oneOf<string | null>([element([null]), Arbitrary.filter(limitTexts, Schema.is(NewPathLimit))]),
      element([undefined, null, "public", "token"] as const)
    ],
    ([limit, playback]) =>
      Effect.gen(function* () {
        const listings = makeListings(makeStage())
        const path = limit as NewPathLimit | null
        const issued = yield* issueKey({ ...order, path, ...(playback === undefined ? {} : { playback }) }).pipe(
          Effect.provide(listings.layer)
        )
        if (issued._tag !== "Issued") return assert.fail(issued._tag)
        const [, stored] = listings.asked[0]! as readonly [string, Record<string, unknown>]
        const value = Redacted.value(issued.value)
        assert.deepStrictEqual(stored, {
          ...order,
          path,
          playback: playback ?? null,
          id: stored.id,
          hash: sha256(value),
          keyPrefix: value.slice(0, 7)
        })
        assert.notInclude(JSON.stringify([issued, { ...stored, hash: null }]), value)
        assert.isTrue(Schema.is(StreamPath)(issued.ingestPath))
        assert.isTrue(within(limit === null ? null : parseLimit(limit), issued.ingestPath))
        if (limit === null) assert.strictEqual(issued.ingestPath, `live/${String(stored.id).slice(0, 8)}`)
      }),
    cases(100)
  )

  it.effect("without a path limits the key to its own, with null to nothing", () =>
    Effect.gen(function* () {
      const { path: _, ...unlimited } = order
      for (const [asked, expected] of [
        [unlimited, /^live\/[0-9a-f]{8}$/],
        [order, null]
      ] as const) {
        const listings = makeListings(makeStage())
        const issued = yield* issueKey(asked).pipe(Effect.provide(listings.layer))
        if (issued._tag !== "Issued") return assert.fail(issued._tag)
        if (expected === null) assert.isNull(issued.key.path)
        else assert.match(String(issued.key.path), expected)
        if (expected !== null) assert.strictEqual(issued.key.path, issued.ingestPath)
        assert.strictEqual(issued.ingestPath, `live/${issued.key.id.slice(0, 8)}`)
      }
    })
  )

  /** The store answers so until as many keys were asked for. */
  const takenUntil = (asks: number) => {
    const listings = makeListings(makeStage())
    listings.takenFor(asks)
    return { listings, ids: () => listings.asked.map(([, key]) => (key as { readonly id: string }).id) }
  }

  it.effect("tries another id when the path that it chose is taken, and says so of a path that the caller chose", () =>
    Effect.gen(function* () {
      const { path: _, ...unlimited } = order
      for (const asked of [unlimited, order, { ...order, path: "live/*" as NewPathLimit }]) {
        const { listings, ids } = takenUntil(4)
        const issued = yield* issueKey(asked).pipe(Effect.provide(listings.layer))
        assert.strictEqual(issued._tag, "Issued")
        assert.strictEqual(new Set(ids()).size, 5)
        const hopeless = takenUntil(100)
        const outcome = yield* Effect.exit(issueKey(asked).pipe(Effect.provide(hopeless.listings.layer)))
        assert.isTrue(Exit.hasDies(outcome))
        assert.strictEqual(hopeless.ids().length, 5)
      }
      const { listings, ids } = takenUntil(1)
      const exact = { ...order, path: "live/studio-1" as NewPathLimit }
      assert.strictEqual((yield* issueKey(exact).pipe(Effect.provide(listings.layer)))._tag, "PathTaken")
      assert.strictEqual(ids().length, 1)
    })
  )

  it.effect("never gives the same value or id twice", () =>
    Effect.gen(function* () {
      const listings = makeListings(makeStage())
      const issue = issueKey(order).pipe(Effect.provide(listings.layer))
      const [one, two] = [yield* issue, yield* issue]
      if (one._tag !== "Issued" || two._tag !== "Issued") return assert.fail("not issued")
      assert.notStrictEqual(Redacted.value(one.value), Redacted.value(two.value))
      assert.notStrictEqual(one.key.id, two.key.id)
    })
  )

  it.effect("gives no value with a refusal", () =>
    Effect.gen(function* () {
      const exact = { ...order, path: "live/studio-1" as NewPathLimit }
      for (const _tag of ["UnknownBroadcaster", "ExpiryInPast", "PathTaken"] as const) {
        const listings = makeListings(makeStage())
        listings.outcomes.issue = { _tag } as IssueOutcome
        const outcome = yield* issueKey(exact).pipe(Effect.provide(listings.layer))
        assert.deepStrictEqual(outcome, { _tag } as typeof outcome)
      }
    })
  )
})

describe("orderFaults", () => {
  it.effect("tells all that is wrong with as much of an order as there is, by the store's clock", () =>
    Effect.gen(function* () {
      const listings = makeListings(makeStage())
      listings.broadcasters.set(broadcasterId(1), aBroadcaster(1))
      const unknown = "UnknownBroadcaster"
      const past = "ExpiryInPast"
      const table: ReadonlyArray<readonly [Parameters<typeof validateKeyRequest>[0], ReadonlyArray<KeyRequestFault>]> =
        [
          [{}, []],
          [{ broadcasterId: broadcasterId(1), expiresAt: null }, []],
          [{ broadcasterId: broadcasterId(1), expiresAt: at(1) }, []],
          [{ broadcasterId: broadcasterId(1), expiresAt: NOW }, [past]],
          [{ broadcasterId: broadcasterId(2) }, [unknown]],
          [{ broadcasterId: broadcasterId(2), expiresAt: at(-1) }, [unknown, past]],
          [{ expiresAt: at(-1) }, [past]]
        ]
      for (const [order, faults] of table) {
        assert.deepStrictEqual(yield* validateKeyRequest(order).pipe(Effect.provide(listings.layer)), faults)
      }
    })
  )
})

describe("revoke", () => {
  it.effect("kills the key in the store first, then takes its stream off the air and says so", () =>
    Effect.gen(function* () {
      const { stage, listings, layer } = yield* onAir()
      stage.changeKey(1, { revokedAt: NOW })
      const order: Array<string> = []
      stage.before["Sessions.requestStopsForInvalidKeys"] = () =>
        Effect.sync(() => order.push(...listings.questions(), "stop"))
      const revoked = yield* inTime(revoke(keyId(1)).pipe(Effect.provide(layer)))
      assert.deepStrictEqual(order.slice(0, 3), ["findKey", "revoke", "stop"])
      assert.isTrue(Option.isSome(revoked) && revoked.value.offAir && revoked.value.key.revokedAt !== null)
      assert.strictEqual(stage.reason(1), "revoked")
      assert.isFalse(stage.connections.has("source-1"))
      assert.deepStrictEqual(listings.questions(), ["findKey", "revoke", "unendedOf", "findKey"])
      assert.deepStrictEqual(listings.asked[2]![1], { streamKeyId: keyId(1) })
    })
  )

  it.effect("says when that could not be confirmed; the session is being stopped all the same", () =>
    Effect.gen(function* () {
      const { stage, layer } = yield* onAir()
      stage.changeKey(1, { revokedAt: NOW })
      stage.before["MediaServer.kick"] = () => mediaServerDown
      const revoked = yield* inTime(revoke(keyId(1)).pipe(Effect.provide(layer)))
      assert.isTrue(Option.isSome(revoked) && !revoked.value.offAir)
      assert.notStrictEqual(stage.state(1), "Inactive")
      assert.strictEqual(stage.reason(1), "revoked")
    })
  )

  it.effect("answers what it knows when the key cannot be found again, and finds nobody for an unknown id", () =>
    Effect.gen(function* () {
      const { stage, listings, layer } = yield* onAir()
      stage.changeKey(1, { revokedAt: NOW })
      stage.before["Sessions.requestStopsForInvalidKeys"] = () => Effect.sync(() => listings.keys.clear())
      const revoked = yield* inTime(revoke(keyId(1)).pipe(Effect.provide(layer)))
      assert.isTrue(Option.isSome(revoked) && revoked.value.key.id === keyId(1))
      stage.calls.length = 0
      assert.deepStrictEqual(yield* revoke(keyId(9)).pipe(Effect.provide(layer)), Option.none())
      assert.deepStrictEqual(stage.called(), [])
    })
  )

  it.effect("can be repeated, and answers by what is still on the air", () =>
    Effect.gen(function* () {
      const { stage, layer } = yield* onAir()
      stage.changeKey(1, { revokedAt: NOW })
      stage.before["MediaServer.kick"] = () => mediaServerDown
      const again = inTime(revoke(keyId(1)).pipe(Effect.provide(layer)))
      const first = yield* again
      delete stage.before["MediaServer.kick"]
      const second = yield* again
      assert.deepStrictEqual(
        [first, second].map((one) => Option.isSome(one) && one.value.offAir),
        [false, true]
      )
      assert.deepStrictEqual(
        [first, second].map((one) => Option.isSome(one) && one.value.key.revokedAt),
        [NOW, NOW]
      )
    })
  )
})

describe("changeKey", () => {
  it.effect("suspends: the stream is marked for its end before the answer, and taken off the air", () =>
    Effect.gen(function* () {
      const { stage, listings, layer } = yield* onAir()
      stage.changeKey(1, { enabled: false })
      const outcome = yield* inTime(changeKey(keyId(1), { enabled: false }).pipe(Effect.provide(layer)))
      assert.strictEqual(outcome._tag, "Changed")
      assert.strictEqual(stage.reason(1), "disabled")
      assert.strictEqual(stage.state(1), "Inactive")
      assert.deepStrictEqual(listings.questions(), ["findKey", "change", "unendedOf", "findKey"])
    })
  )

  it.effect("suspends whole or not at all: a caller who leaves in the middle leaves no stream unmarked", () =>
    Effect.gen(function* () {
      const { stage, layer } = yield* onAir()
      stage.changeKey(1, { enabled: false })
      stage.before["Sessions.requestStopsForInvalidKeys"] = () => Effect.sleep(100)
      const caller = yield* Effect.forkChild(changeKey(keyId(1), { enabled: false }).pipe(Effect.provide(layer)))
      yield* TestClock.adjust(50)
      const leaving = yield* Effect.forkChild(Fiber.interrupt(caller))
      stage.before["Leases.acquire"] = () => Effect.never
      yield* TestClock.adjust(50)
      yield* Fiber.join(leaving)
      assert.strictEqual(stage.reason(1), "disabled")
    })
  )

  it.effect("stops nobody for another change, nor for one that was refused", () =>
    Effect.gen(function* () {
      const { stage, listings, layer } = yield* onAir()
      stage.calls.length = 0
      for (const changes of [
        {},
        { label: "B" },
        { enabled: true },
        { playback: "token" as const },
        { expiresAt: at(1), label: null }
      ]) {
        const outcome = yield* changeKey(keyId(1), changes).pipe(Effect.provide(layer))
        assert.strictEqual(outcome._tag, "Changed")
        assert.deepStrictEqual(listings.asked.at(-1), ["change", keyId(1), changes])
      }
      for (const _tag of ["NotFound", "Revoked", "ExpiryInPast"] as const) {
        listings.outcomes.change = { _tag }
        assert.deepStrictEqual(yield* changeKey(keyId(1), { enabled: false }).pipe(Effect.provide(layer)), { _tag })
      }
      assert.deepStrictEqual(stage.called(), [])
      assert.strictEqual(stage.reason(1), undefined)
    })
  )

  it.effect("answers what it changed when the key cannot be found again", () =>
    Effect.gen(function* () {
      const { stage, listings, layer } = yield* onAir()
      stage.changeKey(1, { enabled: false })
      listings.outcomes.change = { _tag: "Changed", key: aKey(1, { enabled: false }), now: NOW }
      stage.before["Sessions.requestStopsForInvalidKeys"] = () => Effect.sync(() => listings.keys.clear())
      const outcome = yield* inTime(changeKey(keyId(1), { enabled: false }).pipe(Effect.provide(layer)))
      assert.deepStrictEqual(outcome, listings.outcomes.change)
    })
  )
})

describe("describeKey and listKeys", () => {
  it.effect("pass on what the store says", () =>
    Effect.gen(function* () {
      const { listings, layer } = yield* onAir()
      const page = { limit: 10, after: null }
      const filter = { status: ["active"] } as const
      const [one, none, list] = yield* Effect.all([
        describeKey(keyId(1)),
        describeKey(keyId(9)),
        listKeys(filter, page)
      ]).pipe(Effect.provide(layer))
      assert.deepStrictEqual(one, Option.some({ key: listings.keys.get(keyId(1))!, now: NOW }))
      assert.deepStrictEqual(none, Option.none())
      assert.deepStrictEqual(list.items, [...listings.keys.values()])
      assert.deepStrictEqual(listings.asked.at(-1), ["listKeys", { ...filter, ofDeleted: false }, page])
      assert.notInclude(JSON.stringify([one, list]), keyValue(1))
    })
  )
})
