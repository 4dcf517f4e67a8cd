/** The repositories in PostgreSQL keep the laws of all repositories: a real server, and the real time. */
import { Effect, Layer } from "effect"
import { usePostgres } from "../../../../verification/worlds/postgres.ts"
import { repositoriesLaws } from "../contract/repositories.laws.ts"
import { postgresStore } from "../fixtures/postgresStore.ts"

const freshDatabase = usePostgres()

const layer = Layer.unwrap(Effect.map(freshDatabase, (address) => postgresStore(address)))

repositoriesLaws({ name: "PostgreSQL", layer, live: true })
