/**
 * A store is all of its ports. With `Leases` of one store and `Sessions` of another, the leader's changes were never written and a publisher
 * stayed `connecting` for ever. So a port cannot be provided alone, and of two stores one is used, whole.
 */
import { assert, it } from "@effect/vitest"
import { MemoryMediaServer, layer as memoryStore } from "@greenroom/adapters/memory"
import { JoseTokenSigner, NodeKeyMint } from "@greenroom/adapters/node"
import {
  authenticate,
  createBroadcaster,
  Endpoints,
  issueKey,
  Leases,
  layerBackground,
  listActive,
  noEndpoints,
  OperatorSecret,
  ReconcilePolicy,
  type Repositories,
  replacePorts,
  Sessions
} from "@greenroom/core"
import { Simulator } from "@greenroom/mediamtx-simulator"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { collector, metered } from "../support/logs.ts"

const settings = Layer.mergeAll(
  Layer.succeed(OperatorSecret, { hash: new Uint8Array(32) }),
  Layer.succeed(Endpoints, noEndpoints),
  Layer.succeed(ReconcilePolicy, { unauthorized: "kick", massKickLimit: 10, enforce: false, holder: "me" })
)

/** The state of a publisher's stream a minute after its admission. */
const stateAfterAMinute = (store: Layer.Layer<Repositories>) => {
  const ports = Layer.mergeAll(store, MemoryMediaServer.layer(), NodeKeyMint.layer, JoseTokenSigner.layer, settings)
  const greenroom = Layer.provideMerge(layerBackground, ports).pipe(Layer.provideMerge(Simulator.layer()))
  return Effect.gen(function* () {
    const studio = yield* createBroadcaster({ displayName: "Studio", contact: null, metadata: {} })
    const issued = yield* issueKey({ broadcasterId: studio.id, label: null, expiresAt: null })
    if (issued._tag !== "Issued") return assert.fail(issued._tag)
    const call = { path: issued.ingestPath, protocol: "srt" } as const
    const publisher = yield* Effect.flatMap(Simulator.Simulator, (simulator) => simulator.publish(call))
    yield* authenticate({ ...call, _tag: "Publish", key: issued.value, sourceId: publisher.authId })
    yield* TestClock.adjust("1 minute")
    const live = yield* listActive({ status: ["connecting", "active"] }, { limit: null, after: null })
    return live.items.map(({ stream }) => stream.state._tag)
  }).pipe(Effect.provide(greenroom, { local: true }))
}

/** Another store, as one that is brought beside ours. */
const foreignStore = Layer.fresh(memoryStore)
const foreignLeases = Effect.scoped(Effect.provide(Leases, foreignStore))

it.effect("of two stores one is used for everything, and a publisher becomes active", () =>
  Effect.gen(function* () {
    const { result, counts } = yield* metered(stateAfterAMinute(memoryStore))
    assert.deepStrictEqual(result, ["Active"])
    assert.strictEqual(counts["greenroom_degraded kind=changes_not_written"], 0)
    assert.deepStrictEqual(yield* stateAfterAMinute(Layer.merge(memoryStore, foreignStore)), ["Active"])
  })
)

it.effect("a port cannot be provided beside a store", () =>
  Effect.gen(function* () {
    const leases = yield* foreignLeases
    // @ts-expect-error A port is no key of a context.
    const provided = () => Layer.succeed(Leases, leases)
    assert.isFunction(provided)
    // @ts-expect-error A part of a store is no store.
    const parts: Layer.Layer<Repositories> = Layer.effect(Leases, Effect.succeed(leases))
    assert.isDefined(parts)
  })
)

it.effect("ports are replaced on purpose, by name; that the leader's changes are not written then is a condition", () =>
  Effect.gen(function* () {
    const leases = yield* foreignLeases
    const replaced = replacePorts(() => ({ leases })).pipe(Layer.provide(memoryStore))
    const [used, sessions] = yield* Effect.all([Leases, Sessions]).pipe(Effect.provide(replaced, { local: true }))
    assert.strictEqual(used, leases)
    assert.isDefined(sessions.open)
    const log = collector()
    const { result, counts } = yield* metered(Effect.provide(stateAfterAMinute(replaced), log.layer))
    assert.deepStrictEqual(result, ["Connecting"], "which is why the laws come first")
    const lines = log
      .said()
      .filter((line) => line.startsWith("ERROR the store does not write the changes of the leader"))
    assert.lengthOf(lines, 1, "it is logged once, however long it lasts")
    assert.strictEqual(counts["greenroom_degraded kind=changes_not_written"], 1)
  })
)
