/** All repositories in one PostgreSQL database. `PostgresMigrations` must have brought its schema up to date. */
import { Repositories } from "@greenroom/core"
import { layerOwnRuntime } from "@greenroom/core/internal"
import { Effect, Layer } from "effect"
import * as Database from "./Database.ts"
import type { PostgresAddress } from "./PostgresAddress.ts"
import * as PostgresAdmissions from "./PostgresAdmissions.ts"
import * as PostgresBroadcasters from "./PostgresBroadcasters.ts"
import * as PostgresHealth from "./PostgresHealth.ts"
import * as PostgresLeases from "./PostgresLeases.ts"
import * as PostgresRetention from "./PostgresRetention.ts"
import * as PostgresSessions from "./PostgresSessions.ts"
import * as PostgresStreamKeys from "./PostgresStreamKeys.ts"
import * as PostgresStreams from "./PostgresStreams.ts"
import * as PostgresWorkers from "./PostgresWorkers.ts"

/** The repositories over the three clients of `Database`. */
export const layerRepositories: Layer.Layer<Repositories, never, Database.Databases> = Layer.effect(
  Repositories,
  Effect.all({
    admissions: PostgresAdmissions.make,
    broadcasters: PostgresBroadcasters.make,
    leases: PostgresLeases.make,
    retention: PostgresRetention.make,
    sessions: PostgresSessions.make,
    storeHealth: PostgresHealth.make,
    streamKeys: PostgresStreamKeys.make,
    streams: PostgresStreams.make,
    workers: PostgresWorkers.make
  })
)

/** The repositories with their own clients. The layer builds without a database; each call then fails with `StoreUnavailable`. */
export const layer = (address: PostgresAddress): Layer.Layer<Repositories> =>
  Layer.provide(layerRepositories, Database.layer(address)).pipe(Layer.provide(layerOwnRuntime))
