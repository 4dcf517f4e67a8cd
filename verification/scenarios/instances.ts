/**
 * Several Greenrooms on one database, their clocks half a minute apart: one of them looks after the media server, another does when
 * that one dies or hangs, and what one of them is told holds for all.
 */
import { assert, type Vitest } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { Cluster, leader } from "../worlds/Cluster.ts"
import type { RunningService } from "../worlds/runService.ts"
import { pathOf, targetOf } from "../worlds/Target.ts"
import { TestDeployment, waitFor } from "../worlds/TestDeployment.ts"
import { eventsOf, expireSoon, goesOn, goOnAir, isOver, listed, newBroadcaster, newKey, TAKEN_OFF } from "./acts.ts"
import { isTroubled, listenToTroubles } from "./degraded.ts"
import { askToPublish, decisionOn } from "./mediaServerCalls.ts"

const CLOCKS_APART_MS = 30_000
const clock = new URL("../worlds/skewedClock.ts", import.meta.url).href
const withClock = (skew: number) => ({ NODE_OPTIONS: `--import=${clock}`, CLOCK_SKEW_MS: String(skew) })

/** Three; the clock of the first is right. */
export const environments = [{}, withClock(CLOCKS_APART_MS), withClock(-CLOCKS_APART_MS)]

const TAKEN_OVER_WITHIN_MS = 5_000

/** As `effect`, but through this instance. */
const through = (service: RunningService) =>
  Effect.updateService(TestDeployment, (deployment) => ({ ...deployment, service }))

const theLeader = Effect.gen(function* () {
  const { value } = yield* waitFor("somebody leads", leader, TAKEN_OVER_WITHIN_MS)
  return value
})

/** The others, which the media server asks from now on in turn. */
const without = Effect.fnUntraced(function* (away: RunningService) {
  const { instances, relay } = yield* Cluster
  const rest = instances.filter((instance) => instance !== away)
  yield* Effect.acquireRelease(relay.leadTo(...rest.map(({ port }) => port)), () =>
    relay.leadTo(...instances.map(({ port }) => port))
  )
  return rest
})

const anotherLeads = Effect.fnUntraced(function* (former: RunningService, what: string) {
  const deployment = yield* TestDeployment
  const another = Effect.map(leader, (instance) => (instance === former ? undefined : instance))
  const { value, millis } = yield* waitFor("another instance leads", another, TAKEN_OVER_WITHIN_MS)
  deployment.measure({ what: `${what} to another leads`, of: "", promised: TAKEN_OVER_WITHIN_MS, millis })
  return value
})

/** Somebody goes on the air, and another is taken off it: both need a leader that sees. */
const everythingWorks = Effect.fnUntraced(function* (onAir: Effect.Success<ReturnType<typeof goOnAir>>, what: string) {
  const deployment = yield* TestDeployment
  const began = performance.now()
  const newcomer = yield* newKey()
  yield* deployment.encode(targetOf(newcomer, "rtsp"))
  yield* listed(newcomer, TAKEN_OVER_WITHIN_MS)
  deployment.measure({
    what: `${what} to a newcomer listed`,
    of: "rtsp",
    promised: TAKEN_OVER_WITHIN_MS,
    millis: performance.now() - began
  })
  assert.oneOf((yield* deployment.service.api.call("DELETE", `/streams/${onAir.stream.id}`)).status, [202, 204])
  yield* isOver(onAir, "stopped")
  yield* onAir.encoder.ended
  assert.deepStrictEqual(yield* eventsOf(onAir.stream.id), TAKEN_OFF)
})

export const instances = (it: Vitest.MethodsNonLive<TestDeployment | Cluster>): void => {
  it.effect("a revoke on one instance is a denial on all from its acknowledgement on", () =>
    Effect.gen(function* () {
      const deployment = yield* TestDeployment
      const { instances: all } = yield* Cluster
      for (let n = 0; n < 2 * all.length; n++) {
        const teller = all[n % all.length]!
        const key = yield* newKey()
        const busy = yield* goOnAir(yield* newKey(), "rtsp")
        for (const revoked of [key, busy.key]) {
          const { status, millis } = yield* teller.api.call("DELETE", `/stream-keys/${revoked.id}`)
          assert.oneOf(status, [202, 204])
          const answers = yield* Effect.forEach(
            all,
            (instance) => decisionOn(instance, { key: revoked.key_value, path: pathOf(revoked) }),
            { concurrency: "unbounded" }
          )
          for (const { code } of answers) assert.strictEqual(code, "stream_key_revoked")
          if (revoked === busy.key) {
            deployment.measure({ what: "revoke on one of three to its answer", of: "rtsp", promised: 2_500, millis })
          }
        }
        yield* isOver(busy, "revoked")
        assert.deepStrictEqual(yield* eventsOf(busy.stream.id), TAKEN_OFF)
      }
    })
  )

  it.effect("revoked while all instances are asked to let it in: none does once that is acknowledged", () =>
    Effect.gen(function* () {
      const { instances: all, database } = yield* Cluster
      const broadcaster = yield* newBroadcaster()
      const trial = Effect.fnUntraced(function* (n: number) {
        const key = yield* newKey({ broadcaster })
        const asked = Effect.forEach(
          [...all, ...all],
          (instance) => askToPublish(instance, { key: key.key_value, path: pathOf(key) }),
          { concurrency: "unbounded" }
        )
        const before = yield* Effect.forkChild(asked)
        const { api } = all[n % all.length]!
        const revoke = Effect.map(api.call("DELETE", `/stream-keys/${key.id}`), ({ status }) =>
          [202, 204].includes(status) ? true : undefined
        )
        yield* waitFor("the revoke is acknowledged", revoke, 5_000)
        for (const answer of yield* asked) assert.notStrictEqual(answer.status, 200)
        return (yield* Fiber.join(before)).some((answer) => answer.status === 200)
      })
      const races = yield* Effect.forEach(
        Array.from({ length: 24 }, (_, n) => n),
        trial,
        { concurrency: 4 }
      )
      assert.include(races, true, "some were let in just before")
      const late = yield* database.query(
        "select s.id from streams s join stream_keys k on k.id = s.stream_key_id where s.started_at > k.revoked_at"
      )
      assert.deepStrictEqual(late, [])
    })
  )

  it.effect("ten revokes of a key at once, on all instances: one effect", () =>
    Effect.gen(function* () {
      const { instances: all } = yield* Cluster
      const onAir = yield* goOnAir(yield* newKey(), "srt")
      const answers = yield* Effect.forEach(
        Array.from({ length: 10 }, (_, n) => all[n % all.length]!),
        ({ api }) => api.call("DELETE", `/stream-keys/${onAir.key.id}`),
        { concurrency: "unbounded" }
      )
      for (const { status } of answers) assert.oneOf(status, [202, 204])
      yield* isOver(onAir, "revoked")
      assert.deepStrictEqual(yield* eventsOf(onAir.stream.id), TAKEN_OFF)
    })
  )

  it.effect("a key expires when the database says so, through whichever instance its encoder came", () =>
    Effect.gen(function* () {
      const deployment = yield* TestDeployment
      const { instances: all, relay } = yield* Cluster
      const live = yield* Effect.forEach(all, (instance) =>
        Effect.gen(function* () {
          const key = yield* newKey()
          yield* Effect.acquireRelease(relay.leadTo(instance.port), () => relay.leadTo(...all.map(({ port }) => port)))
          return yield* goOnAir(key, "rtsp").pipe(through(instance))
        })
      )
      for (const onAir of live) {
        const { life, at } = yield* expireSoon(onAir.key, 2_000)
        yield* isOver(onAir, "expired", life + 5_000)
        const late = performance.now() - at
        assert.isAbove(late, -200, "not before its time")
        deployment.measure({ what: "expiry to over, clocks 30 s apart", of: "rtsp", promised: 5_000, millis: late })
      }
      for (const { key } of live) {
        for (const instance of all) {
          const { code } = yield* decisionOn(instance, { key: key.key_value, path: pathOf(key) })
          assert.strictEqual(code, "stream_key_expired")
        }
      }
    })
  )

  it.effect("the instance that looks after the media server is killed: another does within 5 s", () =>
    Effect.gen(function* () {
      const live = yield* goOnAir(yield* newKey(), "rtmp")
      const going = yield* goOnAir(yield* newKey(), "rtsp")
      const former = yield* theLeader
      const rest = yield* without(former)
      yield* former.kill
      yield* Effect.gen(function* () {
        yield* anotherLeads(former, "leader killed")
        yield* everythingWorks(going, "leader killed and replaced")
        yield* goesOn(live)
      }).pipe(through(rest[0]!), Effect.ensuring(former.start))
      yield* goesOn(live).pipe(through(former))
    })
  )

  it.effect(
    "the instance that looks after the media server hangs: another does within 5 s, and it changes nothing when it goes on",
    () =>
      Effect.gen(function* () {
        const live = yield* goOnAir(yield* newKey(), "rtmp")
        const going = yield* goOnAir(yield* newKey(), "rtsp")
        const former = yield* theLeader
        const rest = yield* without(former)
        yield* Effect.acquireRelease(former.freeze, () => former.thaw)
        yield* Effect.gen(function* () {
          const present = yield* anotherLeads(former, "leader frozen")
          yield* everythingWorks(going, "leader frozen and replaced")
          yield* goesOn(live)
          const before = yield* eventsOf(going.stream.id)
          yield* former.thaw
          yield* Effect.sleep("3 seconds")
          assert.strictEqual(yield* leader, present, "it leads no more")
          assert.deepStrictEqual(yield* eventsOf(going.stream.id), before)
          assert.deepStrictEqual(yield* eventsOf(live.stream.id), ["admitted", "ready"])
          yield* goesOn(live)
        }).pipe(through(rest[0]!))
        yield* goesOn(live).pipe(through(former))
      })
  )

  it.effect("the database is away: each says so once, and that it sees again only the one that looks", () =>
    Effect.gen(function* () {
      const { instances: all, database } = yield* Cluster
      yield* theLeader
      const troubles = all.map(listenToTroubles)
      const before = new Map(all.map((one) => [one, one.lines().length]))
      yield* Effect.addFinalizer(() => database.thaw)
      yield* database.freeze
      for (const one of all) yield* waitFor("it is without its store", isTroubled(one, true), 5_000)
      yield* database.thaw
      for (const one of all) yield* waitFor("it has its store again", isTroubled(one, false), 5_000)
      const sees = yield* Effect.forEach(troubles, (told) => waitFor("it has told of its troubles", told, 5_000))
      const seeing = sees.filter(({ value }) => value).length
      assert.isAtMost(seeing, 1)
      const present = yield* theLeader
      // The lease may run out before its holder has recovered: then one that followed leads, and logs that.
      const fresh = present.lines().slice(before.get(present))
      if (seeing === 0) assert.isTrue(fresh.some(({ message }) => message === "this instance reconciles now"))
    })
  )

  it.effect("no event of any stream was written twice", () =>
    Effect.gen(function* () {
      const { database } = yield* Cluster
      const twice = yield* database.query("select stream_id, type from stream_events group by 1, 2 having count(*) > 1")
      assert.deepStrictEqual(twice, [])
      const gaps = yield* database.query(
        "select stream_id from stream_events group by 1 having min(seq) <> 1 or max(seq) <> count(*)"
      )
      assert.deepStrictEqual(gaps, [])
    })
  )
}
