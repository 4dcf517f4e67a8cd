/**
 * Behind a real PgBouncer, in session and in transaction mode: the limits of locks and statements hold, an admission is still one
 * message to the database, and nothing that is set for one client stays for another.
 */
import { assert, it as test } from "@effect/vitest"
import { StoreUnavailable } from "@greenroom/core"
import { admit, aKey, anAsk } from "@greenroom/testing/fixtures"
import { Context, Effect, Layer, Scope } from "effect"
import { clientOf, usePostgres } from "../../../../verification/worlds/postgres.ts"
import { relayTo } from "../../../../verification/worlds/postgresRelay.ts"
import * as Database from "../../src/postgres/Database.ts"
import * as Postgres from "../../src/postgres/Postgres.ts"
import type { PostgresAddress } from "../../src/postgres/PostgresAddress.ts"
import * as PostgresMigrations from "../../src/postgres/PostgresMigrations.ts"
import { pgbouncerBin, throughPgBouncer } from "../fixtures/pgbouncer.ts"
import { unhurried } from "../fixtures/postgresWorld.ts"

const freshDatabase = usePostgres()

if (pgbouncerBin === undefined)
  console.warn("PgBouncer is not installed: its tests are skipped (apt-get install pgbouncer)")
const live = pgbouncerBin === undefined ? test.live.skip : test.live

const modes = ["session", "transaction"] as const

const storeOf = (address: PostgresAddress, options: Database.DatabaseOptions = {}) =>
  Layer.build(Postgres.layer(address, options))

const failureOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), (error) => (error instanceof StoreUnavailable ? error : assert.fail(String(error))))

for (const mode of modes) {
  live(`in ${mode} mode, an admission that waits for a lock fails in time, and nothing was done`, () =>
    Effect.gen(function* () {
      const address = yield* freshDatabase
      const pooled = yield* throughPgBouncer(address, { mode })
      yield* PostgresMigrations.migrate(pooled)
      const store = yield* storeOf(pooled)
      const key = yield* Effect.provide(aKey(), store)
      const holder = yield* clientOf(address)
      yield* holder`begin`
      yield* holder`select id from stream_keys where id = ${key.id} for update`
      const begin = performance.now()
      const error = yield* failureOf(Effect.provide(admit(anAsk(key)), store))
      assert.isBelow(performance.now() - begin, Database.limits.admission.answerMillis + 100)
      assert.isTrue(error.rolledBack)
      yield* holder`rollback`
      yield* Effect.provide(admit(anAsk(key)), store)
    })
  )

  live(`in ${mode} mode, the other clients limit their statements, and leave no setting behind`, () =>
    Effect.gen(function* () {
      const pooled = yield* throughPgBouncer(yield* freshDatabase, { mode, settings: ["server_reset_query ="] })
      const scope = yield* Scope.make()
      const clients = yield* Scope.provide(Layer.build(Database.layer(pooled)), scope)
      const { run } = Context.get(clients, Database.ReconcilerDatabase)
      const error = yield* failureOf(run("sleep", (sql) => sql`select pg_sleep(3)`))
      assert.isTrue(error.rolledBack)
      const settings = yield* run(
        "settings",
        (sql) => sql`
        select current_setting('lock_timeout') as lock, current_setting('statement_timeout') as statement,
          current_setting('idle_in_transaction_session_timeout') as idle`
      )
      assert.deepStrictEqual(settings, [{ lock: "800ms", statement: "1s", idle: "2500ms" }])
      yield* Scope.close(scope, yield* Effect.exit(Effect.void))
      const plain = yield* clientOf(pooled, null)
      assert.deepStrictEqual(yield* plain`select current_setting('lock_timeout') as lock`, [{ lock: "0" }])
    })
  )

  live(`in ${mode} mode, an admission is one message, and a hundred at once are admitted over few connections`, () =>
    Effect.gen(function* () {
      const settings = ["default_pool_size = 40"]
      const pooled = yield* throughPgBouncer(yield* freshDatabase, { mode, settings })
      const relay = yield* relayTo(pooled)
      yield* PostgresMigrations.migrate(relay.address)
      const store = yield* Layer.build(Layer.provide(Postgres.layer(relay.address), unhurried))
      const keys = yield* Effect.provide(
        Effect.forEach(Array.from({ length: 100 }), () => aKey()),
        store
      )
      const before = relay.statements()
      yield* Effect.provide(admit(anAsk(keys[0]!)), store)
      assert.strictEqual(relay.statements() - before, 1)
      yield* Effect.provide(
        Effect.forEach(keys.slice(1), (key) => admit(anAsk(key)), { concurrency: "unbounded" }),
        store
      )
      assert.strictEqual(relay.statements() - before, 100)
    })
  )
}

live("a pooler that ignores the start-up parameters is found out, too", () =>
  Effect.gen(function* () {
    const ignored = "ignore_startup_parameters = lock_timeout, statement_timeout, idle_in_transaction_session_timeout"
    const pooled = yield* throughPgBouncer(yield* freshDatabase, { mode: "transaction", settings: [ignored] })
    const clients = yield* Layer.build(Database.layer(pooled))
    const { run } = Context.get(clients, Database.GeneralDatabase)
    const found = yield* run("setting", (sql) => sql`select current_setting('lock_timeout') as lock`)
    assert.deepStrictEqual(found, [{ lock: "1500ms" }])
  })
)

live("a failure names the pooler when it is not expected", () =>
  Effect.gen(function* () {
    const pooled = yield* throughPgBouncer(yield* freshDatabase, { mode: "transaction" })
    const clients = yield* Layer.build(Database.layer(pooled, { pooler: "none" }))
    for (const { run } of [
      Context.get(clients, Database.AdmissionDatabase),
      Context.get(clients, Database.GeneralDatabase)
    ]) {
      const error = yield* failureOf(run("ask", (sql) => sql`select 1`))
      assert.include(String(error.cause), "PgBouncer")
      assert.include(String(error.cause), "DATABASE_POOLER")
    }
  })
)
