/** Broadcasters, stream keys and streams as that frontend calls them. */
import { randomBytes } from "node:crypto"
import {
  BroadcasterId,
  changeBroadcaster,
  createBroadcaster,
  DisplayName,
  describeBroadcaster,
  describeKey,
  describeStream,
  Endpoints,
  issueKey,
  listActive,
  listBroadcasters,
  listKeys,
  Metadata,
  type NewPathLimit,
  removeBroadcaster,
  revoke,
  StreamId,
  StreamKeyId,
  Timestamp
} from "@greenroom/core"
import { Effect, Layer, Redacted, Schema } from "effect"
import { failWith, invalid } from "../problems/Problem.ts"
import { foundOr } from "../routes/handling.ts"
import { broadcasterShown, keyShown, streamShown } from "./frontendShapes.ts"
import { answer, bodyOf, done, idAs, listOf, wholeOf } from "./mountAnswers.ts"
import { signedRoute } from "./signedRoute.ts"

const unknown = {
  broadcaster: "No broadcaster has this id",
  key: "No stream key has this id",
  stream: "No stream, live or past, has this id"
}
const broadcasterId = idAs(BroadcasterId, unknown.broadcaster)
const keyId = idAs(StreamKeyId, unknown.key)
const streamId = idAs(StreamId, unknown.stream)
const found = (what: keyof typeof unknown) => foundOr(failWith("not-found", unknown[what]))

const metadata = Schema.optionalKey(Metadata)
const newBroadcaster = bodyOf(Schema.Struct({ display_name: DisplayName, metadata }))
const broadcasterChanges = bodyOf(Schema.Struct({ display_name: Schema.optionalKey(DisplayName), metadata }))
const newKey = bodyOf(
  Schema.Struct({ broadcaster_id: BroadcasterId, expires_at: Schema.optionalKey(Schema.NullOr(Timestamp)) })
)

const broadcasters = Layer.mergeAll(
  signedRoute("GET", "/broadcasters", null, () =>
    Effect.flatMap(wholeOf(listBroadcasters), (items) => listOf("broadcasters", items, broadcasterShown))
  ),
  signedRoute("GET", "/broadcasters/:id", null, () =>
    broadcasterId.pipe(
      Effect.flatMap(describeBroadcaster),
      Effect.flatMap(found("broadcaster")),
      Effect.flatMap((one) => answer(broadcasterShown(one)))
    )
  ),
  signedRoute("POST", "/broadcasters", "broadcaster.create", (text) =>
    newBroadcaster(text).pipe(
      Effect.flatMap(({ display_name, metadata = {} }) =>
        createBroadcaster({ displayName: display_name, contact: null, metadata })
      ),
      Effect.flatMap((created) => answer(broadcasterShown(created), 201))
    )
  ),
  signedRoute("PATCH", "/broadcasters/:id", "broadcaster.change", (text) =>
    Effect.gen(function* () {
      const id = yield* broadcasterId
      const { display_name, metadata } = yield* broadcasterChanges(text)
      const changed = yield* changeBroadcaster(id, {
        ...(display_name === undefined ? {} : { displayName: display_name }),
        ...(metadata === undefined ? {} : { metadata })
      })
      return yield* answer(broadcasterShown(yield* found("broadcaster")(changed)))
    })
  ),
  signedRoute("DELETE", "/broadcasters/:id", "broadcaster.delete", () =>
    broadcasterId.pipe(Effect.flatMap(removeBroadcaster), Effect.flatMap(found("broadcaster")), Effect.as(done))
  )
)

/** The frontend puts the key behind its ingest URL, which names no path, so a key's own path has one segment. */
const newPath = (): NewPathLimit => randomBytes(4).toString("hex") as NewPathLimit

/** What an encoder takes for its stream key: the path, and the key in the query, because paths are public. */
const streamKeyOf = (path: string, value: Redacted.Redacted<string>): string =>
  `${path}?user=greenroom&pass=${Redacted.value(value)}`

const issue = Effect.fnUntraced(function* (text: string) {
  const { broadcaster_id, expires_at = null } = yield* newKey(text)
  const request = { broadcasterId: broadcaster_id, label: null, expiresAt: expires_at }
  const outcome = yield* issueKey({ ...request, path: newPath() })
  switch (outcome._tag) {
    case "Issued":
      return yield* answer({ ...keyShown(outcome), key_value: streamKeyOf(outcome.ingestPath, outcome.value) }, 201)
    case "UnknownBroadcaster":
      return yield* invalid([{ pointer: "/broadcaster_id", detail: "Expected the id of a broadcaster that exists" }])
    case "ExpiryInPast":
      return yield* invalid([{ pointer: "/expires_at", detail: "Expected a time in the future" }])
    default:
      return yield* failWith("conflict", "The path that was chosen belongs to another broadcaster: try again")
  }
})

const keys = Layer.mergeAll(
  signedRoute("GET", "/stream-keys", null, () =>
    Effect.flatMap(
      wholeOf((page) =>
        Effect.map(listKeys({}, page), ({ items, now, next }) => ({
          items: items.map((key) => ({ key, now })),
          now,
          next
        }))
      ),
      (keys) => listOf("stream_keys", keys, keyShown)
    )
  ),
  signedRoute("GET", "/stream-keys/:id", null, () =>
    keyId.pipe(
      Effect.flatMap(describeKey),
      Effect.flatMap(found("key")),
      Effect.flatMap((key) => answer(keyShown(key)))
    )
  ),
  signedRoute("POST", "/stream-keys", "stream_key.create", issue),
  signedRoute("DELETE", "/stream-keys/:id", "stream_key.revoke", () =>
    keyId.pipe(Effect.flatMap(revoke), Effect.flatMap(found("key")), Effect.as(done))
  )
)

const streams = Layer.mergeAll(
  signedRoute("GET", "/streams", null, () =>
    Effect.gen(function* () {
      const endpoints = yield* Endpoints
      const views = yield* wholeOf((page) => listActive({ status: ["active"] }, page))
      return yield* listOf("streams", views, (view) => streamShown(view, endpoints))
    })
  ),
  signedRoute("GET", "/streams/:id", null, () =>
    Effect.gen(function* () {
      const view = yield* found("stream")(yield* describeStream(yield* streamId))
      return yield* answer(streamShown(view, yield* Endpoints))
    })
  )
)

export const layer = Layer.mergeAll(broadcasters, keys, streams)
