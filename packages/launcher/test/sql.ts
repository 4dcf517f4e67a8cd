/** A client for one statement, as the service would connect: `PgClient` over the server's socket. */
import * as PgClient from "@effect/sql-pg/PgClient"
import { Effect } from "effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { EmbeddedPostgres } from "../src/EmbeddedPostgres.ts"

type Address = Pick<EmbeddedPostgres["Service"], "host" | "port" | "username" | "database">

export const runSql = (
  { host, port, username, database }: Address,
  statement: string
): Effect.Effect<ReadonlyArray<Record<string, unknown>>> =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    return yield* sql.unsafe<Record<string, unknown>>(statement)
  }).pipe(Effect.provide(PgClient.layer({ host, port, username, database }), { local: true }), Effect.orDie)

export const countRows = (server: Address) =>
  Effect.map(runSql(server, "select count(*)::int as rows from marks"), ([row]) => Number(row?.rows))
