/** The repositories in PostgreSQL keep the laws of all repositories: a real server, and the real time. */
import { registerLaws, repositoriesLaws } from "@greenroom/testing"
import { Effect, Layer } from "effect"
import { afterAll, describe, it } from "vitest"
import { usePostgres } from "../../../../verification/worlds/postgres.ts"
import { postgresStore } from "../fixtures/postgresStore.ts"

const freshDatabase = usePostgres()

const layer = Layer.unwrap(Effect.map(freshDatabase, (address) => postgresStore(address)))

registerLaws(repositoriesLaws({ name: "PostgreSQL", layer, clock: "real" }), { describe, it, afterAll })
