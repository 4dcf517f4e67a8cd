/** Several uses of the store's clients as one transaction. Uses of other clients in the same fiber join it. */
import type { StoreUnavailable } from "@greenroom/core"
import { Effect, References } from "effect"
import type { SqlError } from "effect/sql/SqlError"
import { CurrentTransaction } from "./CurrentTransaction.ts"
import type { Database } from "./Database.ts"

/** What the transaction's program failed with, on its way through the client. */
class ProgramFailed {
  readonly error: unknown
  constructor(error: unknown) {
    this.error = error
  }
}

/** Commits when the program succeeds. A failure undoes what was written, and is the failure of the whole. */
export const inTransaction = <A, E, R>(
  database: Database,
  operation: string,
  program: Effect.Effect<A, E, R>
): Effect.Effect<A, E | StoreUnavailable, R> =>
  Effect.flatMap(References.TracerEnabled, (isTraced) =>
    database.runWriting(operation, (sql) =>
      sql.withTransaction(
        program.pipe(
          Effect.provideService(CurrentTransaction, sql),
          // What the client does by itself has no spans. What the program does has.
          Effect.withTracerEnabled(isTraced),
          Effect.mapError((error) => new ProgramFailed(error))
        ) as unknown as Effect.Effect<A, SqlError>
      )
    )
  ).pipe(Effect.mapError((failure) => (failure.cause instanceof ProgramFailed ? (failure.cause.error as E) : failure)))
