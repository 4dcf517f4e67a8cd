/** Whether PostgreSQL answers. Uses the admissions' connections, because `/auth` depends on them. */
import { StoreHealth } from "@greenroom/core"
import { Effect } from "effect"
import { AdmissionDatabase } from "./Database.ts"

export const make: Effect.Effect<StoreHealth["Service"], never, AdmissionDatabase> = Effect.map(
  AdmissionDatabase,
  (database) => StoreHealth.of({ ping: Effect.asVoid(database.run("StoreHealth.ping", (sql) => sql`select 1`)) })
)
