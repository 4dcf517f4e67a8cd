/** The whole store: all of its ports together, which is what Greenroom takes. */
import { Repositories, StoreHealth } from "@greenroom/core"
import { Effect, Layer } from "effect"
import { admissions } from "./admissions.ts"
import { apiTokens } from "./apiTokens.ts"
import { auditLog } from "./auditLog.ts"
import { authDecisions } from "./authDecisions.ts"
import { broadcasters } from "./broadcasters.ts"
import { events } from "./events.ts"
import { leases } from "./leases.ts"
import { playbackTokens } from "./playbackTokens.ts"
import { retention } from "./retention.ts"
import { Sqlite } from "./Sqlite.ts"
import { sessions } from "./sessions.ts"
import { signingKeys } from "./signingKeys.ts"
import { streamKeys } from "./streamKeys.ts"
import { streams } from "./streams.ts"
import { viewers } from "./viewers.ts"
import { webhookEndpoints } from "./webhookEndpoints.ts"
import { workers } from "./workers.ts"

const storeHealth = Effect.map(Sqlite, ({ read }) =>
  StoreHealth.of({ ping: read("StoreHealth.ping", () => undefined) })
)

export const layer: Layer.Layer<Repositories, never, Sqlite> = Layer.effect(
  Repositories,
  Effect.all({
    admissions,
    apiTokens,
    auditLog,
    authDecisions,
    broadcasters,
    events,
    leases,
    playbackTokens,
    retention,
    sessions,
    signingKeys,
    storeHealth,
    streamKeys,
    streams,
    viewers,
    webhookEndpoints,
    workers
  })
)
