/** What a failure of PostgreSQL says of what was done. */
import { SqlError } from "effect/sql/SqlError"

/** Answers of the server with which a statement, or the transaction around it, ends without any effect. */
const answers: ReadonlySet<string> = new Set([
  "AuthorizationError",
  "SqlSyntaxError",
  "UniqueViolation",
  "ConstraintError",
  "DeadlockError",
  "SerializationError",
  "LockTimeoutError",
  "StatementTimeoutError"
])

/** Whether nothing was done. A lost connection, a deadline and a server that is being stopped leave it open. */
export const saysRolledBack = (cause: unknown): boolean => cause instanceof SqlError && answers.has(cause.reason._tag)
