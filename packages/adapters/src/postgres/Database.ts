/**
 * How the repositories reach PostgreSQL: three clients. The admissions' is multiplexed and quick to give up; such a connection
 * answers in order and cannot cancel, so the reconciler, whose kicks must not wait for anybody's lists, has one of its own, and all
 * else has a third. Each use ends within the client's deadline; the server ends a statement before that, so that none is left
 * running. A client that goes silent (a network that swallows packets) is replaced. SQL and rows are the repositories' own.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { StoreUnavailable } from "@greenroom/core"
import { Cause, Context, Effect, Exit, Layer, Scope } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import type { SqlError } from "effect/sql/SqlError"
import { saysRolledBack } from "./outcome.ts"
import { connectionOf, type PostgresAddress } from "./PostgresAddress.ts"

export interface Database {
  /** Runs one statement, or a transaction of several, within the deadline. `operation` is what a failure calls it. */
  readonly run: <A>(
    operation: string,
    use: (sql: PgClient.PgClient) => Effect.Effect<A, SqlError>
  ) => Effect.Effect<A, StoreUnavailable>
}

/** For `Admissions` and the health check alone: a lock has 0.3 s, a statement 0.6 s, an answer 0.7 s of the 0.8 s of `/auth`. */
export class AdmissionDatabase extends Context.Service<AdmissionDatabase, Database>()(
  "greenroom/postgres/AdmissionDatabase"
) {}

/**
 * For `Sessions` and `Leases`, which the reconciler goes by, and for what starts workers: a lock has 0.8 s, a statement 1 s, an answer
 * 1.2 s of the lease's 3 s.
 */
export class ReconcilerDatabase extends Context.Service<ReconcilerDatabase, Database>()(
  "greenroom/postgres/ReconcilerDatabase"
) {}

/** For all other repositories: a lock has 1.5 s, a statement 3 s, an answer 3.5 s, so that dead connections are given up well within 5 s. */
export class GeneralDatabase extends Context.Service<GeneralDatabase, Database>()(
  "greenroom/postgres/GeneralDatabase"
) {}

export type Databases = AdmissionDatabase | ReconcilerDatabase | GeneralDatabase

/** How many connections each client opens at most; three instances fit into the hundred that PostgreSQL allows by itself. */
export const connections = { admission: 20, reconciler: 3, general: 7 } as const

/** Connections do not grow old. All of a client's go together: the pool's own watch over each one's age costs every statement. */
const RENEW_EVERY = "1 hour"

const shared = {
  // The pool looks once in this time, so that an idle connection goes after at most twice as long.
  idleTimeout: "15 seconds",
  keepAlive: "10 seconds"
} as const satisfies Partial<PgClient.PgPoolConfig>

/** How many times longer locks, statements and answers may take than stands here: for tests on machines that are busy. */
export const Patience = Context.Reference<number>("greenroom/postgres/Patience", { defaultValue: () => 1 })

interface Limits {
  /** A use has its answer within this, or fails. */
  readonly answerMillis: number
  readonly lockMillis: number
  readonly statementMillis: number
}

/** What the server is told when a connection begins; a frozen process of ours must not keep its transaction's locks. */
const startupParameters = ({ lockMillis, statementMillis }: Limits, patience: number) => ({
  lock_timeout: String(lockMillis * patience),
  statement_timeout: String(statementMillis * patience),
  idle_in_transaction_session_timeout: "5000"
})

/**
 * The effect's outcome, or `otherwise` when it takes longer. It is interrupted then, and whenever the fiber is, but nobody waits for
 * that: the driver takes seconds until a cancelled statement has left its connection. Who still waits for a connection when the
 * client closes is interrupted by its pool, which is a failure like any other. One fiber and one timer, because every
 * statement pays for it.
 */
const within = <A, E>(
  self: Effect.Effect<A, E>,
  millis: number,
  otherwise: Effect.Effect<never, E>
): Effect.Effect<A, E> =>
  Effect.flatMap(Effect.context<never>(), (context) =>
    Effect.callback<A, E>((resume) => {
      const fiber = Effect.runForkWith(context)(self)
      const late = setTimeout(() => {
        resume(otherwise)
        fiber.interruptUnsafe()
      }, millis)
      fiber.addObserver((exit) => {
        clearTimeout(late)
        resume(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause) ? otherwise : exit)
      })
      return Effect.sync(() => {
        clearTimeout(late)
        fiber.interruptUnsafe()
      })
    })
  )

interface Opened {
  readonly client: PgClient.PgClient
  readonly scope: Scope.Closeable
  answered: boolean
  replaced: boolean
}

const make = Effect.fnUntraced(function* (
  config: PgClient.PgPoolConfig,
  deadlineMillis: number
): Effect.fn.Return<Database, never, Scope.Scope> {
  const outer = yield* Effect.scope
  const open = Effect.gen(function* () {
    const scope = yield* Scope.fork(outer)
    const client = yield* PgClient.make({ ...shared, ...config }).pipe(
      Scope.provide(scope),
      Effect.provide(Reactivity.layer),
      Effect.orDie
    )
    const opened: Opened = { client, scope, answered: false, replaced: false }
    return opened
  })
  let current = yield* open

  /**
   * For a client that once answered and now does not, because it may sit on dead connections, and for an old one; one that never
   * answered is still connecting.
   */
  const replace = (used: Opened): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (used.replaced || !used.answered) return Effect.void
      used.replaced = true
      return Effect.flatMap(open, (fresh) => {
        current = fresh
        // Perhaps nobody was silent, and this one waited in vain for a connection: who waits there still has time to get one.
        return Effect.forkIn(Effect.delay(Scope.close(used.scope, Exit.void), deadlineMillis), outer)
      })
    }).pipe(Effect.uninterruptible, Effect.asVoid)

  const renew = Effect.delay(
    Effect.suspend(() => replace(current)),
    RENEW_EVERY
  )
  yield* Effect.forkScoped(Effect.forever(renew))

  return {
    run: (operation, use) =>
      Effect.suspend(() => {
        const used = current
        const answered = Effect.map(use(used.client), (answer) => {
          used.answered = true
          return answer
        })
        const silent = Effect.andThen(replace(used), Effect.fail(new Error("No answer within the deadline")))
        return Effect.mapError(
          within<Effect.Success<typeof answered>, Error>(answered, deadlineMillis, silent),
          (cause) => new StoreUnavailable({ operation, cause, ...(saysRolledBack(cause) ? { rolledBack: true } : {}) })
        )
      })
  }
})

const admissionConfig: PgClient.PgPoolConfig = {
  applicationName: "greenroom-admissions",
  // Enough for a hundred at once are open from the beginning: a burst must not wait for servers to start.
  minConnections: 10,
  maxConnections: connections.admission,
  multiplex: true,
  // What shares a connection waits for the slowest of it; a hundred at once still find a place.
  multiplexConcurrency: 10,
  connectTimeout: "2 seconds"
}

const generalConfig: PgClient.PgPoolConfig = {
  applicationName: "greenroom",
  maxConnections: connections.general,
  connectTimeout: "2 seconds"
}

const reconcilerConfig: PgClient.PgPoolConfig = {
  applicationName: "greenroom-reconciler",
  maxConnections: connections.reconciler,
  connectTimeout: "1 second"
}

export const limits = {
  admission: { answerMillis: 700, lockMillis: 300, statementMillis: 600 },
  reconciler: { answerMillis: 1_200, lockMillis: 800, statementMillis: 1_000 },
  general: { answerMillis: 3_500, lockMillis: 1_500, statementMillis: 3_000 }
} as const satisfies Record<string, Limits>

/** All three clients. Connects in the background: a database that is not there yet is no failure here, but of each use. */
export const layer = (address: PostgresAddress): Layer.Layer<Databases> =>
  Layer.unwrap(
    Effect.map(Patience, (patience) => {
      const connection = connectionOf(address)
      const client = (kind: keyof typeof limits, config: PgClient.PgPoolConfig) => {
        const parameters = { startupParameters: startupParameters(limits[kind], patience) }
        return make({ ...connection, ...config, ...parameters }, limits[kind].answerMillis * patience)
      }
      return Layer.mergeAll(
        Layer.effect(AdmissionDatabase, client("admission", admissionConfig)),
        Layer.effect(ReconcilerDatabase, client("reconciler", reconcilerConfig)),
        Layer.effect(GeneralDatabase, client("general", generalConfig))
      )
    })
  )
