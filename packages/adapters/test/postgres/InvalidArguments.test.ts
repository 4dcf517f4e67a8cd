/** A caller's mistake is answered as one: it never reaches PostgreSQL, whose refusal would look like an outage. */
import { assert, layer } from "@effect/vitest"
import {
  type BroadcasterId,
  createBroadcaster,
  describeBroadcaster,
  describeKey,
  Endpoints,
  issueKey,
  type KeyGenerator,
  listActive,
  listKeys,
  MediaServer,
  noEndpoints,
  noneEnabled,
  type PageRequest,
  type Repositories,
  type StreamId,
  type StreamKeyId,
  streamEvents
} from "@greenroom/core"
import { DateTime, Effect, Layer } from "effect"
import * as NodeKeyGenerator from "../../src/node/NodeKeyGenerator.ts"
import { usePostgresWorld } from "../fixtures/postgresWorld.ts"

const id = "00000000-0000-4000-8000-000000000001"
const page = { limit: 10, after: null }
const after = (position: object): PageRequest => ({ limit: 10, after: position as never })

type Call = Effect.Effect<unknown, { readonly _tag: string }, Endpoints | KeyGenerator | MediaServer | Repositories>

const calls: Readonly<Record<string, Call>> = {
  "an id that is no id": describeKey("xyz" as StreamKeyId),
  "an id with NUL": describeBroadcaster(`${id}\u0000` as BroadcasterId),
  "a label with NUL": issueKey({ broadcasterId: id as BroadcasterId, label: "a\u0000b", path: null, expiresAt: null }),
  "a name with NUL": createBroadcaster({ displayName: "a\u0000b", contact: null, metadata: {} }),
  "metadata with NUL": createBroadcaster({ displayName: "a", contact: null, metadata: { a: "\u0000" } }),
  "a path with NUL": listActive({ status: ["active"], path: "live/\u0000" }, page),
  "a date beyond year 9999": listKeys({}, after({ at: DateTime.makeUnsafe(8.64e15), id })),
  "a position without an id": listKeys({}, after({ at: DateTime.makeUnsafe(0), id: "first" })),
  "a limit that is no whole number": listKeys({}, { limit: 1.5, after: null }),
  "a number of an event that is too large": streamEvents(id as StreamId, 2 ** 40, 10)
}

const rest = Layer.mergeAll(
  NodeKeyGenerator.layer,
  Layer.succeed(Endpoints)(noEndpoints),
  Layer.mock(MediaServer)({ enabled: Effect.succeed(noneEnabled) })
)

layer(usePostgresWorld())("over PostgreSQL", (it) => {
  for (const [what, call] of Object.entries(calls)) {
    it.effect(`${what} is the caller's mistake`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(call)
        assert.strictEqual(error._tag, "InvalidArgument")
      }).pipe(Effect.provide(rest))
    )
  }
})
