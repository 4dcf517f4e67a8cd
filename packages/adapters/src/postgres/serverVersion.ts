/**
 * Which PostgreSQL servers the schema works on. An older one fails in the middle of a statement that it does not know, with a sentence about
 * that statement. So the version is looked at first.
 */
import { Effect } from "effect"
import type { SqlClient } from "effect/sql/SqlClient"
import { MigrationFailed } from "./MigrationFailed.ts"

/** The oldest major version that the laws of the repositories were run on. */
export const OLDEST_MAJOR = 15

/** `server_version_num` is the major version times 10,000 plus the minor one. */
export const isTooOld = (versionNumber: number): boolean => versionNumber < OLDEST_MAJOR * 10_000

export const checkServer = Effect.fnUntraced(function* (sql: SqlClient) {
  const [server] = yield* sql.unsafe<{ readonly number: number; readonly name: string }>(
    "select current_setting('server_version_num')::int as number, current_setting('server_version') as name"
  ).unprepared
  if (server !== undefined && isTooOld(server.number)) {
    const message = `PostgreSQL ${server.name} is too old: Greenroom needs PostgreSQL ${OLDEST_MAJOR} or newer`
    return yield* new MigrationFailed({ kind: "too_old", message })
  }
})
