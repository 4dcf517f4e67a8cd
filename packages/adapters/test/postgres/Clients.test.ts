/** Who waits for whom: a crowd on one client's connections holds up nobody on another's. */
import { assert, layer } from "@effect/vitest"
import { Leases, Sessions, Streams } from "@greenroom/core"
import { Context, Effect, Fiber, Layer } from "effect"
import * as Postgres from "../../src/postgres/Postgres.ts"
import type { PostgresAddress } from "../../src/postgres/PostgresAddress.ts"
import * as PostgresMigrations from "../../src/postgres/PostgresMigrations.ts"
import { aSession } from "../contract/world.ts"
import { clientOf, usePostgres, withClient } from "../fixtures/postgres.ts"

class Address extends Context.Service<Address, PostgresAddress>()("greenroom/test/Address") {}

const freshDatabase = usePostgres()

const world = Layer.unwrap(
  Effect.gen(function* () {
    const address = yield* freshDatabase
    yield* PostgresMigrations.migrate(address)
    return Layer.merge(Postgres.layer(address), Layer.succeed(Address, address))
  }).pipe(Effect.orDie)
)

layer(world, { excludeTestServices: true, timeout: "60 seconds" })("Clients", (it) => {
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
            yield* Effect.repeat(waiting, { until: ([row]) => row?.count === 10 })

            const begun = performance.now()
            const { unended } = yield* sessions.unended
            const lease = yield* leases.hold("the reconciler", 3_000)
            const took = performance.now() - begun
            assert.deepStrictEqual([unended.map(({ streamId }) => streamId), lease.held], [[session.id], true])
            assert.isBelow(took, 300)
            const [row] = yield* waiting
            assert.strictEqual(row?.count, 10, "the lists were waiting all the while")
            yield* Fiber.interrupt(lists)
          })
        )
      )
    })
  )
})
