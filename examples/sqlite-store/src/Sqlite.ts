/**
 * One SQLite database, through Node's own `node:sqlite`. Each operation of a port is one transaction and runs in one synchronous step; `together` makes
 * one transaction of several. In this process nothing comes in between, and other processes wait at the write lock. The step blocks the process: this store is for one process, or few,
 * and hundreds of streams.
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite"
import { StoreUnavailable } from "@greenroom/core"
import { Context, DateTime, Effect, Exit, Layer, Queue, Semaphore } from "effect"
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
    /** One transaction of all operations of the program: they are committed when it succeeds. Those of other fibers wait. */
    readonly together: <A, E, R>(
      operation: string,
      program: Effect.Effect<A, E, R>
    ) => Effect.Effect<A, E | StoreUnavailable, R>
    /** Completes when a transaction of this process has written events, or has seen those of another one, since the last completion. */
    readonly written: Effect.Effect<void>
  }
>()("sqlite-store/Sqlite") {}

/** Whether the fiber runs in a transaction of `together`. */
const IsTogether = Context.Reference<boolean>("sqlite-store/IsTogether", { defaultValue: () => false })

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

  const commit = (): void => {
    const newest = newestEvent()
    db.exec("commit")
    if (newest > known) onEvents()
    known = newest
  }
  const rollback = (): void => {
    if (db.isTransaction) db.exec("rollback")
  }
  const attempt = <A>(operation: string, step: () => A) =>
    Effect.try({ try: step, catch: (cause) => new StoreUnavailable({ operation, cause, rolledBack: true }) })

  const turn = Semaphore.makeUnsafe(1)
  const transaction =
    (begin: string, version: (now: number) => number): Transaction =>
    (operation, work) =>
      Effect.clockWith((clock) => {
        const step = () => {
          const now = clock.currentTimeMillisUnsafe()
          return work({ all, one, run, version: version(now) }, DateTime.makeUnsafe(now))
        }
        const alone = () => {
          db.exec(begin)
          try {
            const result = step()
            commit()
            return result
          } catch (error) {
            rollback()
            throw error
          }
        }
        return Effect.flatMap(IsTogether, (isTogether) =>
          isTogether ? attempt(operation, step) : turn.withPermit(attempt(operation, alone))
        )
      })
  const together = <A, E, R>(operation: string, program: Effect.Effect<A, E, R>) =>
    turn.withPermit(
      Effect.acquireUseRelease(
        attempt(operation, () => db.exec("begin immediate")),
        () => Effect.tap(Effect.provideService(program, IsTogether, true), () => attempt(operation, commit)),
        (_, exit) => (Exit.isSuccess(exit) ? Effect.void : Effect.sync(rollback))
      )
    )
  return { read: transaction("begin", currentVersion), write: transaction("begin immediate", nextVersion), together }
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
      const transactions = makeTransactions(db, () => Queue.offerUnsafe(events, undefined))
      return { ...transactions, written: Queue.take(events) }
    })
  )
