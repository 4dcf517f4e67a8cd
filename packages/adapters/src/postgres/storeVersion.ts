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

/** The server's start and the oldest transaction that ran. */
const parsed = (version: StoreVersion): readonly [started: string, oldest: string] => {
  const [, started = "0", oldest = "0"] = /^(\d+)\/(\d+):/.exec(version) ?? []
  return [started, oldest]
}

const LOW_BITS = "4294967295"

/**
 * The condition for a row that may have changed since the version: `columns` are the `xmin` of all rows that it is made of. The upper bits
 * of `xmin` are those that make it the newest that there can be, so no row counts as older than it is.
 */
export const mayHaveChanged = (sql: PgClient, columns: ReadonlyArray<string>, since: StoreVersion | null) => {
  if (since === null) return sql`true`
  const [start, oldest] = parsed(since)
  // Subqueries, so that they run once a statement and not once a row.
  const next = sql.literal("(select pg_snapshot_xmax(pg_current_snapshot())::text::bigint)")
  const isYoung = (column: string) =>
    sql`${next} - ((${next} - ${sql.literal(column)}::text::bigint) & ${sql.literal(LOW_BITS)}) >= ${oldest}::bigint`
  return sql.or([sql`(select ${sql.literal(started)} <> ${start}::bigint)`, ...columns.map(isYoung)])
}
