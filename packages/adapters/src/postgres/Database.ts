/**
 * The three clients through which the repositories reach PostgreSQL. The admissions' client is multiplexed and has the shortest
 * deadline; a multiplexed connection answers in order and cannot cancel a statement. The reconciler has its own client, because
 * its kicks must not wait for lists. All other repositories use the third. Each use ends within its client's deadline. The server
 * ends the statement before that, so that none keeps running. A client that gets no more answers (a network that drops packets)
 * is replaced. The repositories have the SQL and the rows.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { StoreUnavailable } from "@greenroom/core"
import { makeWrittenSignal, outgoing, type WrittenSignal } from "@greenroom/core/internal"
import { Context, Effect, Exit, Layer, Schedule, Scope, type Stream } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import type { SqlError } from "effect/sql/SqlError"
import { CurrentTransaction } from "./CurrentTransaction.ts"
import { type Limits, limits, limitTransaction, Patience, patient, settingsOf } from "./databaseLimits.ts"
import { type Names, namesIn } from "./names.ts"
import { notificationsOf } from "./notifications.ts"
import { operationCall, TimedOut } from "./operationCall.ts"
import { isRolledBack } from "./outcome.ts"
import { connectionOf, type PostgresAddress } from "./PostgresAddress.ts"
import { type Pooler, poolerMistake, type Reach, reachOf, untilKnown } from "./pooler.ts"
import { type PoolSizes, poolSizes } from "./poolSizes.ts"
import { withDeadline } from "./withDeadline.ts"

export { limits, Patience } from "./databaseLimits.ts"
export { connections } from "./poolSizes.ts"

export interface Database {
  /** The names of the schema in which this client's tables stand. */
  readonly names: Names
  /**
   * Runs one statement, or a transaction of several, within the deadline. A failure names `operation`. `setsLimit`: the statement
   * has to limit its waits for locks itself, with `limitsLocks` of `lockMillis`.
   */
  readonly run: <A>(
    operation: string,
    use: (sql: PgClient.PgClient, setsLimit: boolean) => Effect.Effect<A, SqlError>
  ) => Effect.Effect<A, StoreUnavailable>
  /** The same for what writes events: an answer that is not an empty list is a reason to place them. */
  readonly runWriting: Database["run"]
  readonly written: WrittenSignal
  /** How long a statement may wait for a lock. */
  readonly lockMillis: number
}

export interface DatabaseOptions {
  /** Where the tables stand: `greenroom` unless given. A name that is refused throws. */
  readonly schema?: string | undefined
  /** How many connections each client opens at most. */
  readonly pool?: Partial<PoolSizes> | undefined
  /** `auto` unless given. */
  readonly pooler?: Pooler | undefined
}

/** Only for `Admissions` and the health check: an answer comes within 0.7 s, because `/auth` has 0.8 s. */
export class AdmissionDatabase extends Context.Service<AdmissionDatabase, Database>()(
  "greenroom/postgres/AdmissionDatabase"
) {}

/**
 * For `Sessions` and `Leases`, which the reconciler uses, and for the calls that start workers: an answer comes within 1.2 s,
 * because the lease lasts 3 s.
 */
export class ReconcilerDatabase extends Context.Service<ReconcilerDatabase, Database>()(
  "greenroom/postgres/ReconcilerDatabase"
) {}

/** For all other repositories: an answer comes within 3.5 s, so that a dead connection fails its caller well within 5 s. */
export class GeneralDatabase extends Context.Service<GeneralDatabase, Database>()(
  "greenroom/postgres/GeneralDatabase"
) {}

/** That some process has given positions to events. */
export class EventNotifications extends Context.Service<EventNotifications, Stream.Stream<string>>()(
  "greenroom/postgres/EventNotifications"
) {}

export type Databases = AdmissionDatabase | ReconcilerDatabase | GeneralDatabase | EventNotifications

/** The greatest age of connections. A client is replaced as a whole, because the pool's own check of ages costs every statement. */
const RENEW_EVERY = "1 hour"

const shared = {
  /** The pool checks once in this time, so an idle connection closes after at most twice as long. */
  idleTimeout: "15 seconds",
  /** Idle time before the first TCP keepalive probe, which finds a dead connection. */
  keepAlive: "10 seconds"
} as const satisfies Partial<PgClient.PgPoolConfig>

interface Opened {
  readonly client: PgClient.PgClient
  readonly isPooled: boolean
  readonly scope: Scope.Closeable
  answered: boolean
  replaced: boolean
}

interface Client {
  readonly config: PgClient.PgPoolConfig
  readonly limits: Limits
  readonly names: Names
  /** Asked before the first connection. */
  readonly reach: Effect.Effect<Reach, SqlError>
  readonly written: WrittenSignal
}

const configFor = ({ config, limits }: Client, reach: Reach): PgClient.PgPoolConfig => ({
  ...shared,
  ...config,
  prepare: reach !== "transaction",
  ...(reach === "none" ? { startupParameters: settingsOf(limits) } : {})
})

/** A multiplexed client has no transactions: its statements set their limits themselves. */
const limited = <A>(
  { config, limits }: Client,
  { client, isPooled }: Opened,
  use: (sql: PgClient.PgClient, setsLimit: boolean) => Effect.Effect<A, SqlError>
): Effect.Effect<A, SqlError> =>
  isPooled && config.multiplex !== true
    ? client.withTransaction(Effect.andThen(client.unsafe(limitTransaction(limits)), use(client, false)))
    : use(client, isPooled)

/** `written`: where what is written is signalled. */
export const databaseOf = (
  { names, lockMillis, run }: Pick<Database, "names" | "lockMillis" | "run">,
  written: WrittenSignal = makeWrittenSignal()
): Database => ({
  names,
  lockMillis,
  run,
  written,
  runWriting: (operation, use) =>
    Effect.map(run(operation, use), (answer) => {
      if (!Array.isArray(answer) || answer.length > 0) written.set()
      return answer
    })
})

/** The same client for uses inside of a transaction: they run in it, whichever client began it, and within its deadline. */
const joining =
  (called: ReturnType<typeof operationCall>) =>
  (database: Database): Database =>
    databaseOf(
      {
        ...database,
        run: (operation, use) =>
          Effect.flatMap(CurrentTransaction, (transaction) =>
            transaction === null
              ? database.run(operation, use)
              : Effect.mapError(
                  outgoing(use(transaction, false), called(operation)),
                  (cause) => new StoreUnavailable({ operation, cause })
                )
          )
      },
      database.written
    )

const make = Effect.fnUntraced(function* (own: Client): Effect.fn.Return<Database, never, Scope.Scope> {
  const outer = yield* Effect.scope
  const deadlineMillis = own.limits.answerMillis
  const called = operationCall(own.config)
  let current: Opened | undefined
  const openAs = Effect.fnUntraced(function* (reach: Reach) {
    const scope = yield* Scope.fork(outer)
    const client = yield* PgClient.make(configFor(own, reach)).pipe(
      Scope.provide(scope),
      Effect.provide(Reactivity.layer),
      Effect.orDie
    )
    const opened: Opened = { client, isPooled: reach !== "none", scope, answered: false, replaced: false }
    current = opened
    return opened
  }, Effect.uninterruptible)
  const open = Effect.flatMap(own.reach, openAs)
  const start = untilKnown(open)
  // Before the first use, so that it finds open connections. While the database is down, uses try as well.
  yield* Effect.forkScoped(Effect.retry(start, Schedule.spaced("1 second")))

  /**
   * Replaces a client that has stopped answering, because its connections may be dead, or one that is old. A client that never
   * answered is still connecting and stays.
   */
  const replace = (used: Opened): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (used.replaced || !used.answered) return Effect.void
      used.replaced = true
      return Effect.flatMap(Effect.orDie(open), () => {
        // The use may have failed because the pool was exhausted. Uses that wait in the old pool keep their time to get a connection.
        return Effect.forkIn(Effect.delay(Scope.close(used.scope, Exit.void), deadlineMillis), outer)
      })
    }).pipe(Effect.uninterruptible, Effect.asVoid)

  const renew = Effect.delay(
    Effect.suspend(() => (current === undefined ? Effect.void : replace(current))),
    RENEW_EVERY
  )
  yield* Effect.forkScoped(Effect.forever(renew))

  const run: Database["run"] = (operation, use) =>
    Effect.suspend(() => {
      const used = current
      const useOf = (opened: Opened) =>
        Effect.map(limited(own, opened, use), (answer) => {
          opened.answered = true
          return answer
        })
      const answered = used === undefined ? Effect.flatMap(start, useOf) : useOf(used)
      const replaced = used === undefined ? Effect.void : replace(used)
      const silent = Effect.andThen(replaced, Effect.fail(new TimedOut()))
      return Effect.mapError(
        outgoing(
          withDeadline<Effect.Success<typeof answered>, Error>(answered, deadlineMillis, silent),
          called(operation)
        ),
        (cause) =>
          new StoreUnavailable({
            operation,
            cause: poolerMistake(cause) ?? cause,
            ...(isRolledBack(cause) ? { rolledBack: true } : {})
          })
      )
    })
  return databaseOf({ names: own.names, lockMillis: own.limits.lockMillis, run }, own.written)
})

const admissionConfig: PgClient.PgPoolConfig = {
  applicationName: "greenroom-admissions",
  multiplex: true,
  // Statements on one connection wait for the slowest of them. Ten connections of ten statements carry a hundred at once.
  multiplexConcurrency: 10,
  /** Longer than the deadline of a use, because the pool also opens connections in the background. */
  connectTimeout: "2 seconds"
}

const generalConfig: PgClient.PgPoolConfig = {
  applicationName: "greenroom",
  /** Shorter than the deadline of a use, so that its failure names the connection. */
  connectTimeout: "2 seconds"
}

const reconcilerConfig: PgClient.PgPoolConfig = {
  applicationName: "greenroom-reconciler",
  /** Shorter than the deadline of a use, so that its failure names the connection. */
  connectTimeout: "1 second"
}

/** Open from the beginning: a burst of a hundred must not wait until PostgreSQL has started server processes. */
const OPEN_FOR_ADMISSIONS = 10

/** All clients. They connect in the background: while the database is down, each use fails, not this layer. */
export const layer = (address: PostgresAddress, options: DatabaseOptions = {}): Layer.Layer<Databases> =>
  Layer.unwrap(
    Effect.map(Patience, (patience) => {
      const connection = connectionOf(address)
      const names = namesIn(options.schema)
      const sizes = poolSizes(options.pool)
      const reach = reachOf(address, options.pooler ?? "auto")
      const written = makeWrittenSignal()
      const client = (kind: keyof typeof limits, config: PgClient.PgPoolConfig) => {
        const sized = { ...connection, ...config, maxConnections: sizes[kind] }
        return make({ config: sized, limits: patient(limits[kind], patience), names, reach, written })
      }
      const joined = joining(operationCall(connection))
      const minConnections = Math.min(OPEN_FOR_ADMISSIONS, sizes.admission)
      return Layer.mergeAll(
        Layer.effect(AdmissionDatabase, client("admission", { ...admissionConfig, minConnections })),
        Layer.effect(ReconcilerDatabase, Effect.map(client("reconciler", reconcilerConfig), joined)),
        Layer.effect(GeneralDatabase, Effect.map(client("general", generalConfig), joined)),
        Layer.succeed(EventNotifications, notificationsOf(connection, untilKnown(reach), names))
      )
    })
  )
