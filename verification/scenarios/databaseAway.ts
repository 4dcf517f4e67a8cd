/**
 * A database that is stopped, killed, frozen, or loses connections and answers: nobody is let in, everybody is told so in time, and
 * it comes back by itself, with all that was acknowledged and no key locked.
 */
import { assert, type Vitest } from "@effect/vitest"
import { Effect } from "effect"
import { Cluster } from "../worlds/Cluster.ts"
import { terminateConnections } from "../worlds/database.ts"
import { recordEvents } from "../worlds/EventRecorder.ts"
import { pathOf, targetOf } from "../worlds/Target.ts"
import { listen, TestDeployment, waitFor } from "../worlds/TestDeployment.ts"
import { eventsOf, goesOn, goOnAir, listed, neverPublished, newBroadcaster, newKey } from "./acts.ts"
import { isTroubled, listenToTroubles } from "./degraded.ts"
import { askToPublish } from "./mediaServerCalls.ts"
import { keepPublishing } from "./outages.ts"

const BACK_WITHIN_MS = 5_000

const outages = [
  { how: "stopped", back: "started" },
  { how: "killed", back: "started" },
  { how: "frozen", back: "thawed" }
] as const

/** Its answers come again; how long that took. */
const answersAgain = Effect.fnUntraced(function* (what: string) {
  const deployment = yield* TestDeployment
  const ask = Effect.map(deployment.service.api.once("GET", "/streams"), ({ status }) =>
    status === 200 ? true : undefined
  )
  const { millis } = yield* waitFor("the API answers again", ask, BACK_WITHIN_MS)
  deployment.measure({ what: `${what} to the API's answers`, of: "", promised: BACK_WITHIN_MS, millis })
})

const publishesAgain = Effect.fnUntraced(function* (key: Effect.Success<ReturnType<typeof newKey>>, what: string) {
  const deployment = yield* TestDeployment
  const began = performance.now()
  yield* keepPublishing(targetOf(key, "rtsp"))
  const { value } = yield* listed(key, BACK_WITHIN_MS)
  const millis = performance.now() - began
  deployment.measure({ what: `${what} to a key's first stream`, of: "rtsp", promised: BACK_WITHIN_MS, millis })
  const unended = yield* deployment.service.api.streams(`status=connecting,active&stream_key_id=${key.id}`)
  assert.deepStrictEqual(
    unended.map(({ id }) => id),
    [value.id]
  )
})

export const databaseAway = (it: Vitest.MethodsNonLive<TestDeployment | Cluster>): void => {
  for (const { how, back } of outages) {
    it.effect(`PostgreSQL ${how}: nobody is let in, everybody is told in time, and it is back by itself`, () =>
      Effect.gen(function* () {
        const deployment = yield* TestDeployment
        const { service } = deployment
        const { api } = service
        const { database } = yield* Cluster
        const recorder = yield* recordEvents(api)
        const live = yield* goOnAir(yield* newKey(), "rtsp")
        const waiting = yield* newKey()
        const refused = yield* newKey()
        const revokedBefore = yield* newKey()
        assert.strictEqual((yield* api.call("DELETE", `/stream-keys/${revokedBefore.id}`)).status, 204)
        const heard = yield* listen
        const troubles = listenToTroubles(service)

        yield* Effect.addFinalizer(() => database.thaw)
        yield* database[how === "stopped" ? "stop" : how === "killed" ? "kill" : "freeze"]
        const about = { key: waiting.key_value, path: pathOf(waiting) }
        const first = yield* askToPublish(service, about)
        assert.strictEqual(first.status, 503)
        deployment.measure({
          what: `PostgreSQL ${how}, first /auth to 503`,
          of: "",
          promised: 1_000,
          millis: first.millis
        })
        assert.isBelow(first.millis, 1_000 * deployment.slack)
        const known = Effect.map(askToPublish(service, about), ({ status, millis }) => {
          assert.strictEqual(status, 503)
          return millis < 100 ? true : undefined
        })
        yield* waitFor("it knows that the store is down", known, 3_000)
        for (let n = 0; n < 20; n++) {
          const { status, millis } = yield* askToPublish(service, about)
          assert.strictEqual(status, 503)
          deployment.measure({ what: `PostgreSQL known ${how}, /auth to 503`, of: "", promised: 100, millis })
        }
        const encoder = yield* deployment.encode(targetOf(refused, "srt"))
        const health = yield* api.call<{ readonly status: string }>("GET", "/health")
        assert.deepStrictEqual([health.status, health.body.status], [503, "degraded"])
        assert.isBelow(health.millis, 2_000 * deployment.slack)
        const calls = [
          ["GET", "/streams"],
          ["POST", "/broadcasters", { display_name: "Nobody" }],
          ["DELETE", `/stream-keys/${waiting.id}`]
        ] as const
        yield* Effect.forEach(
          calls,
          Effect.fnUntraced(function* ([method, path, body]) {
            const { status, headers, millis } = yield* api.once(method, path, body)
            assert.strictEqual(status, 503, `${method} ${path}`)
            assert.isNotNull(headers.get("retry-after"), `${method} ${path} says when to come back`)
            deployment.measure({ what: `PostgreSQL ${how}, the API to 503`, of: "", promised: 6_000, millis })
          }),
          { concurrency: "unbounded" }
        )
        yield* encoder.ended
        yield* waitFor("its metrics say so", isTroubled(service, true), 3_000)

        assert.deepStrictEqual(heard.admissions(), [], "nobody was let in")
        yield* how === "frozen" ? database.thaw : database.start
        yield* answersAgain(`PostgreSQL ${back}`)
        const dead = { key: revokedBefore.key_value, path: pathOf(revokedBefore) }
        const askedAgain = Effect.map(askToPublish(service, dead), ({ status, code }) =>
          status === 503 ? undefined : code
        )
        const { value: code, millis } = yield* waitFor("/auth answers again", askedAgain, BACK_WITHIN_MS)
        assert.strictEqual(code, "stream_key_revoked")
        deployment.measure({ what: `PostgreSQL ${back} to /auth's answers`, of: "", promised: BACK_WITHIN_MS, millis })
        const { status } = yield* api.key(waiting.id)
        if (status !== "revoked") yield* publishesAgain(waiting, `PostgreSQL ${back}`)
        yield* publishesAgain(refused, `PostgreSQL ${back}`)
        assert.deepStrictEqual(yield* eventsOf(live.stream.id), ["admitted", "ready"])
        yield* goesOn(live)
        yield* waitFor("its metrics say that it is over", isTroubled(service, false), BACK_WITHIN_MS)
        assert.isTrue((yield* waitFor("it has told of its troubles", troubles, BACK_WITHIN_MS)).value, "it sees again")
        assert.isAbove(recorder.revoked(), 0)
        assert.deepStrictEqual(yield* recorder.lost, [])
      })
    )
  }

  it.effect("PostgreSQL loses the service's connections again and again: nothing that was acknowledged is lost", () =>
    Effect.gen(function* () {
      const { service } = yield* TestDeployment
      const { database } = yield* Cluster
      const recorder = yield* recordEvents(service.api)
      const live = yield* goOnAir(yield* newKey(), "rtmp")
      const key = yield* newKey()
      let terminated = 0
      for (let n = 0; n < 20; n++) {
        terminated += yield* terminateConnections(database)
        yield* Effect.sleep("100 millis")
      }
      assert.isAbove(terminated, 20)
      yield* answersAgain("connections killed")
      yield* publishesAgain(key, "connections killed")
      yield* newBroadcaster()
      yield* goesOn(live)
      assert.deepStrictEqual(yield* eventsOf(live.stream.id), ["admitted", "ready"])
      assert.deepStrictEqual(yield* recorder.lost, [])
    })
  )

  it.effect("a commit whose answer is lost: the client was told no, and its key is not locked by it", () =>
    Effect.gen(function* () {
      const deployment = yield* TestDeployment
      const { service } = deployment
      const { database } = yield* Cluster
      const live = yield* goOnAir(yield* newKey(), "rtsp")
      const key = yield* newKey()
      yield* database.loseAnswers
      const { status, millis } = yield* askToPublish(service, { key: key.key_value, path: pathOf(key) })
      assert.strictEqual(status, 503)
      deployment.measure({ what: "answer of the commit lost, /auth to 503", of: "", promised: 1_000, millis })
      yield* answersAgain("answers lost")
      const [phantom] = yield* database.query(`select id from streams where stream_key_id = '${key.id}'`)
      assert.isDefined(phantom, "the commit had happened")
      yield* publishesAgain(key, "answers lost")
      const past = yield* service.api.streams(`status=inactive&stream_key_id=${key.id}`)
      assert.isAtLeast(past.length, 1)
      yield* goesOn(live)
      yield* neverPublished(yield* newKey())
    })
  )
}
