/** All repositories in one PostgreSQL database. `PostgresMigrations` must have brought its schema up to date. */
import type {
  Admissions,
  Broadcasters,
  Leases,
  Retention,
  Sessions,
  StoreHealth,
  StreamKeys,
  Streams,
  Workers
} from "@greenroom/core"
import { Layer } from "effect"
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

export type Repositories =
  | Broadcasters
  | StreamKeys
  | Admissions
  | Sessions
  | Streams
  | Leases
  | Workers
  | Retention
  | StoreHealth

/** The repositories over the three clients of `Database`. */
export const layerRepositories: Layer.Layer<Repositories, never, Database.Databases> = Layer.mergeAll(
  PostgresBroadcasters.layer,
  PostgresStreamKeys.layer,
  PostgresAdmissions.layer,
  PostgresSessions.layer,
  PostgresStreams.layer,
  PostgresLeases.layer,
  PostgresWorkers.layer,
  PostgresRetention.layer,
  PostgresHealth.layer
)

/** The repositories with their own clients. The layer builds without a database; each call then fails with `StoreUnavailable`. */
export const layer = (address: PostgresAddress): Layer.Layer<Repositories> =>
  Layer.provide(layerRepositories, Database.layer(address))
