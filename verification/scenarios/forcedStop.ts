/**
 * What is left to hooks and to the operator: hooks while nobody can look, a stream that is ended without the media server's word, and a
 * media server that is full of publishers whom nobody admitted.
 */
import { randomBytes } from "node:crypto"
import { assert, type Vitest } from "@effect/vitest"
import { Effect } from "effect"
import type { IssuedKey } from "../worlds/Api.ts"
import { Cluster } from "../worlds/Cluster.ts"
import { goesWrong } from "../worlds/HttpRelay.ts"
import { bent, type Publishable, sourceTypes } from "../worlds/Target.ts"
import { TestDeployment, waitFor } from "../worlds/TestDeployment.ts"
import { eventsOf, goesOn, goOnAir, isRefusedWith, letIn, listed, newKey, someName } from "./acts.ts"
import { type Hook, sendHook } from "./mediaServerCalls.ts"
import { asksNobody } from "./unauthorizedPublishers.ts"

/** More than the ten whom a look may kick. */
const STRANGERS = 12
/** So many leave by themselves that the rest would not be too many. */
const LEAVE = 3
const SEVERAL_LOOKS = "2500 millis"

interface Found {
  readonly fresh: boolean
  readonly unauthorized: number | null
  readonly held_back: number | null
}

const admission = Effect.fnUntraced(function* (key: IssuedKey, protocol: Publishable) {
  const { encoder, admission: said } = yield* letIn(key, protocol)
  const sourceId = said.source_id ?? ""
  const [stream] = yield* (yield* TestDeployment).service.api.streams(
    `status=connecting,active&stream_key_id=${key.id}`
  )
  assert.strictEqual(stream?.source_id, sourceId)
  return { encoder, sourceId, streamId: stream!.id, path: stream!.path }
})

/** With nobody in between who is told in time: a source is gone, and its key is not free. */
const leftUnseen = Effect.gen(function* () {
  const { controlApi } = yield* Cluster
  const onAir = yield* goOnAir(yield* newKey(), "rtsp")
  yield* goesWrong(controlApi, { _tag: "Silent" })
  yield* onAir.encoder.kill
  yield* isRefusedWith(onAir.key, "rtsp", "stream_key_in_use")
  return onAir
})

export const forcedStop = (it: Vitest.MethodsNonLive<TestDeployment | Cluster>): void => {
  it.effect("while nobody can look, the hooks of admitted sources are believed, and a look has the last word", () =>
    Effect.gen(function* () {
      const { service } = yield* TestDeployment
      const { api } = service
      const { controlApi } = yield* Cluster
      yield* goesWrong(controlApi, { _tag: "Silent" })
      const key = yield* newKey()
      // Of an RTSP encoder a not-ready is not believed: it may be a pause.
      const first = yield* admission(key, "rtmp")
      const of = (event: Hook["event"], { path, sourceId }: typeof first): Hook => ({
        event,
        path,
        sourceId,
        sourceType: sourceTypes.rtmp
      })
      const becomes = (streamId: string, status: string) =>
        waitFor(
          `it is ${status}`,
          Effect.map(api.stream(streamId), (stream) => (stream.status === status ? true : undefined)),
          5_000
        )
      yield* sendHook(service, of("ready", first))
      yield* becomes(first.streamId, "active")
      yield* first.encoder.kill
      yield* sendHook(service, of("not-ready", first))
      yield* sendHook(service, of("ready", first))
      yield* becomes(first.streamId, "inactive")
      const second = yield* admission(key, "rtmp")
      yield* sendHook(service, of("not-ready", first))
      yield* controlApi.fault(null)
      const { value: stream } = yield* listed(key)
      assert.strictEqual(stream.id, second.streamId)
      yield* goesOn({ key, encoder: second.encoder, stream })
      assert.deepStrictEqual(yield* eventsOf(first.streamId), ["admitted", "ready", "ended"])
      assert.deepStrictEqual(yield* eventsOf(second.streamId), ["admitted", "ready"])
    })
  )

  it.effect("while nobody can look, an operator's word frees a key whose source is gone", () =>
    Effect.gen(function* () {
      const { api } = (yield* TestDeployment).service
      const { controlApi } = yield* Cluster
      const { key, stream } = yield* leftUnseen
      const forced = api.call("DELETE", `/streams/${stream.id}?force=true`)
      yield* waitFor(
        "it is taken at its word",
        Effect.map(forced, ({ status }) => (status === 204 ? true : undefined)),
        5_000
      )
      assert.strictEqual((yield* api.stream(stream.id)).end_reason, "stopped")
      const next = yield* admission(key, "rtsp")
      yield* controlApi.fault(null)
      const { value } = yield* listed(key)
      assert.strictEqual(value.id, next.streamId)
      yield* goesOn({ key, encoder: next.encoder, stream: value })
    })
  )

  it.effect(
    `a start on a media server with ${STRANGERS} strangers kicks none of them, also when some leave, until an operator says so`,
    () =>
      Effect.gen(function* () {
        const deployment = yield* TestDeployment
        const { service } = deployment
        const { relay, stage } = yield* Cluster
        const key = yield* newKey()
        yield* asksNobody
        yield* service.kill
        const strangers = yield* Effect.forEach(Array.from({ length: STRANGERS }), () =>
          Effect.gen(function* () {
            const secret = `nobody-${randomBytes(8).toString("hex")}`
            const encoder = yield* stage.announce(bent(key, "rtsp", { path: someName("stranger"), secret }))
            yield* encoder.record
            return encoder
          })
        )
        yield* service.start
        yield* relay.fault(null)
        const reconcile = (order: unknown) =>
          Effect.map(service.api.call<Found>("POST", "/reconcile", order), ({ body }) => body)
        const areHeldBack = Effect.fnUntraced(function* (these: typeof strangers) {
          const heldBack = Effect.map(reconcile({}), (found) => (found.held_back === these.length ? found : undefined))
          yield* waitFor(`${these.length} are held back`, heldBack, 5_000)
          yield* Effect.sleep(SEVERAL_LOOKS)
          assert.isFalse(these.some(({ hasEnded }) => hasEnded()))
          const { body } = yield* service.api.call<{ readonly unauthorized_publishers: number }>("GET", "/health")
          assert.strictEqual(body.unauthorized_publishers, these.length)
        })
        yield* areHeldBack(strangers)
        const [leavers, stayers] = [strangers.slice(0, LEAVE), strangers.slice(LEAVE)]
        yield* Effect.forEach(leavers, ({ kill }) => kill)
        yield* areHeldBack(stayers)
        yield* service.kill
        yield* service.start
        yield* areHeldBack(stayers)

        const began = performance.now()
        yield* reconcile({ enforce: true })
        const gone = Effect.sync(() => (strangers.every(({ hasEnded }) => hasEnded()) ? true : undefined))
        yield* waitFor("they are gone", gone, 5_000)
        const millis = performance.now() - began
        deployment.measure({
          what: `${stayers.length} strangers, enforce to gone`,
          of: "rtsp",
          promised: 5_000,
          millis
        })
      })
  )
}
