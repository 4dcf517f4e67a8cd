/** What goes on, and what comes back by itself, when the media server or Greenroom is away for a while. */
import { assert, type Vitest } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import type { IssuedKey, Stream } from "../worlds/Api.ts"
import { processesWith } from "../worlds/processes.ts"
import { type Publishable, pathOf, type Target, targetOf } from "../worlds/Target.ts"
import { listen, TestDeployment, waitFor } from "../worlds/TestDeployment.ts"
import { eventsOf, goesOn, goOnAir, isInDoubt, isOver, LISTED_WITHIN_MS, listed, newKey } from "./acts.ts"

const PUBLISHERS = 20
const RETRY_AFTER = "250 millis"

/** As encoders do that are told to reconnect: again and again, until the scope closes. When each try began. */
export const keepPublishing = Effect.fnUntraced(function* (target: Target) {
  const deployment = yield* TestDeployment
  const tries: Array<number> = []
  const once = Effect.gen(function* () {
    tries.push(performance.now())
    const encoder = yield* deployment.encode(target)
    yield* encoder.ended
  }).pipe(Effect.scoped)
  yield* once.pipe(Effect.andThen(Effect.sleep(RETRY_AFTER)), Effect.forever, Effect.forkScoped)
  return tries
})

export interface Returning {
  readonly key: IssuedKey
  readonly protocol: Publishable
  readonly tries: ReadonlyArray<number>
}

/** The streams of all of them, as soon as there is a new one of each. */
export const allListed = Effect.fnUntraced(function* (
  all: ReadonlyArray<Returning>,
  before: ReadonlySet<string>,
  within: number
) {
  const { api } = (yield* TestDeployment).service
  const seen = new Map<string, { readonly stream: Stream; readonly at: number }>()
  const ask = Effect.map(api.streams(""), (streams) => {
    for (const stream of streams) {
      const fresh = !before.has(stream.id) && !seen.has(stream.stream_key_id)
      if (fresh) seen.set(stream.stream_key_id, { stream, at: performance.now() })
    }
    return all.every(({ key }) => seen.has(key.id)) ? seen : undefined
  })
  return (yield* waitFor("everybody is listed", ask, within)).value
})

export const mediaServerRestart = (it: Vitest.MethodsNonLive<TestDeployment>): void => {
  it.effect(`a media server that is killed has its ${PUBLISHERS} publishers back and listed`, () =>
    Effect.gen(function* () {
      const deployment = yield* TestDeployment
      const { api } = deployment.service
      const all: Array<Returning> = []
      for (let n = 0; n < PUBLISHERS; n++) {
        const key = yield* newKey()
        const protocol = (["rtmp", "rtsp", "srt"] as const)[n % 3]!
        all.push({ key, protocol, tries: yield* keepPublishing(targetOf(key, protocol)) })
      }
      const live = yield* allListed(all, new Set(), 10_000)
      const before = new Set([...live.values()].map(({ stream }) => stream.id))
      // Who was let in less than a second ago may not stand in its list yet, and its absence proves nothing.
      yield* Effect.sleep("1 second")

      const heard = yield* listen
      yield* deployment.mediaServer.kill
      yield* deployment.mediaServer.start
      yield* deployment.mediaServer.back
      const back = performance.now()
      const again = yield* allListed(all, before, 5_000 + LISTED_WITHIN_MS)
      for (const { key, protocol, tries } of all) {
        const { at } = again.get(key.id)!
        // An SRT encoder waits for 5 s before it believes that its server is gone: that much is not the server's.
        const srt = protocol === "srt"
        const what = "media server back to listed again"
        deployment.measure({ what, of: protocol, promised: srt ? null : 5_000, millis: at - back })
        const reconnected = Math.max(back, tries.at(-1)!)
        if (srt)
          deployment.measure({
            what: "reconnected to listed again",
            of: protocol,
            promised: 5_000,
            millis: at - reconnected
          })
      }
      for (const { key, protocol } of all) {
        const refusals = heard.refusals((line) => line.stream_key_id === key.id && !isInDoubt(line))
        if (protocol !== "rtsp" && !heard.isUnanswered(pathOf(key)))
          assert.deepStrictEqual(refusals, [], `${protocol} is let in at its first try`)
      }
      for (const id of before) {
        const over = yield* api.stream(id)
        assert.strictEqual(over.status, "inactive")
        assert.oneOf(over.end_reason, ["media_server_restarted", "disconnected"])
      }
    })
  )
}

export const isUnreachable = Effect.map(TestDeployment, ({ service }) =>
  Effect.map(service.api.call<{ readonly media_server: string }>("GET", "/health"), ({ status, body }) => {
    assert.strictEqual(status, 200)
    return body.media_server === "unreachable" ? true : undefined
  })
)

/** Revoked while nobody can carry it out: said so in time, and done when somebody can. */
const revokedMeanwhile = Effect.fnUntraced(function* (key: IssuedKey, stream: Stream) {
  const deployment = yield* TestDeployment
  const path = `/stream-keys/${key.id}`
  const { status, body, millis } = yield* deployment.service.api.call<IssuedKey>("DELETE", path)
  assert.strictEqual(status, 202)
  assert.deepStrictEqual([body.status, body.active_stream_id], ["revoked", stream.id])
  assert.isBelow(millis, 2_500 * deployment.slack)
  deployment.measure({ what: "revoke, media server away, to its answer", of: "", promised: 2_500, millis })
})

export const isDone = Effect.fnUntraced(function* (key: IssuedKey, what: string) {
  const deployment = yield* TestDeployment
  const { api } = deployment.service
  const ask = Effect.map(api.key(key.id), ({ active_stream_id }) => (active_stream_id === null ? true : undefined))
  const { millis } = yield* waitFor("the revocation is carried out", ask, 5_000)
  deployment.measure({ what, of: "", promised: 5_000, millis })
  assert.strictEqual((yield* api.call("DELETE", `/stream-keys/${key.id}`)).status, 204)
})

export const mediaServerOutage = (it: Vitest.MethodsNonLive<TestDeployment>): void => {
  it.effect("while the media server is down, lists answer from the store and a revoke waits for its return", () =>
    Effect.gen(function* () {
      const deployment = yield* TestDeployment
      const { api } = deployment.service
      const dying = yield* goOnAir(yield* newKey(), "rtmp")
      const other = yield* goOnAir(yield* newKey(), "rtsp")
      yield* deployment.mediaServer.kill
      const { millis } = yield* waitFor("/health says unreachable", yield* isUnreachable, 5_000)
      deployment.measure({ what: "media server killed to /health says so", of: "", promised: 5_000, millis })

      const listedNow = yield* api.streams("")
      const one = listedNow.find(({ id }) => id === other.stream.id)
      assert.isDefined(one)
      assert.isTrue(listedNow.some(({ id }) => id === dying.stream.id))
      yield* Effect.sleep("1200 millis")
      assert.strictEqual((yield* api.stream(one.id)).state_as_of, one.state_as_of, "nobody has confirmed it")
      yield* revokedMeanwhile(dying.key, dying.stream)

      yield* deployment.mediaServer.start
      yield* deployment.mediaServer.back
      yield* isDone(dying.key, "media server back to revoke done")
      yield* isOver(dying, "revoked")
      yield* isOver(other, "media_server_restarted")
      yield* goOnAir(other.key, "rtsp")
    })
  )
}

/** Shorter than the 4 s after which the media server gives up a silent client. */
const STANDS_STILL = "2500 millis"

export const mediaServerFrozen = (it: Vitest.MethodsNonLive<TestDeployment>): void => {
  it.effect("a media server that stands still for a moment and goes on: nobody is taken off the air", () =>
    Effect.gen(function* () {
      const deployment = yield* TestDeployment
      const live = yield* Effect.forEach(["rtmp", "rtsp", "srt"] as const, (protocol) =>
        Effect.flatMap(newKey(), (key) => goOnAir(key, protocol))
      )
      yield* deployment.mediaServer.freeze
      yield* Effect.sleep(STANDS_STILL).pipe(Effect.ensuring(deployment.mediaServer.thaw))
      for (const onAir of live) {
        yield* goesOn(onAir)
        assert.deepStrictEqual(yield* eventsOf(onAir.stream.id), ["admitted", "ready"])
      }
    })
  )

  it.effect("while the media server does not answer, a revoke answers in time and is done when it does", () =>
    Effect.gen(function* () {
      const deployment = yield* TestDeployment
      const onAir = yield* goOnAir(yield* newKey(), "rtmp")
      yield* deployment.mediaServer.freeze
      yield* revokedMeanwhile(onAir.key, onAir.stream).pipe(Effect.ensuring(deployment.mediaServer.thaw))
      yield* isDone(onAir.key, "media server thawed to revoke done")
      yield* onAir.encoder.ended
      yield* isOver(onAir, "revoked")
    })
  )
}

export const greenroomKilled = (
  it: Vitest.MethodsNonLive<TestDeployment>,
  protocols: ReadonlyArray<Publishable>
): void => {
  it.effect(
    "Greenroom killed and started again: who was live is listed as the same stream, and was not disturbed",
    () =>
      Effect.gen(function* () {
        const deployment = yield* TestDeployment
        const { service } = deployment
        const live = yield* Effect.forEach(protocols, (protocol) =>
          Effect.flatMap(newKey(), (key) => goOnAir(key, protocol))
        )
        const leaving = yield* Scope.make()
        const left = yield* goOnAir(yield* newKey(), "rtsp").pipe(Effect.provideService(Scope.Scope, leaving))

        yield* service.kill
        yield* Scope.close(leaving, Exit.void)
        const began = performance.now()
        yield* service.start
        const ready = performance.now()
        deployment.measure({ what: "Greenroom started to ready", of: "", promised: null, millis: ready - began })
        for (const { key, stream } of live) {
          const { value } = yield* listed(key)
          assert.strictEqual(value.id, stream.id)
        }
        yield* isOver(left, "disconnected")
        const what = "Greenroom ready to having seen who left"
        deployment.measure({ what, of: "", promised: 5_000, millis: performance.now() - ready })
        yield* Effect.forEach(live, goesOn, { concurrency: "unbounded", discard: true })
        const one = live[0]!
        assert.oneOf((yield* service.api.call("DELETE", `/stream-keys/${one.key.id}`)).status, [202, 204])
        yield* one.encoder.ended
        yield* goOnAir(yield* newKey(), "rtmp")
      })
  )
}

/** For a Greenroom that has its database and its media server with it: they go when it goes, whatever kills it. */
export const everythingKilled = (it: Vitest.MethodsNonLive<TestDeployment>): void => {
  it.effect("Greenroom killed with all that it started: nothing outlives it, and encoders find everything again", () =>
    Effect.gen(function* () {
      const deployment = yield* TestDeployment
      const { service } = deployment
      const all: Array<Returning> = []
      for (const protocol of ["rtmp", "rtsp", "srt"] as const) {
        const key = yield* newKey()
        all.push({ key, protocol, tries: yield* keepPublishing(targetOf(key, protocol)) })
      }
      const live = yield* allListed(all, new Set(), 10_000)
      const before = new Set([...live.values()].map(({ stream }) => stream.id))
      yield* service.kill
      const nothing = Effect.sync(() => (processesWith(service.directory).length === 0 ? true : undefined))
      const { millis } = yield* waitFor("nothing of it is left", nothing, 10_000)
      deployment.measure({ what: "Greenroom killed to nothing left of it", of: "", promised: null, millis })
      yield* service.start
      yield* allListed(all, before, 5_000 + LISTED_WITHIN_MS)
      for (const id of before) {
        const over = yield* service.api.stream(id)
        assert.strictEqual(over.status, "inactive")
        assert.oneOf(over.end_reason, ["media_server_restarted", "disconnected"])
      }
    })
  )
}
