/** Whether PostgreSQL answers. Uses the admissions' connections, because `/auth` depends on them. */
import { StoreHealth } from "@greenroom/core"
import { Effect, Layer } from "effect"
import { AdmissionDatabase } from "./Database.ts"

export const layer: Layer.Layer<StoreHealth, never, AdmissionDatabase> = Layer.effect(
  StoreHealth,
  Effect.map(AdmissionDatabase, (database) =>
    StoreHealth.of({ ping: Effect.asVoid(database.run("StoreHealth.ping", (sql) => sql`select 1`)) })
  )
)
