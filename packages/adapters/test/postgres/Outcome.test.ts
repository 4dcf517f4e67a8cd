/** What a failure says of what was done: PostgreSQL's own refusal that nothing was, a connection that is lost that nobody knows. */
import { assert, layer } from "@effect/vitest"
import { StoreUnavailable } from "@greenroom/core"
import { admit, aKey, anAsk } from "@greenroom/testing/fixtures"
import { Effect, Schedule } from "effect"
import { aClient, usePostgresWorld } from "../fixtures/postgresWorld.ts"

const world = usePostgresWorld("as in service")

const failureOf = <A, R>(effect: Effect.Effect<A, StoreUnavailable, R>) =>
  Effect.match(effect, {
    onFailure: (error) => error,
    onSuccess: () => assert.fail("it was admitted")
  })

layer(world, { excludeTestServices: true, timeout: "2 minutes" })("The outcome of a failed admission", (it) => {
  it.effect("is known when a lock was not to be had in time: nothing was done", () =>
    Effect.gen(function* () {
      const holder = yield* aClient
      const key = yield* aKey()
      yield* holder`begin`
      yield* holder`select id from stream_keys where id = ${key.id} for update`
      const error = yield* failureOf(admit(anAsk(key)))
      yield* holder`rollback`
      assert.instanceOf(error, StoreUnavailable)
      assert.isTrue(error.rolledBack)
    })
  )

  it.effect("is known when a constraint refused it", () =>
    Effect.gen(function* () {
      const key = yield* aKey()
      const error = yield* failureOf(admit(anAsk(key, { path: `live/sk_${"a".repeat(43)}` })))
      assert.isTrue(error.rolledBack)
    })
  )

  it.effect("is not known when the connection was lost on the way", () =>
    Effect.gen(function* () {
      const [holder, killer] = [yield* aClient, yield* aClient]
      const terminate = killer`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`
      const isKilled = Effect.map(terminate, (killed) => killed.length > 0)
      const kill = Effect.repeat(isKilled, { schedule: Schedule.spaced("5 millis"), until: (yes) => yes, times: 200 })
      const scene = Effect.gen(function* () {
        const key = yield* aKey()
        yield* holder`begin`
        yield* holder`select id from stream_keys where id = ${key.id} for update`
        const [error] = yield* Effect.all([failureOf(admit(anAsk(key))), kill], { concurrency: 2 })
        yield* holder`rollback`
        return error.rolledBack
      })
      // On a busy machine the lock timeout may come first.
      const nothingDone = yield* Effect.repeat(scene, { until: (nothingDone) => nothingDone === undefined, times: 20 })
      assert.isUndefined(nothingDone)
    })
  )
})
