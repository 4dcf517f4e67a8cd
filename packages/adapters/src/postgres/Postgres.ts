/** All repositories in one PostgreSQL database, in one schema, which migrations must have brought up to date. */
import { Repositories } from "@greenroom/core"
import { layerOwnRuntime } from "@greenroom/core/internal"
import { Effect, Layer } from "effect"
import * as Database from "./Database.ts"
import type { PostgresAddress } from "./PostgresAddress.ts"
import * as PostgresAdmissions from "./PostgresAdmissions.ts"
import * as PostgresApiTokens from "./PostgresApiTokens.ts"
import * as PostgresAuditLog from "./PostgresAuditLog.ts"
import * as PostgresAuthDecisions from "./PostgresAuthDecisions.ts"
import * as PostgresBroadcasters from "./PostgresBroadcasters.ts"
import * as PostgresEvents from "./PostgresEvents.ts"
import * as PostgresHealth from "./PostgresHealth.ts"
import * as PostgresLeases from "./PostgresLeases.ts"
import * as PostgresMigrations from "./PostgresMigrations.ts"
import { check, type MigrationFailed } from "./PostgresMigrations.ts"
import * as PostgresPlaybackTokens from "./PostgresPlaybackTokens.ts"
import * as PostgresRetention from "./PostgresRetention.ts"
import * as PostgresSessions from "./PostgresSessions.ts"
import * as PostgresSigningKeys from "./PostgresSigningKeys.ts"
import * as PostgresStreamKeys from "./PostgresStreamKeys.ts"
import * as PostgresStreams from "./PostgresStreams.ts"
import * as PostgresViewers from "./PostgresViewers.ts"
import * as PostgresWebhookEndpoints from "./PostgresWebhookEndpoints.ts"
import * as PostgresWorkers from "./PostgresWorkers.ts"

/** The repositories over the three clients of `Database`. */
export const layerRepositories: Layer.Layer<Repositories, never, Database.Databases> = Layer.effect(
  Repositories,
  Effect.all({
    admissions: PostgresAdmissions.make,
    apiTokens: PostgresApiTokens.make,
    auditLog: PostgresAuditLog.make,
    authDecisions: PostgresAuthDecisions.make,
    broadcasters: PostgresBroadcasters.make,
    events: PostgresEvents.make,
    leases: PostgresLeases.make,
    playbackTokens: PostgresPlaybackTokens.make,
    retention: PostgresRetention.make,
    sessions: PostgresSessions.make,
    signingKeys: PostgresSigningKeys.make,
    storeHealth: PostgresHealth.make,
    streamKeys: PostgresStreamKeys.make,
    streams: PostgresStreams.make,
    viewers: PostgresViewers.make,
    webhookEndpoints: PostgresWebhookEndpoints.make,
    workers: PostgresWorkers.make
  })
)

export interface StoreOptions extends Database.DatabaseOptions {
  /**
   * `auto` brings the installation up to date when the layer is built, `check` fails when migrations are pending. Both need the
   * database then. Without it, migrations are left to `migrations.migrate`.
   */
  readonly migrate?: "auto" | "check" | undefined
}

/** The repositories with their own clients. The layer builds without a database; each call then fails with `StoreUnavailable`. */
export function layer(
  address: PostgresAddress,
  options?: StoreOptions & { readonly migrate?: undefined }
): Layer.Layer<Repositories>
export function layer(address: PostgresAddress, options: StoreOptions): Layer.Layer<Repositories, MigrationFailed>
export function layer(
  address: PostgresAddress,
  { migrate, ...options }: StoreOptions = {}
): Layer.Layer<Repositories, MigrationFailed> {
  const repositories = Layer.provide(layerRepositories, Database.layer(address, options)).pipe(
    Layer.provide(layerOwnRuntime)
  )
  if (migrate === undefined) return repositories
  const before = migrate === "auto" ? PostgresMigrations.migrate(address, options) : check(address, options)
  return Layer.provide(repositories, Layer.effectDiscard(before))
}
