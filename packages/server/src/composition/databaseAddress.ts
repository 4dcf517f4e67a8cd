/**
 * Where the database is: the configured one, or a private one that is started here, and started again if it dies. Its schema is brought up
 * to date before the address is given out.
 */
import * as path from "node:path"
import { type PostgresAddress, PostgresMigrations } from "@greenroom/adapters/postgres"
import { EmbeddedPostgres } from "@greenroom/launcher"
import { Cause, Effect, Redacted, Schedule } from "effect"
import type { Variables } from "../config/Settings.ts"
import { type StartFailed, unavailable } from "../config/StartFailed.ts"
import { restartForever } from "./restartForever.ts"

/** How long a configured database may take to come up beside us. */
export const DATABASE_PATIENCE_SECONDS = 60

/** The deepest message of a driver's error: what PostgreSQL or the network reported. */
const messageIn = (error: unknown): string => {
  let deepest = error
  for (let depth = 0; depth < 8; depth++) {
    const below: unknown =
      typeof deepest !== "object" || deepest === null
        ? undefined
        : "reason" in deepest && typeof deepest.reason === "object" && deepest.reason !== null
          ? deepest.reason
          : "cause" in deepest
            ? deepest.cause
            : undefined
    if (below === undefined || below === null) break
    deepest = below
  }
  return deepest instanceof Error ? deepest.message : String(deepest)
}

/** Asking again cannot help against a wrong password, a missing database, missing rights or an old server. */
const hopeless = /password authentication failed|does not exist|permission denied|no pg_hba\.conf entry|is too old/

const nameOf = (url: Redacted.Redacted<string>): string => {
  const { host, pathname } = new URL(Redacted.value(url))
  return `${host}${pathname}`
}

export const migrated = Effect.fn("migrated")(function* (address: PostgresAddress, where: string) {
  const attempt = PostgresMigrations.migrate(address).pipe(
    Effect.catchCause((cause) =>
      Cause.hasInterruptsOnly(cause)
        ? Effect.interrupt
        : Effect.fail(unavailable(`The database ${where} cannot be used: ${messageIn(Cause.squash(cause))}`))
    )
  )
  let isLogged = false
  const logWaiting = (error: StartFailed) => {
    const level = isLogged ? Effect.logDebug : Effect.logWarning
    isLogged = true
    return level(`waiting for the database, up to ${DATABASE_PATIENCE_SECONDS} s: ${error.message}`)
  }
  const done = yield* attempt.pipe(
    Effect.tapError((error) => (hopeless.test(error.sentence) ? Effect.void : logWaiting(error))),
    Effect.retry({
      schedule: Schedule.max([Schedule.spaced("1 second"), Schedule.recurs(DATABASE_PATIENCE_SECONDS)]),
      while: (error) => !hopeless.test(error.sentence)
    })
  )
  if (done.length > 0) {
    yield* Effect.logInfo("the schema was brought up to date").pipe(
      Effect.annotateLogs({ migrations: done.map(([, name]) => name).join(", ") })
    )
  }
  return done
})

const embedded = Effect.fnUntraced(function* (dataDirectory: string) {
  const directory = path.join(dataDirectory, "postgres")
  const prepared = yield* EmbeddedPostgres.prepare({ directory, resolveFrom: import.meta.url })
  yield* restartForever(EmbeddedPostgres.start(prepared), "the embedded database")
  const { host, port, username, database } = prepared
  return { host, port, username, database }
})

export const databaseAddress = Effect.fn("databaseAddress")(function* (settings: Variables, dataDirectory: string) {
  const url = settings.DATABASE_URL
  const address: PostgresAddress = url === undefined ? yield* embedded(dataDirectory) : { url }
  yield* migrated(address, url === undefined ? `in ${dataDirectory}` : `at ${nameOf(url)}`)
  return address
})
