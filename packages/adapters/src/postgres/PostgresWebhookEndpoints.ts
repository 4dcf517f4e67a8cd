/** The webhook endpoints in PostgreSQL. */
import {
  PREVIOUS_SECRET_VALID_MS,
  WEBHOOK_ENDPOINTS_MAX,
  type WebhookEndpointChanges,
  WebhookEndpoints
} from "@greenroom/core"
import { Array as Arr, Effect, Option } from "effect"
import { type Database, GeneralDatabase } from "./Database.ts"
import { limitTo, onPage, pageOf, type Row, rowsAtOf, rowsOf } from "./rows.ts"
import {
  DeliveryRow,
  deliveryOf,
  EndpointRow,
  endpointColumns,
  endpointOf,
  HeldRow,
  heldOf,
  LeasedRow,
  leasedOf,
  SecretsRow,
  secretColumns,
  secretsOf
} from "./webhookRows.ts"
import { leaseStatement, recordStatement, settleStatement } from "./webhookStatements.ts"

type Port = WebhookEndpoints["Service"]

const endpoints = rowsOf(EndpointRow)
const leasedRows = rowsOf(LeasedRow)
const secretRows = rowsOf(SecretsRow)
const heldRows = rowsOf(HeldRow)
const deliveriesAt = rowsAtOf(DeliveryRow)

const one = (rows: ReadonlyArray<Row>) => Arr.head(endpoints(rows).map(endpointOf))

/** What operators do to endpoints. */
const managing = (database: Database) => {
  const n = database.names

  // The lock makes others that create wait, and the second statement's snapshot has what they have created.
  const create: Port["create"] = Effect.fn("WebhookEndpoints.create")(function* (id, fields, secret) {
    const { url, types, broadcasterId, description, enabled } = fields
    const created = yield* database.run("WebhookEndpoints.create", (sql) =>
      sql.withTransaction(
        Effect.gen(function* () {
          yield* sql`select pg_advisory_xact_lock(hashtextextended('greenroom.webhook_endpoints', 0))`
          return yield* sql`
            insert into ${n.webhook_endpoints} as e (id, url, types, broadcaster_id, description, enabled, secret, position, created_at, updated_at)
            select ${id}::uuid, ${url}::text, ${types}::text[], ${broadcasterId}::uuid, ${description}::text, ${enabled}::boolean,
              ${secret}::bytea, h.position, t.now, t.now
            from ${n.event_head} h, (select clock_timestamp() as now) t
            where (select count(*) from ${n.webhook_endpoints}) < ${WEBHOOK_ENDPOINTS_MAX}::integer
            returning ${sql.literal(endpointColumns)}`
        })
      )
    )
    const endpoint = Option.getOrUndefined(one(created))
    return endpoint === undefined ? { _tag: "TooMany" } : { _tag: "Created", endpoint }
  })

  const list: Port["list"] = database
    .run(
      "WebhookEndpoints.list",
      (sql) => sql`select ${sql.literal(endpointColumns)} from ${n.webhook_endpoints} e order by created_at, id`
    )
    .pipe(Effect.map((rows) => endpoints(rows).map(endpointOf)))

  const find: Port["find"] = Effect.fn("WebhookEndpoints.find")(function* (id) {
    const found = yield* database.run(
      "WebhookEndpoints.find",
      (sql) => sql`select ${sql.literal(endpointColumns)} from ${n.webhook_endpoints} e where id = ${id}`
    )
    return one(found)
  })

  const secrets: Port["secrets"] = Effect.fn("WebhookEndpoints.secrets")(function* (id) {
    const found = yield* database.run(
      "WebhookEndpoints.secrets",
      (sql) => sql`select ${sql.literal(secretColumns)} from ${n.webhook_endpoints} e where id = ${id}`
    )
    return Arr.head(secretRows(found).map(secretsOf))
  })

  const change: Port["change"] = Effect.fn("WebhookEndpoints.change")(function* (id, changes) {
    const { url, types, broadcasterId, description, enabled } = changes
    const given = (field: keyof WebhookEndpointChanges) => changes[field] !== undefined
    const from = typeof changes.from === "number" ? changes.from : null
    const changed = yield* database.run("WebhookEndpoints.change", (sql) => {
      // In an update each expression sees the row as it was.
      const becomes = sql`coalesce(${enabled ?? null}::boolean, e.enabled)`
      const isEnabledAnew = sql`(not e.enabled and ${becomes})`
      return sql`
        with before as materialized (
          select id, enabled from ${n.webhook_endpoints} where id = ${id} for update
        ), changed as (
          update ${n.webhook_endpoints} e set
            url = coalesce(${url ?? null}::text, e.url),
            types = case when ${given("types")} then ${types ?? null}::text[] else e.types end,
            broadcaster_id = case when ${given("broadcasterId")} then ${broadcasterId ?? null}::uuid else e.broadcaster_id end,
            description = case when ${given("description")} then ${description ?? null}::text else e.description end,
            enabled = ${becomes},
            disabled_reason = case when ${enabled ?? null}::boolean is not null then null else e.disabled_reason end,
            failing_since = case when ${isEnabledAnew} then null else e.failing_since end,
            stop_attempt = case when ${isEnabledAnew} then null else e.stop_attempt end,
            next_attempt_at = case when ${isEnabledAnew} then null else e.next_attempt_at end,
            position = case when ${isEnabledAnew} and ${given("from")}
              then coalesce(${from}::bigint, (select position from ${n.event_head})) else e.position end,
            revision = e.revision + 1,
            generation = e.generation + (e.enabled <> ${becomes})::integer,
            updated_at = clock_timestamp()
          from before where e.id = before.id
          returning ${sql.literal(endpointColumns)}, before.enabled as was_enabled
        ), dropped as (
          delete from ${n.webhook_held_subjects} s using changed
          where s.endpoint_id = changed.id and ${given("from")} and changed.enabled and not changed.was_enabled
        )
        select * from changed`
    })
    return one(changed)
  })

  const remove: Port["remove"] = Effect.fn("WebhookEndpoints.remove")(function* (id) {
    const removed = yield* database.run(
      "WebhookEndpoints.remove",
      (sql) => sql`delete from ${n.webhook_endpoints} where id = ${id} returning id`
    )
    return removed.length > 0
  })

  const rotateSecret: Port["rotateSecret"] = Effect.fn("WebhookEndpoints.rotateSecret")(function* (id, secret) {
    const rotated = yield* database.run(
      "WebhookEndpoints.rotateSecret",
      (sql) => sql`
        update ${n.webhook_endpoints} e set
          secret = ${secret}::bytea, previous_secret = e.secret,
          previous_until = clock_timestamp() + ${PREVIOUS_SECRET_VALID_MS}::float8 * interval '1 millisecond',
          revision = e.revision + 1, updated_at = clock_timestamp()
        where id = ${id}
        returning ${sql.literal(endpointColumns)}`
    )
    return one(rotated)
  })

  const deliveries: Port["deliveries"] = Effect.fn("WebhookEndpoints.deliveries")(function* (id, page) {
    const found = yield* database.run(
      "WebhookEndpoints.deliveries",
      (sql) => sql`
        select t.now, d.*
        from (select clock_timestamp()::timestamptz(3) as now) t
        left join lateral (
          select * from ${n.webhook_deliveries}
          where endpoint_id = ${id} and ${onPage(sql, "at, id", page)}
          order by at desc, id desc
          ${limitTo(sql, page)}
        ) d on true
        order by d.at desc, d.id desc`
    )
    const { now, items } = deliveriesAt(found)
    return pageOf(page, now, items.map(deliveryOf), (item) => ({ at: item.at, id: item.id }))
  })

  return { create, list, find, secrets, change, remove, rotateSecret, deliveries }
}

/** What deliveries write. */
const delivering = (database: Database) => {
  const n = database.names

  const record: Port["record"] = Effect.fn("WebhookEndpoints.record")(function* (id, deliveries) {
    if (deliveries.length === 0) return
    yield* database.run("WebhookEndpoints.record", (sql) => recordStatement(sql, n, id, deliveries))
  })

  const lease: Port["lease"] = Effect.fn("WebhookEndpoints.lease")(function* (holder, options) {
    const rows = yield* database.run("WebhookEndpoints.lease", (sql) => leaseStatement(sql, n, holder, options))
    return leasedRows(rows).map(leasedOf)
  })

  const release: Port["release"] = Effect.fn("WebhookEndpoints.release")(function* (holder) {
    yield* database.run(
      "WebhookEndpoints.release",
      (sql) => sql`update ${n.webhook_endpoints} set holder = null, lease_until = null where holder = ${holder}`
    )
  })

  const held: Port["held"] = Effect.fn("WebhookEndpoints.held")(function* (id) {
    const rows = yield* database.run(
      "WebhookEndpoints.held",
      (sql) => sql`
        select subject, position, attempt, (extract(epoch from next_at - clock_timestamp()) * 1000)::float8 as due_in
        from ${n.webhook_held_subjects} where endpoint_id = ${id} order by position`
    )
    return heldRows(rows).map(heldOf)
  })

  const settle: Port["settle"] = Effect.fnUntraced(function* (id, by, settlement) {
    const run = settlement.disable === null ? database.run : database.runWriting
    const settled = yield* run("WebhookEndpoints.settle", (sql) => settleStatement(sql, n, id, by, settlement))
    return settled.length > 0
  })

  return { record, lease, release, held, settle }
}

export const make: Effect.Effect<Port, never, GeneralDatabase> = Effect.map(GeneralDatabase, (database) =>
  WebhookEndpoints.of({ ...managing(database), ...delivering(database) })
)
