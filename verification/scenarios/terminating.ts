/** Taking off the air as one operation: once however often it is asked for, in a crowd, early, late, and across deaths. */
import { assert, type Vitest } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { Cluster } from "../worlds/Cluster.ts"
import { goesWrong } from "../worlds/HttpRelay.ts"
import type { LogLine } from "../worlds/runService.ts"
import { targetOf } from "../worlds/Target.ts"
import { listen, TestDeployment, waitFor } from "../worlds/TestDeployment.ts"
import { eventsOf, goesOn, goOnAir, happens, isOver, isRefusedWith, newKey, revoked, TAKEN_OFF } from "./acts.ts"

const AT_ONCE = 10
const CROWD = 120
const TAKEOVERS = 3

export const terminating = (it: Vitest.MethodsNonLive<TestDeployment | Cluster>): void => {
  it.effect(`${AT_ONCE} revokes of a key at once: each is answered, and they have one effect`, () =>
    Effect.gen(function* () {
      const deployment = yield* TestDeployment
      const { api } = deployment.service
      const onAir = yield* goOnAir(yield* newKey(), "srt")
      const revoke = api.call("DELETE", `/stream-keys/${onAir.key.id}`)
      const answers = yield* Effect.forEach(Array.from({ length: AT_ONCE }), () => revoke, { concurrency: AT_ONCE })
      for (const { status, millis } of answers) {
        assert.oneOf(status, [202, 204])
        deployment.measure({ what: "one of ten revokes at once to its answer", of: "srt", promised: 2_500, millis })
      }
      yield* isOver(onAir, "revoked")
      assert.deepStrictEqual(yield* eventsOf(onAir.stream.id), TAKEN_OFF)
      yield* onAir.encoder.ended
      yield* revoked(onAir.key)
    })
  )

  it.effect(`with ${CROWD} other connections in its list, the one is taken off the air and nobody else`, () =>
    Effect.gen(function* () {
      const deployment = yield* TestDeployment
      const { stage } = yield* Cluster
      const watched = yield* goOnAir(yield* newKey(), "rtsp")
      yield* stage.crowd(watched.stream.path, CROWD)
      const onAir = yield* goOnAir(yield* newKey(), "rtsp")
      const began = performance.now()
      const { status, millis } = yield* deployment.service.api.call("DELETE", `/stream-keys/${onAir.key.id}`)
      assert.oneOf(status, [202, 204])
      deployment.measure({ what: `revoke among ${CROWD} to its answer`, of: "rtsp", promised: 2_500, millis })
      yield* isOver(onAir, "revoked")
      yield* onAir.encoder.ended
      const gone = performance.now() - began
      deployment.measure({ what: `revoke among ${CROWD} to encoder ended`, of: "rtsp", promised: 5_000, millis: gone })
      yield* goesOn(watched)
      const watchedStill = Effect.map(
        deployment.service.api.call<{ readonly viewer_count: number }>("GET", `/streams/${watched.stream.id}`),
        ({ body }) => (body.viewer_count === CROWD ? true : undefined)
      )
      yield* waitFor("all of the crowd watch", watchedStill, 5_000)
    })
  )
}

/** For a deployment that nobody else uses meanwhile. */
export const terminatingOnItsOwn = (it: Vitest.MethodsNonLive<TestDeployment | Cluster>): void => {
  it.effect("revoked while it is still connecting, it never goes on the air", () =>
    Effect.gen(function* () {
      const deployment = yield* TestDeployment
      const { api } = deployment.service
      const key = yield* newKey()
      const heard = yield* listen
      const encoder = yield* deployment.encodeSlowly(targetOf(key, "rtmp"))
      yield* heard.first("yes", (line) => line.stream_key_id === key.id && line.decision === "allow")
      const [stream] = yield* api.streams(`status=connecting&stream_key_id=${key.id}`)
      assert.isDefined(stream)
      const began = performance.now()
      const { status } = yield* api.call("DELETE", `/stream-keys/${key.id}`)
      assert.oneOf(status, [202, 204])
      yield* isOver({ key, encoder, stream }, "revoked")
      yield* encoder.ended
      const millis = performance.now() - began
      deployment.measure({ what: "revoke while connecting to encoder ended", of: "rtmp", promised: 5_000, millis })
      assert.deepStrictEqual(
        yield* eventsOf(stream.id),
        TAKEN_OFF.filter((type) => type !== "ready")
      )
      yield* isRefusedWith(key, "rtmp", "stream_key_revoked")
    })
  )

  it.effect("Greenroom killed when a stop was requested and before the kick: it is completed after the restart", () =>
    Effect.gen(function* () {
      const { service } = yield* TestDeployment
      const { controlApi } = yield* Cluster
      const onAir = yield* goOnAir(yield* newKey(), "rtmp")
      yield* goesWrong(controlApi, { _tag: "Silent", only: "/kick/" })
      yield* Effect.forkScoped(service.api.call("DELETE", `/stream-keys/${onAir.key.id}`))
      yield* happens(onAir.stream.id, "stop_requested")
      yield* diesAndReturns(onAir)
    })
  )

  it.effect(
    "Greenroom killed after the kick and before it saw the source gone: it is completed after the restart",
    () =>
      Effect.gen(function* () {
        const { service } = yield* TestDeployment
        const { controlApi } = yield* Cluster
        const onAir = yield* goOnAir(yield* newKey(), "rtmp")
        yield* Effect.addFinalizer(() => controlApi.fault(null))
        yield* controlApi.faultAfter("/kick/", { _tag: "Silent", only: "/list" })
        yield* Effect.forkScoped(service.api.call("DELETE", `/stream-keys/${onAir.key.id}`))
        yield* happens(onAir.stream.id, "kicked")
        yield* diesAndReturns(onAir)
      })
  )
}

const diesAndReturns = Effect.fnUntraced(function* (onAir: Effect.Success<ReturnType<typeof goOnAir>>) {
  const deployment = yield* TestDeployment
  const { service } = deployment
  const { controlApi } = yield* Cluster
  assert.notInclude(yield* eventsOf(onAir.stream.id), "ended")
  yield* service.kill
  yield* controlApi.fault(null)
  yield* service.start
  const ready = performance.now()
  yield* isOver(onAir, "revoked")
  const millis = performance.now() - ready
  deployment.measure({ what: "Greenroom back in mid-revoke to revoke done", of: "rtmp", promised: 5_000, millis })
  assert.deepStrictEqual(yield* eventsOf(onAir.stream.id), TAKEN_OFF)
  yield* onAir.encoder.ended
  yield* revoked(onAir.key)
})

/** For a Greenroom with `ON_DUPLICATE_PUBLISH=takeover`. */
export const takingOver = (it: Vitest.MethodsNonLive<TestDeployment | Cluster>): void => {
  it.effect(
    `${TAKEOVERS} takeovers of a key, each while the one before is live, part its encoders: the newest stays, and the next one is refused`,
    () =>
      Effect.gen(function* () {
        const deployment = yield* TestDeployment
        const { api } = deployment.service
        const key = yield* newKey()
        const scope = yield* Scope.make()
        yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
        const comes = Effect.fnUntraced(function* (what: string) {
          const heard = yield* listen
          yield* deployment.encode(targetOf(key, "rtsp")).pipe(Scope.provide(scope))
          return yield* heard.first(
            `something of ${what}`,
            (line) => line.stream_key_id === key.id && line.reason !== "unauthorized"
          )
        })
        const ids: Array<string> = []
        for (let n = 0; n <= TAKEOVERS; n++) {
          const answer = yield* comes(`encoder ${n}`)
          assert.strictEqual(answer.decision, "allow", `encoder ${n}: ${answer.reason}`)
          const began = performance.now()
          const ask = Effect.map(api.streams(`stream_key_id=${key.id}`), (streams) =>
            streams.find(({ source_id }) => source_id === answer.source_id)
          )
          const { value } = yield* waitFor(`encoder ${n} is live`, ask, 5_000)
          const millis = performance.now() - began
          deployment.measure({ what: "takeover admitted to newcomer listed", of: "rtsp", promised: 5_000, millis })
          ids.push(value.id)
        }
        assert.strictEqual((yield* comes("the encoder after them")).reason, "stream_key_contested")
        const newest = ids.at(-1)!
        const settled = Effect.map(api.streams(`status=connecting,active&stream_key_id=${key.id}`), (streams) =>
          streams.length === 1 && streams[0]!.id === newest ? streams[0] : undefined
        )
        const { value } = yield* waitFor("one is left", settled, 5_000)
        assert.strictEqual(value.status, "active")
        const before = yield* api.streams(`status=inactive&stream_key_id=${key.id}`)
        assert.deepStrictEqual(new Set(before.map(({ id }) => id)), new Set(ids.slice(0, -1)))
        for (const { end_reason } of before) assert.strictEqual(end_reason, "superseded")
        assert.strictEqual((yield* (yield* Cluster).stage.published).get(value.path), value.source_id)
      })
  )
  it.effect(
    "two encoders that come back whenever they are taken off are parted: one stays, whatever the other does",
    () =>
      Effect.gen(function* () {
        const deployment = yield* TestDeployment
        const { api } = deployment.service
        const key = yield* newKey()
        const heard = yield* listen
        const comesBack = Effect.scoped(
          Effect.flatMap(deployment.encode(targetOf(key, "rtmp")), (encoder) => encoder.ended)
        ).pipe(Effect.andThen(Effect.sleep("400 millis")), Effect.forever)
        yield* Effect.forkScoped(comesBack)
        yield* Effect.forkScoped(comesBack)
        const isContested = (line: LogLine) => line.stream_key_id === key.id && line.reason === "stream_key_contested"
        const refusedTimes = (count: number) =>
          waitFor(
            `${count} refusals`,
            Effect.sync(() => (heard.refusals(isContested).length >= count ? true : undefined)),
            20_000
          )
        const superseded = Effect.map(
          api.streams(`status=connecting,active,inactive&stream_key_id=${key.id}`),
          (streams) =>
            streams.filter(({ end_reason, ending }) => (end_reason ?? ending?.reason) === "superseded").length
        )
        yield* refusedTimes(1)
        const [onAir] = yield* api.streams(`status=connecting,active&stream_key_id=${key.id}`)
        yield* refusedTimes(6)
        assert.strictEqual(yield* superseded, TAKEOVERS)
        const [still] = yield* api.streams(`status=active&stream_key_id=${key.id}`)
        assert.strictEqual(still?.id, onAir?.id)
      })
  )
}
