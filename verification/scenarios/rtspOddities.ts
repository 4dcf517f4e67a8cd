/** What RTSP alone can do: pause, announce and stand still, and leave a publisher behind that no list shows. */
import { assert, type Vitest } from "@effect/vitest"
import { Effect } from "effect"
import { Cluster } from "../worlds/Cluster.ts"
import { bent, pathOf, targetOf } from "../worlds/Target.ts"
import { listen, TestDeployment, waitFor } from "../worlds/TestDeployment.ts"
import { eventsOf, goesOn, goOnAir, isOver, isRefused, listed, newBroadcaster, newKey } from "./acts.ts"

const STALLED_FOR_MS = 10_000

export const rtspOddities = (it: Vitest.MethodsNonLive<TestDeployment | Cluster>): void => {
  it.effect("an RTSP encoder that pauses and records again keeps its session, and nobody gets its key meanwhile", () =>
    Effect.gen(function* () {
      const { service } = yield* TestDeployment
      const { stage } = yield* Cluster
      const key = yield* newKey()
      const encoder = yield* stage.announce(targetOf(key, "rtsp"))
      yield* encoder.record
      const { value: stream } = yield* listed(key)
      const onAir = { key, encoder, stream }
      yield* goesOn(onAir)
      yield* encoder.pause
      const paused = Effect.map(stage.published, (paths) => (paths.has(stream.path) ? undefined : true))
      yield* waitFor("its path is gone", paused, 1_000)
      yield* Effect.sleep("2500 millis")
      yield* isRefused("another with its key", targetOf(key, "rtsp"), "stream_key_in_use")
      assert.strictEqual((yield* service.api.stream(stream.id)).status, "active")
      yield* encoder.record
      yield* goesOn(onAir)
      assert.deepStrictEqual(yield* eventsOf(stream.id), ["admitted", "ready"])
      yield* encoder.kill
      yield* isOver(onAir, "disconnected")
    })
  )

  it.effect("who announces and stands still evicts nobody, and is sent away itself", () =>
    Effect.gen(function* () {
      const deployment = yield* TestDeployment
      const { service } = deployment
      const { stage } = yield* Cluster
      const broadcaster = yield* newBroadcaster()
      const live = yield* goOnAir(yield* newKey({ broadcaster }), "rtsp")
      const stalling = yield* newKey()
      const heard = yield* listen
      const encoder = yield* stage.announce(targetOf(stalling, "rtsp"))
      const began = performance.now()
      yield* heard.first("yes", (line) => line.stream_key_id === stalling.id && line.decision === "allow")
      const [stream] = yield* service.api.streams(`status=connecting&stream_key_id=${stalling.id}`)
      assert.isDefined(stream)
      const good = yield* newKey({ broadcaster })
      yield* isRefused("on the live path", bent(good, "rtsp", { path: pathOf(live.key) }), "path_in_use")
      yield* isRefused("with the live key", targetOf(live.key, "rtsp"), "stream_key_in_use")
      yield* goesOn(live)
      yield* isOver({ key: stalling, encoder, stream }, "never_ready", STALLED_FOR_MS + 5_000)
      const millis = performance.now() - began
      deployment.measure({
        what: "announced and stalled to sent away",
        of: "rtsp",
        promised: STALLED_FOR_MS + 5_000,
        millis
      })
      yield* encoder.ended
      yield* goOnAir(stalling, "rtsp")
      yield* goesOn(live)
    })
  )
}

/** For a media server that nobody else uses meanwhile. */
export const unlistedPublishers = (it: Vitest.MethodsNonLive<TestDeployment | Cluster>): void => {
  it.effect(
    "a publisher that no list of sessions shows is cured by the path's configuration, and its key is free",
    () =>
      Effect.gen(function* () {
        const deployment = yield* TestDeployment
        const { stage } = yield* Cluster
        const neighbour = yield* goOnAir(yield* newKey(), "rtsp")
        const key = yield* newKey()
        const target = targetOf(key, "rtsp")
        assert.isTrue(yield* stage.zombie(target), "it comes about")
        const began = performance.now()
        const cured = Effect.map(stage.published, (paths) => (paths.has(target.path) ? undefined : true))
        yield* waitFor("it is cured", cured, 5_000)
        const millis = performance.now() - began
        deployment.measure({ what: "publisher without a session to cured", of: "rtsp", promised: 5_000, millis })
        const free = Effect.map(deployment.service.api.key(key.id), ({ active_stream_id }) =>
          active_stream_id === null ? true : undefined
        )
        yield* waitFor("its key is free", free, 5_000)
        yield* goesOn(neighbour)
        yield* goOnAir(key, "rtsp")
      })
  )
}
