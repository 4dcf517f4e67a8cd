/** Who gets in, who does not, and that the one does not suffer from the others: for one protocol. */
import { assert, type Vitest } from "@effect/vitest"
import { Effect } from "effect"
import { bent, type Publishable, pathOf, sourceTypes, targetOf } from "../worlds/Target.ts"
import { listen, TestDeployment } from "../worlds/TestDeployment.ts"
import {
  goesOn,
  goOnAir,
  isRefused,
  isRefusedWith,
  LISTED_WITHIN_MS,
  listed,
  neverPublished,
  newBroadcaster,
  newExpiredKey,
  newKey,
  someName,
  unlisted
} from "./acts.ts"

/** SRT's silence is noticed after `readTimeout`, 4 s; a browser's is a matter of ICE, and nothing is promised. */
const UNLISTED_WITHIN_MS = { rtmp: 5_000, rtsp: 5_000, srt: 6_000, webrtc: null }
const UNPROMISED_MS = 60_000

export const publishing = (it: Vitest.MethodsNonLive<TestDeployment>, protocol: Publishable): void => {
  it.effect("publishes as its key's instructions say, is listed, and its URLs play", () =>
    Effect.gen(function* () {
      const deployment = yield* TestDeployment
      const { api } = deployment.service
      const key = yield* newKey({ label: "Camera one" })
      const began = performance.now()
      const { stream } = yield* goOnAir(key, protocol)
      const what = "first packet to listed"
      deployment.measure({ what, of: protocol, promised: LISTED_WITHIN_MS, millis: performance.now() - began })

      assert.strictEqual(stream.source_type, sourceTypes[protocol])
      assert.strictEqual(stream.protocol, protocol)
      assert.strictEqual(stream.path, pathOf(key))
      assert.strictEqual(stream.title, "Camera one")
      assert.include(
        stream.tracks.map(({ codec }) => codec),
        "H264"
      )
      const { status, active_stream_id } = yield* api.key(key.id)
      assert.deepStrictEqual({ status, active_stream_id }, { status: "in_use", active_stream_id: stream.id })
      const frames = yield* Effect.forEach(
        [stream.urls.hls, stream.urls.rtsp],
        (url) => (url === null ? Effect.succeed(0) : deployment.framesAt(url)),
        { concurrency: 2 }
      )
      for (const read of frames) assert.isAbove(read, 0)
    })
  )

  it.effect("everybody else is refused, each for their own reason, and the first goes on", () =>
    Effect.gen(function* () {
      const { api } = (yield* TestDeployment).service
      const broadcaster = yield* newBroadcaster()
      const expired = yield* newExpiredKey({ broadcaster })
      const [own, other] = [someName("studio"), someName("stage")]
      const first = yield* goOnAir(yield* newKey({ broadcaster }), protocol)
      const good = yield* newKey({ broadcaster })
      const limited = yield* newKey({ broadcaster, path: own })
      const theirs = yield* newKey({ path: other })
      const stranger = yield* newKey()
      const revoked = yield* newKey({ broadcaster })
      assert.strictEqual((yield* api.call("DELETE", `/stream-keys/${revoked.id}`)).status, 204)
      const disabled = yield* newKey({ broadcaster })
      assert.strictEqual((yield* api.call("PATCH", `/stream-keys/${disabled.id}`, { enabled: false })).status, 200)

      const elsewhere = someName("live/elsewhere")
      const refused = yield* Effect.all([
        isRefused("a second publisher with the key", targetOf(first.key, protocol), "stream_key_in_use"),
        isRefused("the key on another path", bent(first.key, protocol, { path: elsewhere }), "stream_key_in_use"),
        isRefused("a good key on a busy path", bent(good, protocol, { path: pathOf(first.key) }), "path_in_use"),
        isRefused("an unknown key", bent(good, protocol, { secret: api.inventKey() }), "invalid_stream_key"),
        isRefusedWith(revoked, protocol, "stream_key_revoked"),
        isRefusedWith(disabled, protocol, "stream_key_disabled"),
        isRefusedWith(expired, protocol, "stream_key_expired"),
        isRefused(
          "a key in the path",
          bent(good, protocol, { path: `live/${good.key_value}`, secret: "" }),
          "path_not_allowed"
        ),
        isRefused("a path that is not the key's", bent(limited, protocol, { path: elsewhere }), "path_not_allowed"),
        isRefused("another broadcaster's path", bent(good, protocol, { path: other }), "path_not_allowed"),
        isRefused(
          "another broadcaster's own path, without a limit",
          bent(stranger, protocol, { path: pathOf(first.key) }),
          "path_not_allowed"
        ),
        isRefused("no key at all", bent(good, protocol, { path: elsewhere, secret: "" }), "unauthorized")
      ])
      for (const encoder of refused) yield* encoder.ended
      for (const key of [good, limited, theirs, stranger, revoked, disabled, expired]) yield* neverPublished(key)
      yield* goesOn(first)
    })
  )

  it.effect("an encoder that is killed is unlisted, and its key then publishes again at the first try", () =>
    Effect.gen(function* () {
      const deployment = yield* TestDeployment
      const { key, encoder, stream } = yield* goOnAir(yield* newKey(), protocol)
      yield* encoder.kill
      const promised = UNLISTED_WITHIN_MS[protocol]
      const millis = yield* unlisted(key, promised ?? UNPROMISED_MS)
      deployment.measure({ what: "encoder killed to unlisted", of: protocol, promised, millis })
      const over = yield* deployment.service.api.stream(stream.id)
      assert.deepStrictEqual([over.status, over.end_reason], ["inactive", "disconnected"])
      const again = yield* goOnAir(key, protocol)
      assert.notStrictEqual(again.stream.id, stream.id)
    })
  )
}

/** RTMP alone has a long way from its admission to being ready. */
export const killedBeforeReady = (it: Vitest.MethodsNonLive<TestDeployment>): void => {
  it.effect("an RTMP client that is killed 1.5 s after it connected, before it is ready, leaves its key free", () =>
    Effect.gen(function* () {
      const deployment = yield* TestDeployment
      const key = yield* newKey()
      const heard = yield* listen
      const early = yield* deployment.encodeSlowly(targetOf(key, "rtmp"))
      yield* heard.first("yes", (line) => line.stream_key_id === key.id && line.decision === "allow")
      yield* Effect.sleep("1500 millis")
      yield* early.kill
      const began = performance.now()
      const next = yield* goOnAir(key, "rtmp")
      const what = "killed before ready to next listed"
      deployment.measure({ what, of: "rtmp", promised: null, millis: performance.now() - began })
      const streams = yield* deployment.service.api.streams(`status=connecting,active,inactive&stream_key_id=${key.id}`)
      assert.strictEqual(streams.length, 2)
      const { value } = yield* listed(key)
      assert.strictEqual(value.id, next.stream.id)
    })
  )
}
