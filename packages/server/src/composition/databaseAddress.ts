/**
 * Where the database is: the configured one, or a private one that is started here, and started again if it dies. The installation in
 * it is brought up to date before the address is given out.
 */
import * as path from "node:path"
import { type Database, type PostgresAddress, PostgresMigrations } from "@greenroom/adapters/postgres"
import { EmbeddedPostgres } from "@greenroom/launcher"
import { Effect, Redacted, Schedule } from "effect"
import type { Variables } from "../config/Settings.ts"
import { misconfigured, type StartFailed, unavailable } from "../config/StartFailed.ts"
import { restartForever } from "./restartForever.ts"

/** How long a configured database may take to come up beside us. */
export const DATABASE_PATIENCE_SECONDS = 60

/** Asking again cannot help against a wrong password, a missing database or missing rights. */
const hopeless =
  /password authentication failed|does not exist|permission denied|must be owner of|no pg_hba\.conf entry|nothing was moved/

const nameOf = (url: Redacted.Redacted<string>): string => {
  const { host, pathname } = new URL(Redacted.value(url))
  return `${host}${pathname}`
}

/** A migration that failed is tried again: the database may still be starting. What the operator must change is not. */
const startFailed = (where: string) => (error: PostgresMigrations.MigrationFailed) =>
  error.kind === "failed"
    ? unavailable(`The database ${where} cannot be used: ${error.message}`)
    : misconfigured(`The database ${where} cannot be used: ${error.message}`)

const isHopeless = ({ kind, sentence }: StartFailed) => kind !== "unavailable" || hopeless.test(sentence)

/** Until the database answers, for a limited time. */
const patiently = <A>(attempt: Effect.Effect<A, PostgresMigrations.MigrationFailed>, where: string) =>
  Effect.suspend(() => {
    let isLogged = false
    const logWaiting = (error: StartFailed) => {
      const level = isLogged ? Effect.logDebug : Effect.logWarning
      isLogged = true
      return level(`waiting for the database, up to ${DATABASE_PATIENCE_SECONDS} s: ${error.message}`)
    }
    return Effect.mapError(attempt, startFailed(where)).pipe(
      Effect.tapError((error) => (isHopeless(error) ? Effect.void : logWaiting(error))),
      Effect.retry({
        schedule: Schedule.max([Schedule.spaced("1 second"), Schedule.recurs(DATABASE_PATIENCE_SECONDS)]),
        while: (error) => !isHopeless(error)
      })
    )
  })

const embedded = Effect.fnUntraced(function* (dataDirectory: string) {
  const directory = path.join(dataDirectory, "postgres")
  const prepared = yield* EmbeddedPostgres.prepare({ directory, resolveFrom: import.meta.url })
  yield* restartForever(EmbeddedPostgres.start(prepared), "the embedded database")
  const { host, port, username, database } = prepared
  return { host, port, username, database }
})

const found = Effect.fnUntraced(function* ({ DATABASE_URL: url }: Variables, dataDirectory: string) {
  const address: PostgresAddress = url === undefined ? yield* embedded(dataDirectory) : { url }
  return { address, where: url === undefined ? `in ${dataDirectory}` : `at ${nameOf(url)}` }
})

export const databaseOptions = (settings: Variables): Database.DatabaseOptions => ({
  schema: settings.DATABASE_SCHEMA,
  pool: settings.DATABASE_POOL,
  // Nothing stands before our own, so nothing has to be found out at the start.
  pooler: settings.DATABASE_POOLER ?? (settings.DATABASE_URL === undefined ? "none" : "auto")
})

/** What `migrate` would run, as a script; changes nothing. */
export const pendingSql = Effect.fn("pendingSql")(function* (settings: Variables, dataDirectory: string) {
  const { address, where } = yield* found(settings, dataDirectory)
  const { sql } = yield* patiently(PostgresMigrations.pending(address, databaseOptions(settings)), where)
  return sql
})

/** `migrate`: what to do about pending migrations; `check` ends the start. */
export const databaseAddress = Effect.fn("databaseAddress")(function* (
  settings: Variables,
  dataDirectory: string,
  migrate: "auto" | "check"
) {
  const { address, where } = yield* found(settings, dataDirectory)
  const options = databaseOptions(settings)
  if (migrate === "check") {
    yield* patiently(PostgresMigrations.check(address, options), where)
    return address
  }
  const done = yield* patiently(PostgresMigrations.migrate(address, options), where)
  if (done.length > 0) {
    yield* Effect.logInfo("the schema was brought up to date").pipe(
      Effect.annotateLogs({ migrations: done.join(", ") })
    )
  }
  return address
})
