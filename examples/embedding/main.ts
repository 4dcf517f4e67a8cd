/**
 * Greenroom's core inside another program: no server, no network, no PostgreSQL. The memory adapters stand in for the store and
 * for the media server; everything else is what the server runs too.
 */
import { memory } from "@greenroom/adapters/memory"
import { authenticate, createBroadcaster, issueKey, type PublishRequest, revoke } from "@greenroom/core"
import { Effect } from "effect"

const program = Effect.gen(function* () {
  const studio = yield* createBroadcaster({ displayName: "Studio One", contact: null, metadata: {} })
  const order = { broadcasterId: studio.id, label: "Main camera", path: null, expiresAt: null }
  const issued = yield* issueKey(order)
  if (issued._tag !== "Issued") return yield* Effect.die(issued._tag)

  const ask = (sourceId: string): PublishRequest => ({ _tag: "Publish", path: issued.ingestPath, protocol: "rtmp", sourceId, key: issued.value })
  const before = yield* authenticate(ask("7d9f7b0a-6f0e-4b32-9d1c-1b1f6a1c0001"))
  yield* revoke(issued.key.id)
  const after = yield* authenticate(ask("7d9f7b0a-6f0e-4b32-9d1c-1b1f6a1c0002"))
  console.log(`before the revoke: ${before._tag}; after it: ${after._tag === "Refuse" ? after.reason : after._tag}`)
})

await Effect.runPromise(Effect.scoped(Effect.provide(program, memory)))
