/** The schema of the database, for those who bring it up to date by themselves. */
import { PostgresMigrations } from "@greenroom/adapters/postgres"
import { Effect, Redacted } from "effect"
import { GreenroomError } from "./GreenroomError.ts"
import type { DatabaseOptions } from "./options.ts"

/** Brings the schema up to date, and returns the names of the migrations that were run. Throws `migration_failed`. */
export const migrate = async ({ url }: DatabaseOptions): Promise<ReadonlyArray<string>> => {
  return Effect.runPromise(PostgresMigrations.migrate({ url: Redacted.make(url) })).catch((cause: unknown) => {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new GreenroomError("migration_failed", `The schema could not be brought up to date: ${message}`, { cause })
  })
}
