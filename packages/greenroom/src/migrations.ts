/** The schema of the database, for those who bring it up to date by themselves: `sql` and `pending` change nothing. */
import { migrations } from "@greenroom/adapters/postgres"
import { Effect, Redacted } from "effect"
import type { DatabaseOptions } from "./options.ts"
import { startError } from "./run.ts"

export type Target = Pick<DatabaseOptions, "url" | "schema">

export interface Pending {
  /** Empty: the schema is up to date. */
  readonly titles: ReadonlyArray<string>
  /** What `migrate` would run, as a script. */
  readonly sql: string
}

/** The whole SQL of a new installation, as a script. */
export const sql = (schema?: string): string => migrations.sql(schema)

const on = <A, E>(
  { url, schema }: Target,
  run: (address: { url: Redacted.Redacted<string> }, options: { schema?: string }) => Effect.Effect<A, E>
) =>
  Effect.runPromise(run({ url: Redacted.make(url) }, schema === undefined ? {} : { schema })).catch(
    (error: unknown) => {
      throw startError(error)
    }
  )

/** What `migrate` would do now. Rejects with `store_unavailable` or `migration_failed`. */
export const pending = (target: Target): Promise<Pending> => on(target, migrations.pending)

/** Brings the schema up to date in one transaction, and returns what was done. Rejects with `store_unavailable` or `migration_failed`. */
export const migrate = (target: Target): Promise<ReadonlyArray<string>> => on(target, migrations.migrate)
