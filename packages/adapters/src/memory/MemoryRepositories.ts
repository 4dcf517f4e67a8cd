/** All repositories over one `MemoryStore`. `layer` also provides the store, so that a test can read it. */
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
import * as MemoryAdmissions from "./MemoryAdmissions.ts"
import * as MemoryBroadcasters from "./MemoryBroadcasters.ts"
import * as MemoryHealth from "./MemoryHealth.ts"
import * as MemoryLeases from "./MemoryLeases.ts"
import * as MemoryRetention from "./MemoryRetention.ts"
import * as MemorySessions from "./MemorySessions.ts"
import * as MemoryStore from "./MemoryStore.ts"
import * as MemoryStreamKeys from "./MemoryStreamKeys.ts"
import * as MemoryStreams from "./MemoryStreams.ts"
import * as MemoryWorkers from "./MemoryWorkers.ts"

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

/** The repositories over a given store, which several instances of the service may share. */
export const layerRepositories: Layer.Layer<Repositories, never, MemoryStore.MemoryStore> = Layer.mergeAll(
  MemoryBroadcasters.layer,
  MemoryStreamKeys.layer,
  MemoryAdmissions.layer,
  MemorySessions.layer,
  MemoryStreams.layer,
  MemoryLeases.layer,
  MemoryWorkers.layer,
  MemoryRetention.layer,
  MemoryHealth.layer
)

export const layer: Layer.Layer<Repositories | MemoryStore.MemoryStore> = Layer.provideMerge(
  layerRepositories,
  MemoryStore.layer
)
