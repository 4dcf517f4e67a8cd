/** The repositories in PostgreSQL keep the laws of all repositories: a real server, and the real time. */
import { BackDoor, type PrunedUsage, registerLaws, repositoriesLaws } from "@greenroom/testing"
import { Effect, Layer } from "effect"
import { afterAll, describe, it } from "vitest"
import { usePostgres, withClient } from "../../../../verification/worlds/postgres.ts"
import * as Postgres from "../../src/postgres/Postgres.ts"
import type { PostgresAddress } from "../../src/postgres/PostgresAddress.ts"
import * as PostgresMigrations from "../../src/postgres/PostgresMigrations.ts"
import { age } from "../fixtures/aging.ts"
import { unhurried } from "../fixtures/postgresWorld.ts"

const freshDatabase = usePostgres()

const backDoor = (address: PostgresAddress) =>
  Layer.succeed(BackDoor, {
    age: (days) => Effect.orDie(withClient(address, (sql) => age(sql, days))),
    prunedUsage: (of) =>
      withClient(
        address,
        (sql) => sql<PrunedUsage>`
          select to_char(day, 'YYYY-MM-DD') as day, by_worker as "byWorker", streams::float8, seconds::float8, bytes::float8
          from pruned_usage where broadcaster_id = ${of}`
      ).pipe(Effect.orDie)
  })

const layer = Layer.unwrap(
  Effect.gen(function* () {
    const address = yield* freshDatabase
    yield* PostgresMigrations.migrate(address)
    return Layer.merge(Layer.provide(Postgres.layer(address), unhurried), backDoor(address))
  }).pipe(Effect.orDie)
)

registerLaws(repositoriesLaws({ name: "PostgreSQL", layer, clock: "real" }), { describe, it, afterAll })
