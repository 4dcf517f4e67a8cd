/** Keys that are rotated, and kept off their path for a while: for one protocol. */
import { assert, type Vitest } from "@effect/vitest"
import { Effect } from "effect"
import type { IssuedKey } from "../worlds/Api.ts"
import type { Publishable } from "../worlds/Target.ts"
import { TestDeployment } from "../worlds/TestDeployment.ts"
import { goesOn, goOnAir, isOver, isRefusedWith, newKey } from "./acts.ts"

const rotated = Effect.fnUntraced(function* (key: IssuedKey, overlapSeconds: number) {
  const { api } = (yield* TestDeployment).service
  const order = { overlap_seconds: overlapSeconds }
  const { status, body } = yield* api.call<IssuedKey>("POST", `/stream-keys/${key.id}/rotate`, order)
  assert.strictEqual(status, 201)
  return { fresh: body, at: performance.now() }
})

export const rotating = (it: Vitest.MethodsNonLive<TestDeployment>, protocol: Publishable): void => {
  it.effect(
    "a rotation with an overlap disturbs no encoder; one with the new key takes over, and not the other way round",
    () =>
      Effect.gen(function* () {
        const old = yield* goOnAir(yield* newKey(), protocol)
        const { fresh } = yield* rotated(old.key, 600)
        yield* goesOn(old)
        const next = yield* goOnAir(fresh, protocol)
        assert.strictEqual(next.stream.path, old.stream.path)
        yield* isOver(old, "superseded")
        yield* old.encoder.ended
        const refused = yield* isRefusedWith(old.key, protocol, "path_in_use")
        yield* refused.ended
        yield* goesOn(next)
      })
  )

  it.effect("when the overlap ends so does the old key's encoder, and the new key has the path", () =>
    Effect.gen(function* () {
      const deployment = yield* TestDeployment
      const old = yield* goOnAir(yield* newKey(), protocol)
      const { fresh, at } = yield* rotated(old.key, 2)
      yield* isOver(old, "revoked", 7_000)
      const millis = performance.now() - at - 2_000
      deployment.measure({ what: "end of an overlap to over", of: protocol, promised: 5_000, millis })
      yield* old.encoder.ended
      const refused = yield* isRefusedWith(old.key, protocol, "stream_key_revoked")
      yield* refused.ended
      yield* goOnAir(fresh, protocol)
    })
  )

  it.effect("a stop with a block keeps its encoder off until the block is lifted", () =>
    Effect.gen(function* () {
      const { api } = (yield* TestDeployment).service
      const onAir = yield* goOnAir(yield* newKey(), protocol)
      const { status } = yield* api.call("DELETE", `/streams/${onAir.stream.id}?block_seconds=3600`)
      assert.oneOf(status, [202, 204])
      yield* isOver(onAir, "stopped")
      const refused = yield* isRefusedWith(onAir.key, protocol, "stream_key_blocked")
      yield* refused.ended
      yield* api.call("PATCH", `/stream-keys/${onAir.key.id}`, { blocked_until: null })
      yield* goOnAir(onAir.key, protocol)
    })
  )
}
