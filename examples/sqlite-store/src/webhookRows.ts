/** Rows of the webhook endpoints, as the domain has them. */
import type {
  BroadcasterId,
  DisabledReason,
  EncryptedSecret,
  EventId,
  LeasedEndpoint,
  WebhookDelivery,
  WebhookEndpoint,
  WebhookEndpointId,
  WebhookTypes,
  WebhookUrl
} from "@greenroom/core"
import { dateOf, maybeDateOf } from "./page.ts"
import type { Tables } from "./Sqlite.ts"

export interface EndpointRow {
  readonly id: string
  readonly url: string
  readonly types: string | null
  readonly broadcaster_id: string | null
  readonly description: string | null
  readonly enabled: number
  readonly disabled_reason: string | null
  readonly secret: Uint8Array
  readonly previous_secret: Uint8Array | null
  readonly previous_until: number | null
  readonly position: number
  readonly failing_since: number | null
  readonly stop_attempt: number | null
  readonly next_attempt_at: number | null
  readonly revision: number
  readonly generation: number
  readonly leases: number
  readonly holder: string | null
  readonly lease_until: number
  readonly created_at: number
  readonly updated_at: number
}

export const findEndpoint = ({ one }: Tables, id: WebhookEndpointId): EndpointRow | null =>
  one<EndpointRow>("select * from webhook_endpoints where id = ?", id)

export const endpointOf = (row: EndpointRow): WebhookEndpoint => ({
  id: row.id as WebhookEndpointId,
  url: row.url as WebhookUrl,
  types: row.types === null ? null : (JSON.parse(row.types) as WebhookTypes),
  broadcasterId: row.broadcaster_id as BroadcasterId | null,
  description: row.description,
  enabled: row.enabled === 1,
  disabledReason: row.disabled_reason as DisabledReason | null,
  position: row.position,
  failingSince: maybeDateOf(row.failing_since),
  nextAttemptAt: maybeDateOf(row.next_attempt_at),
  createdAt: dateOf(row.created_at),
  updatedAt: dateOf(row.updated_at)
})

export const secretsOf = (row: EndpointRow, now: number): ReadonlyArray<EncryptedSecret> =>
  row.previous_secret !== null && row.previous_until! > now ? [row.secret, row.previous_secret] : [row.secret]

export const leasedOf = (row: EndpointRow, now: number): LeasedEndpoint => ({
  endpoint: endpointOf(row),
  revision: row.revision,
  generation: row.generation,
  lease: row.leases,
  secrets: secretsOf(row, now),
  stop: row.stop_attempt === null ? null : { attempt: row.stop_attempt, dueInMillis: row.next_attempt_at! - now },
  failingForMillis: row.failing_since === null ? null : now - row.failing_since
})

export interface DeliveryRow {
  readonly id: string
  readonly event_id: string
  readonly type: string
  readonly position: number
  readonly subject: string
  readonly attempt: number
  readonly outcome: string
  readonly response_status: number | null
  readonly duration_ms: number
  readonly next_attempt_at: number | null
  readonly answer: string
  readonly at: number
}

export const deliveryOf = (row: DeliveryRow): WebhookDelivery => ({
  id: row.id,
  eventId: row.event_id as EventId,
  type: row.type as WebhookDelivery["type"],
  position: row.position,
  subject: row.subject,
  attempt: row.attempt,
  outcome: row.outcome as WebhookDelivery["outcome"],
  responseStatus: row.response_status,
  durationMillis: row.duration_ms,
  nextAttemptAt: maybeDateOf(row.next_attempt_at),
  answer: row.answer,
  at: dateOf(row.at)
})
