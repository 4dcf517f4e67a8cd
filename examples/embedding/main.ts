/**
 * Greenroom's core inside another program: no server, no network, no PostgreSQL. The memory adapters stand in for the store and
 * for the media server; the use cases and the reconciler are the ones that the server runs.
 */
import { MemoryMediaServer, layer as memoryStore } from "@greenroom/adapters/memory"
import { NodeKeyMint } from "@greenroom/adapters/node"
import { MediaWorld } from "@greenroom/adapters/twin"
import * as Greenroom from "@greenroom/core"
import { Effect, Layer, Redacted } from "effect"

const policies = Layer.mergeAll(
  Layer.succeed(Greenroom.OperatorSecret, { hash: new Uint8Array(32) }),
  Layer.succeed(Greenroom.Addresses, Greenroom.addressesOf("https://media.example.com")),
  Layer.succeed(Greenroom.ReconcilePolicy, { unauthorized: "kick", massKickLimit: 10, enforce: false, holder: "me" })
)
const ports = Layer.mergeAll(memoryStore, MemoryMediaServer.layer(), NodeKeyMint.layer, policies)
const greenroom = Greenroom.Reconciler.layer.pipe(Layer.provideMerge(ports), Layer.provideMerge(MediaWorld.layer()))

const program = Effect.gen(function* () {
  const media = yield* MediaWorld.MediaWorld
  const studio = yield* Greenroom.createBroadcaster({ displayName: "Studio One", contact: null, metadata: {} })
  const order = { broadcasterId: studio.id, label: "Main camera", path: null, expiresAt: null }
  const issued = yield* Greenroom.issueKey(order)
  if (issued._tag !== "Issued") return yield* Effect.die(issued._tag)

  // The encoder connects; the media server asks; we say yes.
  const encoder = yield* media.publish({
    protocol: "rtsp",
    path: issued.ingestPath,
    password: Redacted.value(issued.value)
  })
  const ask = {
    _tag: "Publish",
    path: encoder.path,
    protocol: "rtsp",
    sourceId: encoder.id,
    key: issued.value
  } as const
  const before = yield* Greenroom.authenticate(ask)
  yield* encoder.ready
  const live = yield* Greenroom.listActive({ status: ["connecting", "active"] }, { limit: null, after: null })
  console.log(`${before._tag}: ${live.items.map(({ stream, urls }) => `${stream.title} at ${urls.hls}`).join()}`)

  // The key is revoked; the encoder is off the air when this returns.
  yield* Greenroom.revoke(issued.key.id)
  const after = yield* Greenroom.authenticate({ ...ask, sourceId: "another connection" })
  console.log(`${yield* encoder.closed}; then ${after._tag === "Refuse" ? after.reason : after._tag}`)
})

await Effect.runPromise(Effect.scoped(Effect.provide(program, greenroom)))
