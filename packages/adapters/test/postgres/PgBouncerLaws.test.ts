/** The repositories keep their laws behind a real PgBouncer: without prepared statements in transaction mode, with them in session mode. */
import { it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { usePostgres } from "../../../../verification/worlds/postgres.ts"
import type { DatabaseOptions } from "../../src/postgres/Database.ts"
import { admissionRacesLaws } from "../contract/AdmissionRaces.laws.ts"
import { admissionsLaws } from "../contract/Admissions.laws.ts"
import { broadcastersLaws } from "../contract/Broadcasters.laws.ts"
import type { Store } from "../contract/contract.ts"
import { repositoriesLaws } from "../contract/repositories.laws.ts"
import { sessionsLaws } from "../contract/Sessions.laws.ts"
import { keepsPreparedStatements, pgbouncerBin, throughPgBouncer } from "../fixtures/pgbouncer.ts"
import { postgresStore } from "../fixtures/postgresStore.ts"

const freshDatabase = usePostgres()

const layerOf = (options: DatabaseOptions, pooler: Parameters<typeof throughPgBouncer>[1]) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const address = yield* freshDatabase
      return postgresStore(address, options, yield* throughPgBouncer(address, pooler))
    })
  )

/** The laws of all kinds of statements: multiplexed ones, transactions, and one that a unique index refuses. */
const someLaws = (store: Store) => {
  admissionsLaws(store)
  admissionRacesLaws(store)
  broadcastersLaws(store)
  sessionsLaws(store)
}

if (pgbouncerBin === undefined) it.skip("PgBouncer is not installed (apt-get install pgbouncer)", () => {})
else {
  const transaction = layerOf({}, { mode: "transaction" })
  repositoriesLaws({ name: "PgBouncer in transaction mode", layer: transaction, live: true })
  const session = layerOf({ pooler: "session" }, { mode: "session" })
  someLaws({ name: "PgBouncer in session mode", layer: session, live: true })
}

if (keepsPreparedStatements) {
  const keeping = { mode: "transaction", settings: ["max_prepared_statements = 100"] } as const
  const layer = layerOf({ pooler: "session" }, keeping)
  someLaws({ name: "PgBouncer in transaction mode, with prepared statements", layer, live: true })
} else it.skip("PgBouncer is older than 1.21, which keeps prepared statements in transaction mode", () => {})
