/** The repositories in PostgreSQL keep the laws of all repositories: a real server, and the real time. */
import { Effect, Layer } from "effect"
import * as Postgres from "../../src/postgres/Postgres.ts"
import * as PostgresMigrations from "../../src/postgres/PostgresMigrations.ts"
import { repositoriesLaws } from "../contract/repositories.laws.ts"
import { usePostgres } from "../fixtures/postgres.ts"
import { unhurried } from "../fixtures/postgresWorld.ts"

const freshDatabase = usePostgres()

const layer = Layer.unwrap(
  Effect.gen(function* () {
    const address = yield* freshDatabase
    yield* PostgresMigrations.migrate(address)
    return Layer.provide(Postgres.layer(address), unhurried)
  }).pipe(Effect.orDie)
)

repositoriesLaws({ name: "PostgreSQL", layer, live: true })
