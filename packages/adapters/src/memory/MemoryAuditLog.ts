/** The audit log in memory. It keeps the newest `AUDIT_ENTRIES_KEPT` entries. */
import {
  type AuditEntry,
  type AuditEntryId,
  AuditLog,
  matchesAuditFilter,
  type NewAuditEntry,
  resourceTypeOf
} from "@greenroom/core"
import { DateTime, Effect } from "effect"
import { atomically, MemoryStore } from "./MemoryStore.ts"
import { pageOf } from "./newestFirst.ts"

const AUDIT_ENTRIES_KEPT = 10_000

/** Entries of one millisecond are listed in the reverse of their order. */
const idOf = (count: number): AuditEntryId =>
  `00000000-0000-4000-8000-${count.toString(16).padStart(12, "0")}` as AuditEntryId

export const make: Effect.Effect<AuditLog["Service"], never, MemoryStore> = Effect.map(MemoryStore, (store) => {
  const { auditLog } = store
  const log = auditLog.entries
  const write = (entry: NewAuditEntry, now: DateTime.Utc): void => {
    const plain: NewAuditEntry = {
      ...entry,
      ...JSON.parse(JSON.stringify({ before: entry.before, after: entry.after, details: entry.details }))
    }
    log.push({ ...plain, id: idOf(++auditLog.written), at: now, resourceType: resourceTypeOf(entry.action) })
    if (log.length > AUDIT_ENTRIES_KEPT) log.shift()
  }
  const matching = (filter: Parameters<AuditLog["Service"]["count"]>[0]): ReadonlyArray<AuditEntry> =>
    log.filter((entry) => matchesAuditFilter(entry, filter))

  return AuditLog.of({
    recording: (change, entryOf) =>
      Effect.uninterruptible(
        Effect.tap(change, (outcome) =>
          atomically((now) => {
            const entry = entryOf(outcome)
            if (entry !== null) write(entry, now)
          })
        )
      ),
    append: (entry) => atomically((now) => write(entry, now)),
    list: (filter, page) =>
      atomically((now) => pageOf(page, now, matching(filter), (entry) => ({ at: entry.at, id: entry.id }))),
    count: (filter) => atomically(() => matching(filter).length),
    prune: (keepDays, limit) =>
      atomically((now) => {
        const before = DateTime.toEpochMillis(now) - keepDays * 86_400_000
        const old = log.findIndex(({ at }) => DateTime.toEpochMillis(at) >= before)
        const gone = Math.min(limit, old === -1 ? log.length : old)
        log.splice(0, gone)
        return gone
      })
  })
})
