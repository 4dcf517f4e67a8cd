/** The statements by which an endpoint's holder leases it and writes down what it has done. Each is one statement, so that it is atomic. */
import type { PgClient } from "@effect/sql-pg/PgClient"
import {
  FAILURES_KEPT,
  type NewDelivery,
  type SettledBy,
  type Settlement,
  SUCCESSES_KEPT,
  type WebhookEndpointId,
  type WebhookEndpoints
} from "@greenroom/core"
import type { Names } from "./names.ts"
import { leasedColumns } from "./webhookRows.ts"

const later = (sql: PgClient, millis: number | null) =>
  sql`clock_timestamp() + ${millis}::float8 * interval '1 millisecond'`

/** PostgreSQL's `text` takes no NUL, and a receiver may answer anything. */
const storable = (text: string): string => text.replaceAll("\u0000", "\ufffd").toWellFormed()

/**
 * `recorded` and `pruned`: records attempts of the endpoint in `target`, which may be empty, and deletes the oldest of each kind. What this statement
 * inserts it cannot see, so it leaves room for it.
 */
const record = (sql: PgClient, n: Names, deliveries: ReadonlyArray<NewDelivery>) => {
  const isSuccess = ({ outcome }: NewDelivery) => outcome === "delivered"
  const successes = deliveries.filter(isSuccess).slice(-SUCCESSES_KEPT)
  const failures = deliveries.filter((one) => !isSuccess(one)).slice(-FAILURES_KEPT)
  const kept = new Set([...successes, ...failures])
  const rows = deliveries.filter((one) => kept.has(one)).map((one) => ({ ...one, answer: storable(one.answer) }))
  const oldest = (success: boolean, { length: added }: ReadonlyArray<NewDelivery>, keep: number) => sql`
    select id from (
      select d.id from ${n.webhook_deliveries} d, target
      where d.endpoint_id = target.id and (d.outcome = 'delivered') = ${success}::boolean and ${added > 0}::boolean
      order by d.at desc, d.id desc offset ${keep - added}::integer
    ) old`
  return sql`
    recorded as (
      insert into ${n.webhook_deliveries} (endpoint_id, event_id, type, position, subject, attempt, outcome, response_status, duration_ms,
        next_attempt_at, answer, at)
      select target.id, r."eventId", r.type, r.position, r.subject, r.attempt, r.outcome, r."responseStatus", r."durationMillis",
        t.now + r."retryInMillis" * interval '1 millisecond', r.answer, t.now
      from target, (select clock_timestamp() as now) t, rows from (jsonb_to_recordset(${sql.json(rows)}) as (
        "eventId" text, type text, position bigint, subject text, attempt integer, outcome text, "responseStatus" integer,
        "durationMillis" float8, "retryInMillis" float8, answer text)) with ordinality as r(
        "eventId", type, position, subject, attempt, outcome, "responseStatus", "durationMillis", "retryInMillis", answer, nth)
      order by r.nth
    ), pruned as (
      delete from ${n.webhook_deliveries} where id in (
        ${oldest(true, successes, SUCCESSES_KEPT)} union all ${oldest(false, failures, FAILURES_KEPT)}
      )
    )`
}

/** Records attempts outside the order. */
export const recordStatement = (
  sql: PgClient,
  n: Names,
  id: WebhookEndpointId,
  deliveries: ReadonlyArray<NewDelivery>
) => sql`
  with target as materialized (select id from ${n.webhook_endpoints} where id = ${id} for key share), ${record(sql, n, deliveries)}
  select id from target`

/** No row when nothing was written. */
export const settleStatement = (
  sql: PgClient,
  n: Names,
  id: WebhookEndpointId,
  by: SettledBy,
  { position, held, released, stop, failingForMillis, deliveries, disable }: Settlement
) => sql`
  with target as (
    update ${n.webhook_endpoints} set
      position = greatest(position, ${position}::bigint),
      stop_attempt = ${stop?.attempt ?? null}::integer,
      next_attempt_at = ${later(sql, stop?.dueInMillis ?? null)},
      failing_since = ${later(sql, failingForMillis === null ? null : -failingForMillis)},
      enabled = ${disable}::text is null,
      disabled_reason = ${disable}::text,
      updated_at = case when ${disable}::text is null then updated_at else clock_timestamp() end
    where id = ${id} and enabled and generation = ${by.generation}::integer and leases = ${by.lease}::bigint
      and holder = ${by.holder} and lease_until > clock_timestamp()
      and exists (select from ${n.event_head} h where h.log = ${by.log} and h.position >= ${position}::bigint)
    returning id
  ), holding as (
    insert into ${n.webhook_held_subjects} as s (endpoint_id, subject, position, attempt, next_at)
    select target.id, h.subject, h.position, h.attempt, clock_timestamp() + h."dueInMillis" * interval '1 millisecond'
    from target, jsonb_to_recordset(${sql.json(held)}) as h(subject text, position bigint, attempt integer, "dueInMillis" float8)
    on conflict (endpoint_id, subject) do update
    set position = excluded.position, attempt = excluded.attempt, next_at = excluded.next_at
  ), releasing as (
    delete from ${n.webhook_held_subjects} s using target
    where s.endpoint_id = target.id and s.subject = any(${released}::text[])
  ), ${record(sql, n, deliveries)}
  select id from target`

/** The conditions on the row itself are checked again after a wait for its lock: what another holder has taken meanwhile is not free. */
export const leaseStatement = (
  sql: PgClient,
  n: Names,
  holder: string,
  { ttlMillis, renewMillis, most }: Parameters<WebhookEndpoints["Service"]["lease"]>[1]
) => sql`
  with mine as materialized (
    select count(*) as endpoints from ${n.webhook_endpoints} where enabled and holder = ${holder} and lease_until > clock_timestamp()
  ), free as materialized (
    select id from ${n.webhook_endpoints} where enabled and (lease_until is null or lease_until <= clock_timestamp())
    order by created_at, id limit greatest(0, ${most}::integer - (select endpoints from mine))
  ), taken as (
    update ${n.webhook_endpoints} e set leases = leases + (holder is distinct from ${holder})::integer, holder = ${holder}, lease_until = ${later(sql, ttlMillis)}
    where enabled and (
      (holder = ${holder} and lease_until > clock_timestamp() and lease_until <= ${later(sql, renewMillis)})
      or ((lease_until is null or lease_until <= clock_timestamp()) and id in (select id from free))
    )
    returning ${sql.literal(leasedColumns)}
  )
  select * from taken
  union all
  select ${sql.literal(leasedColumns)} from ${n.webhook_endpoints} e
  where enabled and holder = ${holder} and lease_until > clock_timestamp() and id not in (select id from taken)`
