/**
 * How the database is reached: directly, or through a pooler such as PgBouncer. A pooler refuses or ignores the limits that we give at the
 * start of a connection, so the statements set them themselves, each for its own transaction. In transaction mode each statement may
 * run on another connection of the pooler, so none is prepared by name.
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import { Effect, Semaphore } from "effect"
import * as Reactivity from "effect/reactivity/Reactivity"
import type { SqlError } from "effect/sql/SqlError"
import { errorBelow } from "./MigrationFailed.ts"
import { connectionOf, type PostgresAddress } from "./PostgresAddress.ts"

export const reaches = ["none", "session", "transaction"] as const

/**
 * `session` stands also for a pooler in transaction mode that keeps track of prepared statements, as PgBouncer 1.21 does with
 * `max_prepared_statements`.
 */
export type Reach = (typeof reaches)[number]

/** `auto`: found out at the first connection. A pooler is then taken to be in transaction mode, which works in session mode as well. */
export type Pooler = "auto" | Reach

/** PostgreSQL's code of an error, at any depth. */
const codeOf = (error: unknown): string | undefined => {
  for (let cause = error, depth = 0; cause !== undefined && cause !== null && depth < 8; depth++) {
    if (typeof cause === "object" && "code" in cause && typeof cause.code === "string") return cause.code
    cause = errorBelow(cause)
  }
  return undefined
}

/** `protocol_violation`: what PgBouncer answers to start-up parameters that it does not know. PostgreSQL takes ours. */
const REFUSED = "08P01"

/** What a pooler in transaction mode leads to when statements are prepared by name. */
const LOST_STATEMENT: ReadonlySet<string> = new Set(["26000", "42P05"])

/** A failure that comes from a pooler for which this client is not set up, with the setting that helps. */
export const poolerMistake = (error: unknown): Error | undefined => {
  const code = codeOf(error)
  if (code === REFUSED)
    return new Error(
      "A pooler such as PgBouncer stands before PostgreSQL and refuses the start-up parameters: set DATABASE_POOLER to auto, session or transaction",
      { cause: error }
    )
  return code !== undefined && LOST_STATEMENT.has(code)
    ? new Error(
        "A pooler such as PgBouncer, in transaction mode, does not keep prepared statements: set DATABASE_POOLER to transaction",
        { cause: error }
      )
    : undefined
}

/** Only for this question: no server has it as its default. */
const ASKED = "86399999ms"

const detect = (address: PostgresAddress): Effect.Effect<Reach, SqlError> =>
  Effect.gen(function* () {
    const sql = yield* PgClient.makeClient({
      ...connectionOf(address),
      applicationName: "greenroom",
      connectTimeout: "2 seconds",
      prepare: false,
      startupParameters: { lock_timeout: ASKED }
    })
    const [row] = yield* sql<{
      readonly applied: boolean
    }>`select current_setting('lock_timeout') = ${ASKED} as applied`
    // A pooler that ignores the parameter, by its configuration, does not refuse it.
    return row?.applied === true ? ("none" as const) : ("transaction" as const)
  }).pipe(
    Effect.scoped,
    Effect.provide(Reactivity.layer),
    Effect.catch((error) => (codeOf(error) === REFUSED ? Effect.succeed("transaction" as const) : Effect.fail(error)))
  )

/** The effect until it has succeeded once, one run at a time; then its value. */
export const untilKnown = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> => {
  const turn = Semaphore.makeUnsafe(1)
  let known: { readonly value: A } | undefined
  const remember = Effect.map(effect, (value) => {
    known = { value }
    return value
  })
  const learn = Effect.suspend(() => (known === undefined ? remember : Effect.succeed(known.value)))
  return Effect.suspend(() => (known === undefined ? turn.withPermit(learn) : Effect.succeed(known.value)))
}

export const reachOf = (address: PostgresAddress, pooler: Pooler): Effect.Effect<Reach, SqlError> =>
  pooler === "auto" ? untilKnown(detect(address)) : Effect.succeed(pooler)
