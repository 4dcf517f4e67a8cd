/**
 * Brings the schema up to date, on its own connection without a statement timeout. Migrations are append-only: the SQL of a
 * released one never changes. They are text in modules, so that no file has to be found at run time. Several instances may start
 * at once: the migrator's lock lets one migrate, and the others wait and then have nothing to do.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { Effect, Layer } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Migrator from "effect/sql/Migrator"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as broadcastersAndKeys from "./migrations/0001_broadcasters_and_keys.ts"
import * as streamsAndTheirEvents from "./migrations/0002_streams_and_their_events.ts"
import * as leases from "./migrations/0003_leases.ts"
import * as theLastLook from "./migrations/0004_the_last_look.ts"
import * as listsByBroadcaster from "./migrations/0005_lists_by_broadcaster.ts"
import * as supersedeOthers from "./migrations/0006_supersede_others.ts"
import * as workers from "./migrations/0007_workers.ts"
import * as workersArePruned from "./migrations/0008_workers_are_pruned.ts"
import * as wholeListsApart from "./migrations/0009_whole_lists_apart.ts"
import * as ingestPathsAreOwned from "./migrations/0010_ingest_paths_are_owned.ts"
import * as historyIsPruned from "./migrations/0011_history_is_pruned.ts"
import * as moq from "./migrations/0012_moq.ts"
import * as rulesAsFunctions from "./migrations/0013_rules_as_functions.ts"
import * as aKeyIsIssuedInOneCall from "./migrations/0014_a_key_is_issued_in_one_call.ts"
import * as broadcastersHaveExternalIds from "./migrations/0015_broadcasters_have_external_ids.ts"
import { connectionOf, type PostgresAddress } from "./PostgresAddress.ts"
import { checkServer } from "./serverVersion.ts"

const migration = (statements: ReadonlyArray<string>): Effect.Effect<void, SqlError, SqlClient> =>
  Effect.flatMap(SqlClient, (sql) =>
    Effect.forEach(statements, (statement) => sql.unsafe(statement).unprepared, { discard: true })
  )

export const migrations: Record<string, Effect.Effect<void, SqlError, SqlClient>> = {
  "0001_broadcasters_and_keys": migration(broadcastersAndKeys.statements),
  "0002_streams_and_their_events": migration(streamsAndTheirEvents.statements),
  "0003_leases": migration(leases.statements),
  "0004_the_last_look": migration(theLastLook.statements),
  "0005_lists_by_broadcaster": migration(listsByBroadcaster.statements),
  "0006_supersede_others": migration(supersedeOthers.statements),
  "0007_workers": migration(workers.statements),
  "0008_workers_are_pruned": migration(workersArePruned.statements),
  "0009_whole_lists_apart": migration(wholeListsApart.statements),
  "0010_ingest_paths_are_owned": migration(ingestPathsAreOwned.statements),
  "0011_history_is_pruned": migration(historyIsPruned.statements),
  "0012_moq": migration(moq.statements),
  "0013_rules_as_functions": migration(rulesAsFunctions.statements),
  "0014_a_key_is_issued_in_one_call": migration(aKeyIsIssuedInOneCall.statements),
  "0015_broadcasters_have_external_ids": migration(broadcastersHaveExternalIds.statements)
}

const migrateWith = Migrator.make({})({ loader: Migrator.fromRecord(migrations), table: "greenroom_migrations" })

/** How long an instance waits for the lock of another one that migrates: a large history takes time to migrate. */
const LOCK_WITHIN_MS = 60_000

/** Which migrations were run; none when the schema was up to date. Fails on a server that is too old, before it changes anything. */
export const migrate = Effect.fn("PostgresMigrations.migrate")(
  function* (address: PostgresAddress) {
    const client = yield* PgClient.makeClient({
      ...connectionOf(address),
      applicationName: "greenroom-migrations",
      /** Longer than the other clients': the service cannot start without its schema. */
      connectTimeout: "5 seconds",
      startupParameters: { lock_timeout: String(LOCK_WITHIN_MS), statement_timeout: "0" }
    })
    yield* checkServer(client)
    return yield* Effect.provideService(migrateWith, SqlClient, client)
  },
  Effect.scoped,
  Effect.provide(Reactivity.layer)
)

export const layer = (address: PostgresAddress): Layer.Layer<never, Migrator.MigrationError | SqlError> =>
  Layer.effectDiscard(migrate(address))
