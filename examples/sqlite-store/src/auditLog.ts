/** The audit log. A change and its entry are one transaction. */
import {
  type Actor,
  type AuditEntry,
  type AuditEntryId,
  type AuditFilter,
  AuditLog,
  type BroadcasterId,
  matchesAuditFilter,
  type NewAuditEntry,
  type RequestOrigin,
  resourceTypeOf
} from "@greenroom/core"
import { Effect } from "effect"
import { dateOf, millisOf, pageOf } from "./page.ts"
import { Sqlite, type Tables } from "./Sqlite.ts"

interface EntryRow {
  readonly seq: number
  readonly at: number
  readonly actor: string
  readonly claimed_actor: string | null
  readonly action: string
  readonly resource_type: string
  readonly resource_id: string | null
  readonly broadcaster_id: string | null
  readonly before: string | null
  readonly after: string | null
  readonly details: string | null
  readonly outcome: string
  readonly reason: string | null
  readonly origin: string
}

const objectOf = (json: string | null) => (json === null ? null : (JSON.parse(json) as Record<string, unknown>))
const jsonOf = (value: object | null) => (value === null ? null : JSON.stringify(value))

const entryOf = (row: EntryRow): AuditEntry => ({
  id: `00000000-0000-4000-8000-${row.seq.toString(16).padStart(12, "0")}` as AuditEntryId,
  at: dateOf(row.at),
  actor: JSON.parse(row.actor) as Actor,
  claimedActor: row.claimed_actor,
  action: row.action,
  resourceType: row.resource_type,
  resourceId: row.resource_id,
  broadcasterId: row.broadcaster_id as BroadcasterId | null,
  before: objectOf(row.before),
  after: objectOf(row.after),
  details: objectOf(row.details),
  outcome: row.outcome as AuditEntry["outcome"],
  reason: row.reason,
  origin: JSON.parse(row.origin) as RequestOrigin
})

const insert = ({ run }: Tables, at: number, entry: NewAuditEntry): void => {
  run(
    `insert into audit_log (at, actor, claimed_actor, action, resource_type, resource_id, broadcaster_id, before, after, details, outcome, reason, origin)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ...[at, JSON.stringify(entry.actor), entry.claimedActor, entry.action, resourceTypeOf(entry.action)],
    ...[entry.resourceId, entry.broadcasterId, jsonOf(entry.before), jsonOf(entry.after), jsonOf(entry.details)],
    ...[entry.outcome, entry.reason, JSON.stringify(entry.origin)]
  )
}

/** All that match: this store is for a log of thousands of entries. */
const matching = ({ all }: Tables, filter: AuditFilter): ReadonlyArray<AuditEntry> =>
  all<EntryRow>("select * from audit_log order by at desc, seq desc")
    .map(entryOf)
    .filter((entry) => matchesAuditFilter(entry, filter))

export const auditLog = Effect.map(Sqlite, ({ read, write, together }) => {
  const append = (entry: NewAuditEntry) =>
    write("AuditLog.append", (tables, now) => insert(tables, millisOf(now), entry))
  return AuditLog.of({
    recording: (change, describe) =>
      together(
        "AuditLog.recording",
        Effect.tap(change, (outcome) => {
          const entry = describe(outcome)
          return entry === null ? Effect.void : append(entry)
        })
      ),
    append,
    list: (filter, page) =>
      read("AuditLog.list", (tables, now) => {
        const { after } = page
        const rest = matching(tables, filter).filter(
          ({ at, id }) =>
            after === null ||
            millisOf(at) < millisOf(after.at) ||
            (millisOf(at) === millisOf(after.at) && id < after.id)
        )
        const most = page.limit === null ? rest : rest.slice(0, page.limit + 1)
        return pageOf(page, now, most, ({ at, id }) => ({ at, id }))
      }),
    count: (filter) => read("AuditLog.count", (tables) => matching(tables, filter).length),
    prune: (keepDays, limit) =>
      write("AuditLog.prune", ({ run }, now) =>
        run(
          "delete from audit_log where seq in (select seq from audit_log where at < ? order by at, seq limit ?)",
          millisOf(now) - keepDays * 86_400_000,
          limit
        )
      )
  })
})
