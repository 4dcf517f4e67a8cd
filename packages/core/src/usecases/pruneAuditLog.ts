/** Prunes the audit log in the background: entries older than `AUDIT_KEEP`. Any instance may do it, several at once, too. */
import { Effect } from "effect"
import { AuditLog } from "../ports/AuditLog.ts"
import { pruneInBatches } from "./pruneInBatches.ts"
import { pruneRegularly } from "./pruneRegularly.ts"

const pruneAll = Effect.fn("pruneAuditLog")(function* (keepDays: number) {
  const log = yield* AuditLog
  yield* pruneInBatches("audit_entries", keepDays, (limit) => log.prune(keepDays, limit))
})

/** Runs until it is interrupted. */
export const pruneAuditLog = (keepDays: number) =>
  pruneRegularly({ kind: "audit_log_not_pruned", what: "old entries of the audit log" }, pruneAll(keepDays))
