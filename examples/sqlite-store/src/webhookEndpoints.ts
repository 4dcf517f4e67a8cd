/** The webhook endpoints: what operators do to them. What deliveries write is in `webhookDeliveries.ts`. */
import {
  type CreateEndpointOutcome,
  type EncryptedSecret,
  PREVIOUS_SECRET_VALID_MS,
  WEBHOOK_ENDPOINTS_MAX,
  type WebhookEndpoint,
  type WebhookEndpointChanges,
  type WebhookEndpointFields,
  type WebhookEndpointId,
  WebhookEndpoints
} from "@greenroom/core"
import { Effect, Option } from "effect"
import { headOf } from "./events.ts"
import { dateOf, millisOf, pageClause, pageOf } from "./page.ts"
import { Sqlite, type Tables } from "./Sqlite.ts"
import { delivering } from "./webhookDeliveries.ts"
import { type DeliveryRow, deliveryOf, type EndpointRow, endpointOf, findEndpoint, secretsOf } from "./webhookRows.ts"

const find = (tables: Tables, id: WebhookEndpointId): Option.Option<WebhookEndpoint> =>
  Option.map(Option.fromNullishOr(findEndpoint(tables, id)), endpointOf)

const columns = ({ url, types, broadcasterId, description, enabled }: WebhookEndpointFields) => [
  ...[url, types === null ? null : JSON.stringify(types), broadcasterId, description, enabled ? 1 : 0]
]

const create = (
  tables: Tables,
  id: WebhookEndpointId,
  fields: WebhookEndpointFields,
  secret: EncryptedSecret,
  now: number
): CreateEndpointOutcome => {
  const count = "select count(*) as count from webhook_endpoints"
  if (tables.one<{ readonly count: number }>(count)!.count >= WEBHOOK_ENDPOINTS_MAX) return { _tag: "TooMany" }
  tables.run(
    `insert into webhook_endpoints (id, url, types, broadcaster_id, description, enabled, secret, position, created_at, updated_at)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ...[id, ...columns(fields), secret, headOf(tables).newest, now, now]
  )
  return { _tag: "Created", endpoint: Option.getOrThrow(find(tables, id)) }
}

/** Enabled anew it has not failed, and goes on where it was; or elsewhere, without what it held. */
const restart = (tables: Tables, id: WebhookEndpointId, from: WebhookEndpointChanges["from"]): void => {
  tables.run(
    "update webhook_endpoints set failing_since = null, stop_attempt = null, next_attempt_at = null where id = ?",
    id
  )
  if (from === undefined) return
  const position = from === "now" ? headOf(tables).newest : from
  tables.run("update webhook_endpoints set position = ? where id = ?", position, id)
  tables.run("delete from webhook_held_subjects where endpoint_id = ?", id)
}

const change = (
  tables: Tables,
  id: WebhookEndpointId,
  { from, ...changes }: WebhookEndpointChanges,
  now: number
): Option.Option<WebhookEndpoint> =>
  Option.flatMap(find(tables, id), (old) => {
    const changed = { ...old, ...changes }
    const isReasonOver = changes.enabled === undefined ? 0 : 1
    tables.run(
      `update webhook_endpoints set url = ?, types = ?, broadcaster_id = ?, description = ?, enabled = ?,
         disabled_reason = iif(?, null, disabled_reason), revision = revision + 1, generation = generation + (enabled <> ?5),
         updated_at = ? where id = ?`,
      ...[...columns(changed), isReasonOver, now, id]
    )
    if (changed.enabled && !old.enabled) restart(tables, id, from)
    return find(tables, id)
  })

const ROTATE = `update webhook_endpoints set secret = ?, previous_secret = secret, previous_until = ?,
  revision = revision + 1, updated_at = ? where id = ?`

export const webhookEndpoints = Effect.map(Sqlite, ({ read, write }) =>
  WebhookEndpoints.of({
    ...delivering(read, write),
    create: (id, fields, secret) =>
      write("WebhookEndpoints.create", (tables, now) => create(tables, id, fields, secret, millisOf(now))),
    list: read("WebhookEndpoints.list", ({ all }) =>
      all<EndpointRow>("select * from webhook_endpoints order by created_at, id").map(endpointOf)
    ),
    find: (id) => read("WebhookEndpoints.find", (tables) => find(tables, id)),
    secrets: (id) =>
      read("WebhookEndpoints.secrets", (tables, now) =>
        Option.map(Option.fromNullishOr(findEndpoint(tables, id)), (row) => secretsOf(row, millisOf(now)))
      ),
    change: (id, changes) =>
      write("WebhookEndpoints.change", (tables, now) => change(tables, id, changes, millisOf(now))),
    remove: (id) =>
      write("WebhookEndpoints.remove", ({ run }) => run("delete from webhook_endpoints where id = ?", id) > 0),
    rotateSecret: (id, secret) =>
      write("WebhookEndpoints.rotateSecret", (tables, at) => {
        const now = millisOf(at)
        tables.run(ROTATE, secret, now + PREVIOUS_SECRET_VALID_MS, now, id)
        return find(tables, id)
      }),
    deliveries: (id, page) =>
      read("WebhookEndpoints.deliveries", ({ all }, now) => {
        const { sql, values } = pageClause("at", "id", page)
        const rows = all<DeliveryRow>(`select * from webhook_deliveries where endpoint_id = ? ${sql}`, id, ...values)
        return pageOf(page, now, rows, ({ at, id }) => ({ at: dateOf(at), id }))
      }).pipe(Effect.map((found) => ({ ...found, items: found.items.map(deliveryOf) })))
  })
)
