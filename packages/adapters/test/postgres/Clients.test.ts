/** Who waits for whom: a crowd on one client's connections holds up nobody on another's. */
import { assert, layer } from "@effect/vitest"
import { Leases, Sessions, Streams } from "@greenroom/core"
import { aSession } from "@greenroom/testing/fixtures"
import { Context, Effect, Fiber, Layer, Result } from "effect"
import { TestClock } from "effect/testing"
import { clientOf, withClient } from "../../../../verification/worlds/postgres.ts"
import * as Database from "../../src/postgres/Database.ts"
import { Address, usePostgresWorld } from "../fixtures/postgresWorld.ts"

const world = usePostgresWorld("as in service")

layer(world, { excludeTestServices: true, timeout: "2 minutes" })("Clients", (it) => {
  it.effect("lists that hold every connection they may have do not hold up the reconciler", () =>
    Effect.gen(function* () {
      const [sessions, leases, streams] = [yield* Sessions, yield* Leases, yield* Streams]
      const session = yield* aSession()
      const address = yield* Address
      const watcher = yield* clientOf(address)
      yield* withClient(address, (sql) =>
        sql.withTransaction(
          Effect.gen(function* () {
            yield* sql`lock table broadcasters in access exclusive mode`
            const list = streams.list({ status: ["active"] }, { limit: null, after: null })
            const lists = yield* Effect.forkChild(
              Effect.forEach(Array.from({ length: 100 }), () => Effect.result(list), { concurrency: "unbounded" })
            )
            const waiting = watcher`
              select count(*)::integer as count from pg_stat_activity
              where datname = current_database() and application_name = 'greenroom' and wait_event_type = 'Lock'`
            yield* Effect.repeat(waiting, { until: ([row]) => row?.count === Database.connections.general })

            const { open } = yield* sessions.open
            const lease = yield* leases.acquire("the reconciler", 3_000)
            assert.deepStrictEqual([open.map(({ streamId }) => streamId), lease.held], [[session.id], true])
            const [row] = yield* waiting
            assert.strictEqual(row?.count, Database.connections.general, "the lists were waiting all the while")
            yield* Fiber.interrupt(lists)
          })
        )
      )
    })
  )

  it.effect("who waits for a connection gets one, although somebody before them waited in vain", () =>
    Effect.gen(function* () {
      const address = yield* Address
      const general = Context.get(yield* Layer.build(Database.layer(address)), Database.GeneralDatabase)
      const ask = general.run("ask", (sql) => sql`select 1 as one`)
      // Only a client that once answered can go silent, and is replaced then.
      yield* ask
      const sleep = general.run("sleep", (sql) => sql`select pg_sleep(3.9)`)
      const crowd = Effect.forEach(Array.from({ length: Database.connections.general }), () =>
        Effect.forkChild(Effect.result(sleep))
      )
      const first = yield* crowd
      const late = yield* crowd
      // The server has ended the statements of the first; those behind them hold every connection now, and sleep on when their own
      // deadline has come, because that was counted from the beginning.
      for (const outcome of yield* Fiber.joinAll(first)) assert.isTrue(Result.isFailure(outcome))
      const waiting = yield* Effect.forkChild(ask)
      for (const outcome of yield* Fiber.joinAll(late)) assert.isTrue(Result.isFailure(outcome))
      assert.deepStrictEqual(yield* Fiber.join(waiting), [{ one: 1 }])
    })
  )

  it.effect("connections are renewed after an hour, and not before", () =>
    Effect.gen(function* () {
      const address = yield* Address
      const database = Context.get(yield* Layer.build(Database.layer(address)), Database.AdmissionDatabase)
      const backend = Effect.map(
        database.run("ask", (sql) => sql<{ pid: number }>`select pg_backend_pid() as pid`),
        ([row]) => row?.pid
      )
      const first = yield* backend
      yield* TestClock.adjust("59 minutes")
      assert.strictEqual(yield* backend, first)
      yield* TestClock.adjust("2 minutes")
      assert.notStrictEqual(yield* backend, first)
    }).pipe(Effect.provide(TestClock.layer()))
  )
})
