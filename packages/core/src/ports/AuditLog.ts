/**
 * The audit log. Laws:
 * - entries are only appended: none changes, and `prune` alone deletes;
 * - `recording` runs a change and appends the entry of its outcome in one atomic step: when either fails, neither is there. The change
 *   writes by any ports of the same store. Of several writing operations a store without transactions may keep those before a failure;
 * - the list is ordered newest first by `(at, id)`; `at` is the database's clock.
 */
import type { Effect } from "effect"
import type { AuditEntry, AuditFilter, NewAuditEntry } from "../domain/audit/AuditEntry.ts"
import type { Page, PageRequest } from "./Page.ts"
import { port } from "./Repositories.ts"
import type { StoreUnavailable } from "./StoreUnavailable.ts"

export interface AuditLogPort {
  /** `entryOf` names the entry of an outcome; `null`: it has none. */
  readonly recording: <A, E, R>(
    change: Effect.Effect<A, E, R>,
    entryOf: (outcome: A) => NewAuditEntry | null
  ) => Effect.Effect<A, E | StoreUnavailable, R>
  readonly append: (entry: NewAuditEntry) => Effect.Effect<void, StoreUnavailable>
  readonly list: (filter: AuditFilter, page: PageRequest) => Effect.Effect<Page<AuditEntry>, StoreUnavailable>
  /** How many entries match. */
  readonly count: (filter: AuditFilter) => Effect.Effect<number, StoreUnavailable>
  /** Deletes entries that are older than `keepDays`, at most `limit`, the oldest first. How many it deleted. */
  readonly prune: (keepDays: number, limit: number) => Effect.Effect<number, StoreUnavailable>
}

export class AuditLog extends port("auditLog") {}
