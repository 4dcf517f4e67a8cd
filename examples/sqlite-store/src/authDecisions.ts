/** The decision log. What lists filter by has columns; the rest is JSON. */
import {
  AuthDecisions,
  type BroadcasterId,
  type DecisionContent,
  DecisionFacts,
  type DecisionFilter,
  type DecisionId,
  type DecisionWrite,
  type RecordedDecision
} from "@greenroom/core"
import { Effect, Schema } from "effect"
import { dateOf, millisOf, pageClause, pageOf } from "./page.ts"
import { Sqlite, type Tables } from "./Sqlite.ts"

interface DecisionRow {
  readonly id: string
  readonly at: number
  readonly last_at: number
  readonly count: number
  readonly broadcaster_id: string | null
  readonly content: string
}

type Kept = Omit<DecisionContent, "facts"> & { readonly facts: unknown; readonly instance: string }

const writeFacts = Schema.encodeSync(Schema.NullOr(DecisionFacts))
const readFacts = Schema.decodeUnknownSync(Schema.NullOr(DecisionFacts))

const decisionOf = (row: DecisionRow): RecordedDecision => {
  const content = JSON.parse(row.content) as Kept
  return {
    ...content,
    facts: readFacts(content.facts),
    id: row.id as DecisionId,
    at: dateOf(row.at),
    lastAt: dateOf(row.last_at),
    count: row.count,
    broadcasterId: row.broadcaster_id as BroadcasterId | null
  }
}

const APPEND = `insert into auth_decisions (id, at, last_at, count, path, ip, outcome, reason, key_prefix, content, broadcaster_id)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, (select broadcaster_id from stream_keys where id = ?))
  on conflict (id) do update set count = excluded.count, last_at = excluded.last_at where count < excluded.count`

const append = ({ run }: Tables, decision: DecisionWrite, now: number): void => {
  const { id, count, ageMillis, lastAgeMillis, facts, ...content } = decision
  const { path, ip, outcome, reason, keyPrefix, streamKeyId } = content
  const kept: Kept = { ...content, facts: writeFacts(facts) }
  run(
    APPEND,
    ...[id, now - ageMillis, now - lastAgeMillis, count, path, ip, outcome, reason, keyPrefix],
    ...[JSON.stringify(kept), streamKeyId]
  )
}

/** Conditions of the filter, and their values. */
const conditions = (filter: DecisionFilter) => {
  const all = [
    ["path = ?", filter.path],
    ["ip = ?", filter.ip],
    ["key_prefix = ?", filter.keyPrefix],
    ["broadcaster_id = ?", filter.broadcasterId],
    ["last_at >= ?", filter.since === undefined ? undefined : millisOf(filter.since)],
    ["reason in (select value from json_each(?))", filter.reasons && JSON.stringify(filter.reasons)],
    ["outcome in (select value from json_each(?))", filter.outcomes && JSON.stringify(filter.outcomes)]
  ] as const
  const given = all.flatMap(([sql, value]) => (value === undefined ? [] : [{ sql, value }]))
  return { sql: ["true", ...given.map(({ sql }) => sql)].join(" and "), values: given.map(({ value }) => value) }
}

export const authDecisions = Effect.map(Sqlite, ({ read, write }) =>
  AuthDecisions.of({
    append: (batch) =>
      write("AuthDecisions.append", (tables, now) => {
        for (const decision of batch) append(tables, decision, millisOf(now))
      }),
    list: (filter, page) =>
      read("AuthDecisions.list", ({ all }, now) => {
        const where = conditions(filter)
        const rest = pageClause("at", "id", page)
        const rows = all<DecisionRow>(
          `select * from auth_decisions where ${where.sql} ${rest.sql}`,
          ...where.values,
          ...rest.values
        )
        return pageOf(page, now, rows.map(decisionOf), ({ at, id }) => ({ at, id }))
      }),
    prune: (keep) =>
      write("AuthDecisions.prune", ({ run }) =>
        run(
          `delete from auth_decisions where id in (
             select id from auth_decisions order by at desc, id desc limit -1 offset ?)`,
          keep
        )
      )
  })
)
