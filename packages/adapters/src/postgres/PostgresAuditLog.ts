/** The audit log in PostgreSQL. An entry is in the transaction of what it tells of; a trigger keeps it as it is (migration 0021). */
import type { PgClient } from "@effect/sql-pg/PgClient"
import {
  type Actor,
  ApiTokenId,
  type AuditEntry,
  AuditEntryId,
  type AuditFilter,
  AuditLog,
  actorType,
  actorTypes,
  auditOutcomes,
  BroadcasterId,
  type NewAuditEntry,
  resourceTypeOf
} from "@greenroom/core"
import { Effect, Schema } from "effect"
import { GeneralDatabase } from "./Database.ts"
import { inTransaction } from "./inTransaction.ts"
import { At, dateOf, JsonObject, limitTo, MaybeText, onPage, pageOf, rowsAtOf, rowsOf } from "./rows.ts"

const MaybeJson = Schema.NullOr(JsonObject)
const EntryRow = Schema.Struct({
  id: AuditEntryId,
  at: At,
  actor_type: Schema.Literals(actorTypes),
  actor_id: Schema.NullOr(ApiTokenId),
  actor_name: MaybeText,
  claimed_actor: MaybeText,
  action: Schema.String,
  resource_type: Schema.String,
  resource_id: MaybeText,
  broadcaster_id: Schema.NullOr(BroadcasterId),
  before: MaybeJson,
  after: MaybeJson,
  details: MaybeJson,
  outcome: Schema.Literals(auditOutcomes),
  reason: MaybeText,
  address: MaybeText,
  user_agent: MaybeText,
  request_id: MaybeText
})

const columns = Object.keys(EntryRow.fields)
  .map((column) => `l.${column}`)
  .join(", ")

const actorOf = (row: typeof EntryRow.Type): Actor => {
  switch (row.actor_type) {
    case "secret":
      return { _tag: "Secret" }
    case "token":
      return { _tag: "Token", id: row.actor_id!, name: row.actor_name ?? "" }
    case "application":
      return { _tag: "Application", name: row.actor_name }
    case "unknown":
      return { _tag: "Unknown" }
  }
}

const entryOfRow = (row: typeof EntryRow.Type): AuditEntry => ({
  id: row.id,
  at: row.at,
  actor: actorOf(row),
  claimedActor: row.claimed_actor,
  action: row.action,
  resourceType: row.resource_type,
  resourceId: row.resource_id,
  broadcasterId: row.broadcaster_id,
  before: row.before,
  after: row.after,
  details: row.details,
  outcome: row.outcome,
  reason: row.reason,
  origin: { requestId: row.request_id, address: row.address, userAgent: row.user_agent }
})

const rowsAt = rowsAtOf(EntryRow)
const counts = rowsOf(Schema.Struct({ count: Schema.Int }))
const gone = rowsOf(Schema.Struct({ gone: Schema.Int }))

const matching = (sql: PgClient, filter: AuditFilter) =>
  sql.and([
    sql`true`,
    ...(filter.actor === undefined
      ? []
      : [sql`${filter.actor}::text in (l.actor_type, l.actor_id::text, l.actor_name, l.claimed_actor)`]),
    ...(filter.actions === undefined ? [] : [sql`l.action = any(${[...filter.actions]}::text[])`]),
    ...(filter.resourceType === undefined ? [] : [sql`l.resource_type = ${filter.resourceType}::text`]),
    ...(filter.resourceId === undefined ? [] : [sql`l.resource_id = ${filter.resourceId}::text`]),
    ...(filter.outcome === undefined ? [] : [sql`l.outcome = ${filter.outcome}::text`]),
    ...(filter.from === undefined ? [] : [sql`l.at >= ${dateOf(filter.from)}::timestamptz`]),
    ...(filter.to === undefined ? [] : [sql`l.at < ${dateOf(filter.to)}::timestamptz`]),
    ...(filter.broadcasterId === undefined ? [] : [sql`l.broadcaster_id = ${filter.broadcasterId}::uuid`])
  ])

const nameOf = (actor: Actor): string | null =>
  actor._tag === "Token" || actor._tag === "Application" ? actor.name : null

export const make: Effect.Effect<AuditLog["Service"], never, GeneralDatabase> = Effect.gen(function* () {
  const database = yield* GeneralDatabase
  const n = database.names

  const append: AuditLog["Service"]["append"] = Effect.fnUntraced(function* (entry: NewAuditEntry) {
    const { actor, origin } = entry
    const json = (sql: PgClient, value: object | null) => (value === null ? null : sql.json(value))
    yield* database.run(
      "AuditLog.append",
      (sql) => sql`
        insert into ${n.audit_log} (actor_type, actor_id, actor_name, claimed_actor, action, resource_type, resource_id, broadcaster_id,
          before, after, details, outcome, reason, address, user_agent, request_id)
        values (${actorType(actor)}, ${actor._tag === "Token" ? actor.id : null}, ${nameOf(actor)}, ${entry.claimedActor}, ${entry.action},
          ${resourceTypeOf(entry.action)}, ${entry.resourceId}, ${entry.broadcasterId}, ${json(sql, entry.before)}, ${json(sql, entry.after)},
          ${json(sql, entry.details)}, ${entry.outcome}, ${entry.reason}, ${origin.address}, ${origin.userAgent}, ${origin.requestId})`
    )
  })

  const list: AuditLog["Service"]["list"] = Effect.fn("AuditLog.list")(function* (filter, page) {
    const found = yield* database.run(
      "AuditLog.list",
      (sql) => sql`
        select c.now, l.*
        from (select clock_timestamp()::timestamptz(3) as now) c
        left join lateral (
          select ${sql.literal(columns)} from ${n.audit_log} l
          where ${matching(sql, filter)} and ${onPage(sql, "l.at, l.id", page)}
          order by l.at desc, l.id desc
          ${limitTo(sql, page)}
        ) l on true
        order by l.at desc, l.id desc`
    )
    const { now, items } = rowsAt(found)
    return pageOf(page, now, items.map(entryOfRow), (entry) => ({ at: entry.at, id: entry.id }))
  })

  const count: AuditLog["Service"]["count"] = Effect.fn("AuditLog.count")(function* (filter) {
    const found = yield* database.run(
      "AuditLog.count",
      (sql) => sql`select count(*)::integer as count from ${n.audit_log} l where ${matching(sql, filter)}`
    )
    return counts(found)[0]!.count
  })

  const prune: AuditLog["Service"]["prune"] = Effect.fn("AuditLog.prune")(function* (keepDays, limit) {
    const rows = yield* database.run(
      "AuditLog.prune",
      (sql) => sql`select ${n.prune_audit_log}(${keepDays}::integer, ${limit}::integer) as gone`
    )
    return gone(rows)[0]!.gone
  })

  return AuditLog.of({
    recording: (change, entryOf) =>
      inTransaction(
        database,
        "AuditLog.recording",
        Effect.tap(change, (outcome) => {
          const entry = entryOf(outcome)
          return entry === null ? Effect.void : append(entry)
        })
      ),
    append,
    list,
    count,
    prune
  })
})
