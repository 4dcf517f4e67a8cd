/** The repositories keep their laws behind a real PgBouncer: without prepared statements in transaction mode, with them in session mode. */
import { it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { usePostgres } from "../../../../verification/worlds/postgres.ts"
import type { DatabaseOptions } from "../../src/postgres/Database.ts"
import { admissionRacesLaws } from "../contract/AdmissionRaces.laws.ts"
import { admissionsLaws } from "../contract/Admissions.laws.ts"
import { broadcastersLaws } from "../contract/Broadcasters.laws.ts"
import { repositoriesLaws } from "../contract/repositories.laws.ts"
import { sessionsLaws } from "../contract/Sessions.laws.ts"
import { pgbouncerBin, throughPgBouncer } from "../fixtures/pgbouncer.ts"
import { postgresStore } from "../fixtures/postgresStore.ts"

const freshDatabase = usePostgres()

const layerOf = (mode: "session" | "transaction", options: DatabaseOptions) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const address = yield* freshDatabase
      return postgresStore(address, options, yield* throughPgBouncer(address, { mode }))
    })
  )

if (pgbouncerBin === undefined) it.skip("PgBouncer is not installed (apt-get install pgbouncer)", () => {})
else {
  repositoriesLaws({ name: "PgBouncer in transaction mode", layer: layerOf("transaction", {}), live: true })

  const session = { name: "PgBouncer in session mode", layer: layerOf("session", { pooler: "session" }), live: true }
  admissionsLaws(session)
  admissionRacesLaws(session)
  broadcastersLaws(session)
  sessionsLaws(session)
}
