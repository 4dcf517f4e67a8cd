/** Everything that takes a stream off the air by somebody's word: for one protocol. */
import { assert, type Vitest } from "@effect/vitest"
import { Effect } from "effect"
import type { Publishable } from "../worlds/Target.ts"
import { TestDeployment, waitFor } from "../worlds/TestDeployment.ts"
import { expireSoon, goOnAir, isOver, isRefusedWith, newBroadcaster, newKey, type OnAir } from "./acts.ts"

/** A browser has to miss its peer first. */
const NOTICED_WITHIN_MS = { rtmp: 1_000, rtsp: 1_000, srt: 1_000, webrtc: null, moq: 1_000 }
const UNPROMISED_MS = 60_000

/** The operator's word, and how long after it the encoder has ended and the stream is over. */
const takenOff = Effect.fnUntraced(function* (onAir: OnAir, call: { method: string; path: string; body?: unknown }) {
  const deployment = yield* TestDeployment
  const { protocol } = onAir.encoder
  const promised = NOTICED_WITHIN_MS[protocol]
  const gone = Effect.sync(() => (onAir.encoder.hasEnded() ? true : undefined))
  const [answer, { millis: ended }] = yield* Effect.all(
    [
      deployment.service.api.call<unknown>(call.method, call.path, call.body),
      waitFor(`the ${protocol} encoder ends`, gone, promised ?? UNPROMISED_MS)
    ],
    { concurrency: 2 }
  )
  assert.oneOf(answer.status, [200, 202, 204])
  return { ...answer, promised, ended }
})

export const takingOffAir = (it: Vitest.MethodsNonLive<TestDeployment>, protocol: Publishable): void => {
  it.effect("revoking the key ends its encoder within a second, for good", () =>
    Effect.gen(function* () {
      const deployment = yield* TestDeployment
      const onAir = yield* goOnAir(yield* newKey(), protocol)
      const revocation = { method: "DELETE", path: `/stream-keys/${onAir.key.id}` }
      const { status, millis, ended, promised } = yield* takenOff(onAir, revocation)
      deployment.measure({ what: "revoke to encoder ended", of: protocol, promised, millis: ended })
      deployment.measure({ what: "revoke to its answer", of: protocol, promised: 2_500, millis })
      assert.oneOf(status, [202, 204])
      yield* isOver(onAir, "revoked")
      const refused = yield* isRefusedWith(onAir.key, protocol, "stream_key_revoked")
      yield* refused.ended
      assert.strictEqual((yield* deployment.service.api.call("DELETE", `/stream-keys/${onAir.key.id}`)).status, 204)
    })
  )

  it.effect("disabling the key ends its encoder, and enabling it lets it back in", () =>
    Effect.gen(function* () {
      const { api } = (yield* TestDeployment).service
      const onAir = yield* goOnAir(yield* newKey(), protocol)
      const path = `/stream-keys/${onAir.key.id}`
      yield* takenOff(onAir, { method: "PATCH", path, body: { enabled: false } })
      yield* isOver(onAir, "disabled")
      const refused = yield* isRefusedWith(onAir.key, protocol, "stream_key_disabled")
      yield* refused.ended
      assert.strictEqual((yield* api.call("PATCH", path, { enabled: true })).status, 200)
      yield* goOnAir(onAir.key, protocol)
    })
  )

  it.effect("stopping the stream ends its encoder, which may come back", () =>
    Effect.gen(function* () {
      const onAir = yield* goOnAir(yield* newKey(), protocol)
      yield* takenOff(onAir, { method: "DELETE", path: `/streams/${onAir.stream.id}` })
      yield* isOver(onAir, "stopped")
      const again = yield* goOnAir(onAir.key, protocol)
      assert.notStrictEqual(again.stream.id, onAir.stream.id)
    })
  )

  it.effect("deleting the broadcaster ends all of its encoders, and its keys are dead", () =>
    Effect.gen(function* () {
      const { api } = (yield* TestDeployment).service
      const broadcaster = yield* newBroadcaster()
      const keys = [yield* newKey({ broadcaster }), yield* newKey({ broadcaster }), yield* newKey()]
      const [one, two, neighbour] = yield* Effect.forEach(keys, (key) => goOnAir(key, protocol), { concurrency: 3 })
      assert(one !== undefined && two !== undefined && neighbour !== undefined)
      yield* takenOff(one, { method: "DELETE", path: `/broadcasters/${broadcaster}` })
      yield* isOver(one, "broadcaster_deleted")
      yield* isOver(two, "broadcaster_deleted")
      const refused = yield* isRefusedWith(two.key, protocol, "stream_key_revoked")
      yield* refused.ended
      assert.strictEqual((yield* api.stream(neighbour.stream.id)).status, "active")
      assert.isFalse(neighbour.encoder.hasEnded())
    })
  )
}

/** `life`: from the moment at which its expiry is set. */
export const expiringOnAir = (it: Vitest.MethodsNonLive<TestDeployment>, protocol: Publishable, life: number): void => {
  it.effect("a key that expires on the air ends its encoder", () =>
    Effect.gen(function* () {
      const deployment = yield* TestDeployment
      const onAir = yield* goOnAir(yield* newKey(), protocol)
      const expiry = yield* expireSoon(onAir.key, life)
      yield* isOver(onAir, "expired", expiry.life + 5_000)
      deployment.measure({
        what: "expiry to over",
        of: protocol,
        promised: 5_000,
        millis: performance.now() - expiry.at
      })
      yield* onAir.encoder.ended
      yield* isRefusedWith(onAir.key, protocol, "stream_key_expired")
    })
  )
}
