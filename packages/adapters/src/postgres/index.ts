/**
 * The repositories in PostgreSQL 15 or newer: `Postgres.layer(address, { schema, migrate: "auto" })`, or `migrations.migrate(address)` once
 * at the start and then `Postgres.layer(address)`. `migrations.sql(schema)` and `migrations.pending(address)` show the SQL.
 * The parts are exported for services that bring their own clients, and for `replacePorts`.
 */
import "../effectOfAdapters.ts"

export { StoreHealth } from "@greenroom/core"
export * as Database from "./Database.ts"
export { MigrationFailed } from "./MigrationFailed.ts"
export { DEFAULT_SCHEMA, isSchemaName, type Names, namesIn, SCHEMA_EXPECTED } from "./names.ts"
export * as Postgres from "./Postgres.ts"
export { connectionOf, type PostgresAddress } from "./PostgresAddress.ts"
export * as PostgresAdmissions from "./PostgresAdmissions.ts"
export * as PostgresBroadcasters from "./PostgresBroadcasters.ts"
export * as PostgresHealth from "./PostgresHealth.ts"
export * as PostgresLeases from "./PostgresLeases.ts"
export * as PostgresMigrations from "./PostgresMigrations.ts"
export * as migrations from "./PostgresMigrations.ts"
export * as PostgresRetention from "./PostgresRetention.ts"
export * as PostgresSessions from "./PostgresSessions.ts"
export * as PostgresStreamKeys from "./PostgresStreamKeys.ts"
export * as PostgresStreams from "./PostgresStreams.ts"
export * as PostgresWorkers from "./PostgresWorkers.ts"
export { type Pooler, reaches } from "./pooler.ts"
export { connections, MOST_CONNECTIONS, type PoolSizes, poolNames } from "./poolSizes.ts"
