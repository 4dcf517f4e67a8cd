/**
 * Greenroom's core inside another program: no server, no network, no PostgreSQL. The memory adapters stand in for the store and
 * for the media server; the use cases and the reconciler are the ones that the server runs.
 */
import { MemoryMediaServer, layer as memoryStore } from "@greenroom/adapters/memory"
import { JoseTokenSigner, NodeKeyMint } from "@greenroom/adapters/node"
import * as Greenroom from "@greenroom/core"
import { Simulator } from "@greenroom/mediamtx-simulator"
import { Effect, Layer } from "effect"

const settings = Layer.mergeAll(
  Layer.succeed(Greenroom.OperatorSecret, { hash: new Uint8Array(32) }),
  Layer.succeed(Greenroom.Endpoints, Greenroom.endpointsBehind("https://media.example.com")),
  Layer.succeed(Greenroom.ReconcilePolicy, { unauthorized: "kick", massKickLimit: 10, enforce: false, holder: "me" })
)
const keys = Layer.merge(NodeKeyMint.layer, JoseTokenSigner.layer)
const ports = Layer.mergeAll(memoryStore, MemoryMediaServer.layer(), keys, settings)
const greenroom = Layer.provideMerge(Greenroom.layerBackground, ports).pipe(Layer.provide(Simulator.layer()))

const program = Effect.gen(function* () {
  const studio = yield* Greenroom.createBroadcaster({ displayName: "Studio One", contact: null, metadata: {} })
  const order = { broadcasterId: studio.id, label: "Main camera", expiresAt: null }
  const issued = yield* Greenroom.issueKey(order)
  if (issued._tag !== "Issued") return yield* Effect.die(issued._tag)

  const ask = { _tag: "Publish", path: issued.ingestPath, protocol: "rtmp", key: issued.value } as const
  const decision = yield* Greenroom.authenticate({ ...ask, sourceId: "one connection" })
  const live = yield* Greenroom.listActive({ status: ["connecting"] }, { limit: null, after: null })
  console.log(`${decision._tag}: ${live.items.map(({ stream }) => `${stream.title} on ${stream.path}`).join()}`)

  yield* Greenroom.revoke(issued.key.id)
  const after = yield* Greenroom.authenticate({ ...ask, sourceId: "another connection" })
  console.log(`after the revocation: ${after._tag === "Refuse" ? after.reason : after._tag}`)
})

await Effect.runPromise(Effect.scoped(Effect.provide(program, greenroom)))
