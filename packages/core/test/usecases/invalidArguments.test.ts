/** Every use case that takes an id, a path, a text, a date or a page refuses a wrong one before it does anything, and names each fault. */
import { assert, describe, it } from "@effect/vitest"
import {
  annotateStream,
  changeBroadcaster,
  changeKey,
  createBroadcaster,
  describeBroadcaster,
  describeBroadcasterByExternalId,
  describeIngest,
  describeKey,
  describeStream,
  describeWorker,
  Endpoints,
  forceStop,
  InvalidArgument,
  issueKey,
  type KeyGenerator,
  listActive,
  listBroadcasters,
  listKeys,
  listWorkers,
  MediaServer,
  noEndpoints,
  Reconciler,
  type Repositories,
  removeBroadcaster,
  revoke,
  stopStream,
  streamEvents,
  upsertBroadcaster,
  WorkersOn
} from "@greenroom/core"
import { listSince, validateKeyRequest } from "@greenroom/core/internal"
import { DateTime, Effect, Layer } from "effect"
import { broadcasterId, keyId, NOW, streamId } from "../support/arbitraries.ts"
import { aKey, makeListings } from "../support/listings.ts"
import { makeStage } from "../support/stage.ts"

const UUID = "Expected a UUID"
const page = { limit: 10, after: null }
const key = `sk_${"a".repeat(43)}`
const farFuture = DateTime.makeUnsafe(8.64e15)

type Ports = Endpoints | KeyGenerator | MediaServer | Reconciler | Repositories
type Call = Effect.Effect<unknown, { readonly _tag: string }, Ports>

/** What was called, where its arguments are wrong, and what was expected there. The arguments are as plain JavaScript gives them. */
const wrong: ReadonlyArray<readonly [name: string, call: Call, faults: Readonly<Record<string, string>>]> = [
  [
    "createBroadcaster",
    createBroadcaster({ displayName: "", contact: 7, metadata: { a: key }, externalId: "a\nb" } as never),
    {
      displayName: "Expected 1 to 255 characters",
      contact: "Expected string | null",
      "metadata.a": "Expected strings without a stream key in them",
      externalId: "Expected text without control characters"
    }
  ],
  [
    "createBroadcaster",
    createBroadcaster(undefined as never),
    {
      displayName: "Missing key",
      contact: "Missing key",
      metadata: "Missing key"
    }
  ],
  [
    "upsertBroadcaster",
    upsertBroadcaster(" " as never, { displayName: "x".repeat(256) }),
    { externalId: "Expected text that is not blank", displayName: "Expected 1 to 255 characters" }
  ],
  [
    "listBroadcasters",
    listBroadcasters({ limit: 0, after: null }),
    { limit: "Expected a value between 1 and 2147483647" }
  ],
  ["describeBroadcaster", describeBroadcaster("xyz" as never), { id: UUID }],
  [
    "describeBroadcasterByExternalId",
    describeBroadcasterByExternalId("" as never),
    { externalId: "Expected 1 to 255 characters" }
  ],
  ["changeBroadcaster", changeBroadcaster("xyz" as never, {}), { id: UUID }],
  ["removeBroadcaster", removeBroadcaster("xyz" as never), { id: UUID }],
  [
    "issueKey",
    issueKey({ broadcasterId: "xyz", label: "\u0000", path: "live/../x", expiresAt: farFuture } as never),
    {
      broadcasterId: UUID,
      label: "Expected text without control characters",
      path: "Expected a path without dot segments",
      expiresAt: "Expected a time of the years 1 to 9999"
    }
  ],
  [
    "issueKey",
    issueKey({ broadcasterId: broadcasterId(1), label: null, expiresAt: "2030-01-01T00:00:00Z" } as never),
    { expiresAt: "Expected DateTime.Utc" }
  ],
  ["validateKeyRequest", validateKeyRequest({ broadcasterId: "xyz" as never }), { broadcasterId: UUID }],
  [
    "listKeys",
    listKeys({ status: ["good"] } as never, page),
    { "status.0": 'Expected "revoked" | "expired" | "disabled" | "in_use" | "active"' }
  ],
  ["describeKey", describeKey("xyz" as never), { id: UUID }],
  ["describeIngest", describeIngest("xyz" as never), { id: UUID }],
  [
    "changeKey",
    changeKey("xyz" as never, { label: "\u0000" as never, enabled: "no" as never, playback: "all" as never }),
    {
      id: UUID,
      label: "Expected text without control characters",
      enabled: "Expected boolean",
      playback: 'Expected "public" | "token"'
    }
  ],
  ["revoke", revoke("xyz" as never), { id: UUID }],
  ["revoke", revoke(undefined as never), { id: "Missing key" }],
  [
    "listActive",
    listActive({ status: [], path: "live//x" } as never, { limit: 1.5, after: { at: NOW, id: "1" } }),
    {
      "status.0": "Missing key",
      path: "Expected a path without empty segments (no slash at either end, no two in a row)",
      limit: "Expected an integer",
      "after.id": UUID
    }
  ],
  [
    "listSince",
    listSince({ status: ["live"] } as never, page, null),
    { "status.0": 'Expected "connecting" | "active" | "inactive"' }
  ],
  ["describeStream", describeStream("xyz" as never), { id: UUID }],
  [
    "streamEvents",
    streamEvents("xyz" as never, -1, 2 ** 40),
    {
      id: UUID,
      afterSeq: "Expected a value between 0 and 2147483647",
      limit: "Expected a value between 1 and 2147483647"
    }
  ],
  [
    "annotateStream",
    annotateStream(streamId(1), { title: "", metadata: null } as never),
    {
      title: "Expected 1 to 255 characters",
      metadata: "Expected object"
    }
  ],
  ["stopStream", stopStream("xyz" as never), { id: UUID }],
  ["forceStop", forceStop("xyz" as never), { id: UUID }],
  [
    "listWorkers",
    listWorkers(["good"] as never, page),
    { "states.0": 'Expected "idle" | "connecting" | "running" | "retrying" | "stopped" | "failed"' }
  ],
  ["describeWorker", describeWorker("a b" as never), { id: "Expected 1 to 128 letters, digits, _ and -" }]
]

const scene = () => {
  const listings = makeListings(makeStage())
  listings.keys.set(keyId(1), aKey(1))
  const unused = Layer.mergeAll(Layer.mock(Reconciler)({}), Layer.mock(MediaServer)({}))
  const layer = Layer.mergeAll(
    listings.layer,
    unused,
    Layer.succeed(Endpoints)(noEndpoints),
    Layer.succeed(WorkersOn)(true)
  )
  return { listings, layer }
}

describe("a wrong argument", () => {
  for (const [name, call, faults] of wrong) {
    it.effect(`of ${name} is refused before anything is asked: ${Object.keys(faults)}`, () =>
      Effect.gen(function* () {
        const { listings, layer } = scene()
        const error = yield* Effect.flip(call.pipe(Effect.provide(layer)))
        assert.instanceOf(error, InvalidArgument)
        assert.strictEqual(error.operation, name)
        assert.deepStrictEqual(
          Object.fromEntries(error.faults.map(({ path, expected }) => [path.join("."), expected])),
          faults
        )
        assert.isTrue(error.message.startsWith(`${name}: `) && !error.message.includes(key))
        assert.deepStrictEqual(listings.asked, [])
      })
    )
  }
})

describe("an argument that is unusual and right", () => {
  it.effect("is taken: an id in upper case is folded, a field that is there as undefined is absent", () =>
    Effect.gen(function* () {
      const { listings, layer } = scene()
      yield* Effect.all([
        describeKey(keyId(0xabc).toUpperCase() as never),
        changeKey(keyId(1), { label: undefined, enabled: true } as never),
        changeBroadcaster(broadcasterId(1), { displayName: undefined } as never)
      ]).pipe(Effect.provide(layer))
      assert.deepStrictEqual(listings.asked, [
        ["findKey", keyId(0xabc)],
        ["findKey", keyId(1)],
        ["change", keyId(1), { enabled: true }],
        ["findBroadcaster", broadcasterId(1)]
      ])
    })
  )

  it.effect("is taken: a page without a limit after the last item of the page before", () =>
    Effect.gen(function* () {
      const { listings, layer } = scene()
      const next = { limit: null, after: { at: NOW, id: keyId(1) } }
      yield* listKeys({}, next).pipe(Effect.provide(layer))
      assert.deepStrictEqual(listings.asked, [["listKeys", { ofDeleted: false }, next]])
    })
  )
})
