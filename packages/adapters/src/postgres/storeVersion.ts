/**
 * The version of the store, and which rows may have changed since one. A version is the server's start and its snapshot (PostgreSQL's
 * `pg_current_snapshot`, `xmin:xmax:xip_list`): two equal ones see the same transactions, and no other transaction has committed between
 * them. A server that was started again may be another one, so its versions are compared with none of before.
 *
 * A row has the 32 lower bits of the transaction that wrote it in `xmin`. It is the same as at a version when that transaction is older
 * than all that ran then. A transaction that had ended by then may be younger than that: its rows count as changed, once more than needed.
 * `pg_visible_in_snapshot` would be exact, but not for rows of savepoints, whose transactions are in no snapshot.
 */
import type { PgClient } from "@effect/sql-pg/PgClient"
import type { StoreVersion } from "@greenroom/core"

const started = "(extract(epoch from pg_postmaster_start_time()) * 1000000)::bigint"

/** An expression of one text. */
export const versionNow = `concat(${started}, '/', pg_current_snapshot())`

/** Transaction ids are compared on a circle: of two that are further apart, which is older is not known. */
const HALF = 2 ** 31
const LOW_BITS = 2 ** 32 - 1

/** The server's start and the oldest transaction that ran. */
const parsed = (version: StoreVersion): readonly [started: string, oldest: string] => {
  const [, started = "0", oldest = "0"] = /^(\d+)\/(\d+):/.exec(version) ?? []
  return [started, oldest]
}

/** The condition under which nothing is known of what has changed since the version; the same for all rows of a statement. */
export const isIncomparable = (sql: PgClient, since: StoreVersion | null) => {
  if (since === null) return sql`true`
  const [start, oldest] = parsed(since)
  return sql.or([
    sql`${sql.literal(started)} <> ${start}::bigint`,
    sql`pg_snapshot_xmax(pg_current_snapshot())::text::bigint - ${oldest}::bigint >= ${sql.literal(String(HALF))}`
  ])
}

/** Otherwise, the condition for a row that may have changed: `columns` are the `xmin` of all rows that it is made of. */
export const mayHaveChanged = (sql: PgClient, columns: ReadonlyArray<string>, since: StoreVersion | null) => {
  if (since === null) return sql`true`
  const [, oldest] = parsed(since)
  const low = sql.literal(String(LOW_BITS))
  const half = sql.literal(String(HALF))
  return sql.or(
    columns.map((column) => sql`((${sql.literal(column)}::text::bigint - ${oldest}::bigint) & ${low}) < ${half}`)
  )
}
