/** Whether a failed statement had an effect. */
import type { StoreUnavailable } from "@greenroom/core"
import { SqlError } from "effect/sql/SqlError"

/** Errors of the server after which the statement, and the transaction around it, has no effect. */
const rolledBack: ReadonlySet<string> = new Set([
  "AuthorizationError",
  "SqlSyntaxError",
  "UniqueViolation",
  "ConstraintError",
  "DeadlockError",
  "SerializationError",
  "LockTimeoutError",
  "StatementTimeoutError"
])

/** Whether it certainly had no effect. After a lost connection, a deadline or a server's shutdown that is unknown. */
export const isRolledBack = (cause: unknown): boolean => cause instanceof SqlError && rolledBack.has(cause.reason._tag)

/** Whether a unique index refused a row. */
export const isUniqueViolation = ({ cause }: StoreUnavailable): boolean =>
  cause instanceof SqlError && cause.reason._tag === "UniqueViolation"
