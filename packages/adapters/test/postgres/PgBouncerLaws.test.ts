/** The repositories keep their laws behind a real PgBouncer: without prepared statements in transaction mode, with them in session mode. */
import { registerLaws, repositoriesLaws, type StoreUnderTest } from "@greenroom/testing"
import { Effect, Layer } from "effect"
import { afterAll, describe, it } from "vitest"
import { usePostgres } from "../../../../verification/worlds/postgres.ts"
import type { DatabaseOptions } from "../../src/postgres/Database.ts"
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

const check = (store: StoreUnderTest, ports = /^/) => {
  const suites = repositoriesLaws(store).filter(({ name }) => ports.test(name))
  registerLaws(suites, { describe, it, afterAll })
}

/** All kinds of statements: multiplexed ones, transactions, and one that a unique index refuses. */
const SOME = /^(Admissions|Broadcasters|External ids|Sessions)/

if (pgbouncerBin === undefined) it.skip("PgBouncer is not installed (apt-get install pgbouncer)", () => {})
else {
  const transaction = layerOf({}, { mode: "transaction" })
  check({ name: "PgBouncer in transaction mode", layer: transaction, clock: "real" })
  const session = layerOf({ pooler: "session" }, { mode: "session" })
  check({ name: "PgBouncer in session mode", layer: session, clock: "real" }, SOME)
}

if (keepsPreparedStatements) {
  const keeping = { mode: "transaction", settings: ["max_prepared_statements = 100"] } as const
  const layer = layerOf({ pooler: "session" }, keeping)
  check({ name: "PgBouncer in transaction mode, with prepared statements", layer, clock: "real" }, SOME)
} else it.skip("PgBouncer is older than 1.21, which keeps prepared statements in transaction mode", () => {})
