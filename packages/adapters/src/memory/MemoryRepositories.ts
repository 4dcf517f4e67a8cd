/** All repositories over one `MemoryStore`. `layer` also provides the store, so that a test can read it. */
import { Repositories } from "@greenroom/core"
import { Effect, Layer } from "effect"
import * as MemoryAdmissions from "./MemoryAdmissions.ts"
import * as MemoryApiTokens from "./MemoryApiTokens.ts"
import * as MemoryAuditLog from "./MemoryAuditLog.ts"
import * as MemoryAuthDecisions from "./MemoryAuthDecisions.ts"
import * as MemoryBroadcasters from "./MemoryBroadcasters.ts"
import * as MemoryEvents from "./MemoryEvents.ts"
import * as MemoryHealth from "./MemoryHealth.ts"
import * as MemoryLeases from "./MemoryLeases.ts"
import * as MemoryPlaybackTokens from "./MemoryPlaybackTokens.ts"
import * as MemoryRetention from "./MemoryRetention.ts"
import * as MemorySessions from "./MemorySessions.ts"
import * as MemorySigningKeys from "./MemorySigningKeys.ts"
import * as MemoryStore from "./MemoryStore.ts"
import * as MemoryStreamKeys from "./MemoryStreamKeys.ts"
import * as MemoryStreams from "./MemoryStreams.ts"
import * as MemoryViewers from "./MemoryViewers.ts"
import * as MemoryWebhookEndpoints from "./MemoryWebhookEndpoints.ts"
import * as MemoryWorkers from "./MemoryWorkers.ts"

/** The repositories over a given store, which several instances of the service may share. */
export const layerRepositories: Layer.Layer<Repositories, never, MemoryStore.MemoryStore> = Layer.effect(
  Repositories,
  Effect.all({
    admissions: MemoryAdmissions.make,
    apiTokens: MemoryApiTokens.make,
    auditLog: MemoryAuditLog.make,
    authDecisions: MemoryAuthDecisions.make,
    broadcasters: MemoryBroadcasters.make,
    events: MemoryEvents.make,
    leases: MemoryLeases.make,
    playbackTokens: MemoryPlaybackTokens.make,
    retention: MemoryRetention.make,
    sessions: MemorySessions.make,
    signingKeys: MemorySigningKeys.make,
    storeHealth: MemoryHealth.make,
    streamKeys: MemoryStreamKeys.make,
    streams: MemoryStreams.make,
    viewers: MemoryViewers.make,
    webhookEndpoints: MemoryWebhookEndpoints.make,
    workers: MemoryWorkers.make
  })
)

export const layer: Layer.Layer<Repositories | MemoryStore.MemoryStore> = Layer.provideMerge(
  layerRepositories,
  MemoryStore.layer
)
