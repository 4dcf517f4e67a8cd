/**
 * The decision log in PostgreSQL. A batch is one statement. It uses the client of lists, so that it delays no admission and no pass. Times are
 * ages before the database's clock, because each instance has a clock of its own.
 */
import type { PgClient } from "@effect/sql-pg/PgClient"
import {
  AuthDecisions,
  BroadcasterId,
  DecisionFacts,
  type DecisionFilter,
  DecisionId,
  decisionOutcomes,
  type RecordedDecision,
  StreamId,
  StreamKeyId
} from "@greenroom/core"
import { Effect, Schema } from "effect"
import { GeneralDatabase } from "./Database.ts"
import { At, dateOf, limitTo, MaybeText, onPage, pageOf, rowsAtOf, rowsOf } from "./rows.ts"

const DecisionRow = Schema.Struct({
  id: DecisionId,
  at: At,
  last_at: At,
  count: Schema.Int,
  action: Schema.String,
  path: MaybeText,
  protocol: MaybeText,
  ip: MaybeText,
  user_agent: MaybeText,
  outcome: Schema.Literals(decisionOutcomes),
  reason: MaybeText,
  rule: Schema.String,
  detail: Schema.String,
  facts: Schema.NullOr(DecisionFacts),
  key_prefix: MaybeText,
  stream_key_id: Schema.NullOr(StreamKeyId),
  stream_id: Schema.NullOr(StreamId),
  broadcaster_id: Schema.NullOr(BroadcasterId),
  instance: Schema.String
})

const rowsAt = rowsAtOf(DecisionRow)
const counts = rowsOf(Schema.Struct({ gone: Schema.Int }))
const writeFacts = Schema.encodeSync(Schema.NullOr(DecisionFacts))

const decisionOf = ({
  last_at: lastAt,
  user_agent: userAgent,
  key_prefix: keyPrefix,
  stream_key_id: streamKeyId,
  stream_id: streamId,
  broadcaster_id: broadcasterId,
  ...rest
}: typeof DecisionRow.Type): RecordedDecision => ({
  ...rest,
  lastAt,
  userAgent,
  keyPrefix,
  streamKeyId,
  streamId,
  broadcasterId
})

const matching = (sql: PgClient, filter: DecisionFilter) =>
  sql.and([
    sql`true`,
    ...(filter.path === undefined ? [] : [sql`d.path = ${filter.path}`]),
    ...(filter.keyPrefix === undefined ? [] : [sql`d.key_prefix = ${filter.keyPrefix}`]),
    ...(filter.reasons === undefined ? [] : [sql`d.reason = any(${filter.reasons}::text[])`]),
    ...(filter.outcomes === undefined ? [] : [sql`d.outcome = any(${filter.outcomes}::text[])`]),
    ...(filter.ip === undefined ? [] : [sql`d.ip = ${filter.ip}`]),
    ...(filter.since === undefined ? [] : [sql`d.last_at >= ${dateOf(filter.since)}::timestamptz`]),
    ...(filter.broadcasterId === undefined ? [] : [sql`d.broadcaster_id = ${filter.broadcasterId}::uuid`])
  ])

export const make: Effect.Effect<AuthDecisions["Service"], never, GeneralDatabase> = Effect.gen(function* () {
  const database = yield* GeneralDatabase
  const n = database.names

  const append: AuthDecisions["Service"]["append"] = Effect.fn("AuthDecisions.append")(function* (batch) {
    if (batch.length === 0) return
    const written = batch.map(({ facts, ...decision }) => ({ ...decision, facts: writeFacts(facts) }))
    yield* database.run(
      "AuthDecisions.append",
      (sql) => sql`
        insert into ${n.auth_decisions} as d (id, at, last_at, count, action, path, protocol, ip, user_agent, outcome, reason, rule, detail,
          facts, key_prefix, stream_key_id, stream_id, broadcaster_id, instance)
        select r.id, t.now - r."ageMillis" * interval '1 millisecond', t.now - r."lastAgeMillis" * interval '1 millisecond', r.count,
          r.action, r.path, r.protocol, r.ip, r."userAgent", r.outcome, r.reason, r.rule, r.detail,
          nullif(r.facts, 'null'::jsonb), r."keyPrefix", r."streamKeyId", r."streamId", k.broadcaster_id, r.instance
        from (select clock_timestamp()::timestamptz(3) as now) t
        cross join jsonb_to_recordset(${sql.json(written)}) as r(
          id uuid, "ageMillis" float8, "lastAgeMillis" float8, count integer, action text, path text, protocol text, ip text,
          "userAgent" text, outcome text, reason text, rule text, detail text, facts jsonb, "keyPrefix" text, "streamKeyId" uuid,
          "streamId" uuid, instance text)
        left join ${n.stream_keys} k on k.id = r."streamKeyId"
        order by r.id
        on conflict (id) do update set count = excluded.count, last_at = excluded.last_at where d.count < excluded.count`
    )
  })

  const list: AuthDecisions["Service"]["list"] = Effect.fn("AuthDecisions.list")(function* (filter, page) {
    const found = yield* database.run(
      "AuthDecisions.list",
      (sql) => sql`
        select t.now, d.*
        from (select clock_timestamp()::timestamptz(3) as now) t
        left join lateral (
          select * from ${n.auth_decisions} d
          where ${matching(sql, filter)} and ${onPage(sql, "d.at, d.id", page)}
          order by d.at desc, d.id desc
          ${limitTo(sql, page)}
        ) d on true
        order by d.at desc, d.id desc`
    )
    const { now, items } = rowsAt(found)
    return pageOf(page, now, items.map(decisionOf), ({ at, id }) => ({ at, id }))
  })

  const prune: AuthDecisions["Service"]["prune"] = Effect.fn("AuthDecisions.prune")(function* (keep) {
    const rows = yield* database.run(
      "AuthDecisions.prune",
      (sql) => sql`
        with gone as (
          delete from ${n.auth_decisions} d using (
            select at, id from ${n.auth_decisions} order by at desc, id desc offset ${keep}::integer limit 1
          ) first
          where (d.at, d.id) <= (first.at, first.id)
          returning 1
        )
        select count(*)::integer as gone from gone`
    )
    return counts(rows)[0]!.gone
  })

  return AuthDecisions.of({ append, list, prune })
})
