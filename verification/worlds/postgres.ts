/**
 * A real PostgreSQL for the tests of one file: the server at `TEST_DATABASE_URL`, or a private one with its data in a temporary
 * folder, fsync on. `verification/containers/chooseDatabase.ts` sets the variable when a container can be had. Every suite gets a database of
 * its own, which goes with it.
 */
import { randomBytes } from "node:crypto"
import * as fs from "node:fs/promises"
import { tmpdir } from "node:os"
import * as path from "node:path"
import * as PgClient from "@effect/sql-pg/PgClient"
import { connectionOf, type PostgresAddress } from "@greenroom/adapters/postgres"
import { EmbeddedPostgres } from "@greenroom/launcher"
import { Effect, Exit, Redacted, Scope } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import { afterAll, beforeAll } from "vitest"

/** Where a database of this name is, on the server. */
export type Server = (database: string) => PostgresAddress

/** Everybody may enter it: as root, the server runs as another user. */
export const temporaryFolder = Effect.acquireRelease(
  Effect.promise(async () => {
    const folder = await fs.realpath(await fs.mkdtemp(path.join(tmpdir(), "greenroom-postgres-")))
    await fs.chmod(folder, 0o755)
    return folder
  }),
  (folder) => Effect.promise(() => fs.rm(folder, { recursive: true, force: true }))
)

const given = (url: string): Server => {
  return (database) => {
    const address = new URL(url)
    address.pathname = `/${database}`
    return { url: Redacted.make(address.href) }
  }
}

export const serverIn = (directory: string) =>
  Effect.map(EmbeddedPostgres.make({ directory }), ({ host, port, username }): Server => {
    return (database) => ({ host, port, username, database })
  })

const startServer = Effect.gen(function* () {
  const url = process.env.TEST_DATABASE_URL
  if (url !== undefined) return given(url)
  return yield* serverIn(path.join(yield* temporaryFolder, "postgres"))
}).pipe(Effect.orDie)

/**
 * A client of one connection, with none of the limits that the repositories' clients have. Its statements may leave out the schema, unlike
 * those of the repositories; with `null` its search path is the server's.
 */
export const clientOf = (address: PostgresAddress, schema: string | null = "greenroom") => {
  const startupParameters = schema === null ? {} : { search_path: `${schema}, public` }
  return PgClient.makeClient({ ...connectionOf(address), startupParameters }).pipe(Effect.provide(Reactivity.layer))
}

/** Runs on a connection of its own. */
export const withClient = <A, E, R>(
  address: PostgresAddress,
  use: (sql: PgClient.PgClient) => Effect.Effect<A, E, R>,
  schema: string | null = "greenroom"
) => Effect.scoped(Effect.flatMap(clientOf(address, schema), use))

export const freshDatabaseOn = (server: Server) =>
  Effect.acquireRelease(
    Effect.gen(function* () {
      const name = `greenroom_test_${randomBytes(6).toString("hex")}`
      yield* withClient(server("postgres"), (sql) => sql.unsafe(`create database ${name}`))
      return { name, address: server(name) }
    }),
    ({ name }) =>
      Effect.orDie(withClient(server("postgres"), (sql) => sql.unsafe(`drop database if exists ${name} with (force)`)))
  ).pipe(
    Effect.orDie,
    Effect.map(({ address }) => address)
  )

/** Starts the server with the file's first test and stops it after the last; a new and empty database each time it is asked. */
export const usePostgres = (): Effect.Effect<PostgresAddress, never, Scope.Scope> => {
  const scope = Scope.makeUnsafe()
  let server: Server | undefined
  beforeAll(async () => {
    server = await Effect.runPromise(Scope.provide(startServer, scope))
  })
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))
  return Effect.suspend(() => freshDatabaseOn(server!))
}
