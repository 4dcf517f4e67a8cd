/**
 * One SQLite database, through Node's own `node:sqlite`. Each operation of a port is one transaction and runs in one synchronous step. So in this
 * process nothing comes in between, and other processes wait at the write lock. The step blocks the process: this store is for one process, or few,
 * and hundreds of streams.
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite"
import { StoreUnavailable } from "@greenroom/core"
import { Context, DateTime, Effect, Layer, Queue } from "effect"
import { schema } from "./schema.ts"

/** How long an operation waits, at most, for another process at the lock: MediaMTX has to be answered within a second. */
const LOCK_TIMEOUT_MS = 200

/** The statements of one transaction. The tables are STRICT, so a row has the types that the schema gives its columns. */
export interface Tables {
  readonly all: <Row>(sql: string, ...values: ReadonlyArray<SQLInputValue>) => ReadonlyArray<Row>
  readonly one: <Row>(sql: string, ...values: ReadonlyArray<SQLInputValue>) => Row | null
  /** How many rows it changed. */
  readonly run: (sql: string, ...values: ReadonlyArray<SQLInputValue>) => number
  /** The store's version: a transaction that writes has a new one. */
  readonly version: number
}

export type Transaction = <A>(
  operation: string,
  work: (tables: Tables, now: DateTime.Utc) => A
) => Effect.Effect<A, StoreUnavailable>

export class Sqlite extends Context.Service<
  Sqlite,
  {
    readonly read: Transaction
    readonly write: Transaction
    /** Completes when a transaction of this process has written events, or has seen those of another one, since the last completion. */
    readonly written: Effect.Effect<void>
  }
>()("sqlite-store/Sqlite") {}

interface Version {
  readonly version: number
}

const open = (path: string) => {
  const db = new DatabaseSync(path)
  db.exec(`pragma journal_mode = wal; pragma foreign_keys = on; pragma busy_timeout = ${LOCK_TIMEOUT_MS}`)
  db.exec(schema)
  return db
}

const makeTransactions = (db: DatabaseSync, onEvents: () => void) => {
  const prepared = new Map<string, StatementSync>()
  const statement = (sql: string): StatementSync => {
    const known = prepared.get(sql) ?? db.prepare(sql)
    prepared.set(sql, known)
    return known
  }
  const all: Tables["all"] = <Row>(sql: string, ...values: ReadonlyArray<SQLInputValue>) =>
    statement(sql).all(...values) as ReadonlyArray<unknown> as ReadonlyArray<Row>
  const one: Tables["one"] = <Row>(sql: string, ...values: ReadonlyArray<SQLInputValue>) =>
    all<Row>(sql, ...values)[0] ?? null
  const run: Tables["run"] = (sql, ...values) => Number(statement(sql).run(...values).changes)

  const currentVersion = () => one<Version>("select version from store")!.version
  const nextVersion = (now: number) =>
    one<Version>("update store set version = version + 1, now = ? returning version", now)!.version

  let known = 0
  const newestEvent = () =>
    one<{ readonly seq: number }>("select seq from sqlite_sequence where name = 'events'")?.seq ?? 0

  const transaction =
    (begin: string, version: (now: number) => number): Transaction =>
    (operation, work) =>
      Effect.clockWith((clock) =>
        Effect.try({
          try: () => {
            db.exec(begin)
            try {
              const now = clock.currentTimeMillisUnsafe()
              const result = work({ all, one, run, version: version(now) }, DateTime.makeUnsafe(now))
              const newest = newestEvent()
              db.exec("commit")
              if (newest > known) onEvents()
              known = newest
              return result
            } catch (error) {
              if (db.isTransaction) db.exec("rollback")
              throw error
            }
          },
          catch: (cause) => new StoreUnavailable({ operation, cause, rolledBack: true })
        })
      )
  return { read: transaction("begin", currentVersion), write: transaction("begin immediate", nextVersion) }
}

/** `path` is a file, or `:memory:`. */
export const layerSqlite = (path: string): Layer.Layer<Sqlite> =>
  Layer.effect(
    Sqlite,
    Effect.gen(function* () {
      const db = yield* Effect.acquireRelease(
        Effect.sync(() => open(path)),
        (db) => Effect.sync(() => db.close())
      )
      const events = yield* Queue.sliding<void>(1)
      const { read, write } = makeTransactions(db, () => Queue.offerUnsafe(events, undefined))
      return { read, write, written: Queue.take(events) }
    })
  )
