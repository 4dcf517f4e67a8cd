/** Rows of the webhook endpoints, their held subjects and their deliveries. */
import {
  deliveryOutcomes,
  disabledReasons,
  type EventId,
  EventType,
  type HeldSubject,
  type LeasedEndpoint,
  type WebhookDelivery,
  type WebhookEndpoint,
  WebhookEndpointId,
  type WebhookTypes,
  type WebhookUrl
} from "@greenroom/core"
import { Schema } from "effect"
import { At, MaybeAt, MaybeText, WholeNumber } from "./rows.ts"

const Bytes = Schema.Uint8Array

export const EndpointRow = Schema.Struct({
  id: WebhookEndpointId,
  url: Schema.String,
  types: Schema.NullOr(Schema.Array(EventType)),
  broadcaster_id: MaybeText,
  description: MaybeText,
  enabled: Schema.Boolean,
  disabled_reason: Schema.NullOr(Schema.Literals(disabledReasons)),
  position: WholeNumber,
  failing_since: MaybeAt,
  next_attempt_at: MaybeAt,
  created_at: At,
  updated_at: At
})

export const endpointColumns = `e.id, e.url, e.types, e.broadcaster_id, e.description, e.enabled, e.disabled_reason, e.position,
  e.failing_since, e.next_attempt_at, e.created_at, e.updated_at`

/** Was checked when it was written. */
export const endpointOf = (row: typeof EndpointRow.Type): WebhookEndpoint => ({
  id: row.id,
  url: row.url as WebhookUrl,
  types: row.types as WebhookTypes | null,
  broadcasterId: row.broadcaster_id as WebhookEndpoint["broadcasterId"],
  description: row.description,
  enabled: row.enabled,
  disabledReason: row.disabled_reason,
  position: row.position,
  failingSince: row.failing_since,
  nextAttemptAt: row.next_attempt_at,
  createdAt: row.created_at,
  updatedAt: row.updated_at
})

export const SecretsRow = Schema.Struct({ secret: Bytes, previous_secret: Schema.NullOr(Bytes) })

export const secretColumns = `e.secret, case when e.previous_until > clock_timestamp() then e.previous_secret end as previous_secret`

export const secretsOf = ({ secret, previous_secret }: typeof SecretsRow.Type) =>
  previous_secret === null ? [secret] : [secret, previous_secret]

export const LeasedRow = Schema.Struct({
  ...EndpointRow.fields,
  ...SecretsRow.fields,
  revision: Schema.Int,
  generation: Schema.Int,
  leases: WholeNumber,
  stop_attempt: Schema.NullOr(Schema.Int),
  due_in: Schema.NullOr(Schema.Finite),
  failing_for: Schema.NullOr(Schema.Finite)
})

/** Durations are in milliseconds. */
export const leasedColumns = `${endpointColumns}, ${secretColumns}, e.revision, e.generation, e.leases, e.stop_attempt,
  (extract(epoch from e.next_attempt_at - clock_timestamp()) * 1000)::float8 as due_in,
  (extract(epoch from clock_timestamp() - e.failing_since) * 1000)::float8 as failing_for`

export const leasedOf = (row: typeof LeasedRow.Type): LeasedEndpoint => ({
  endpoint: endpointOf(row),
  revision: row.revision,
  generation: row.generation,
  lease: row.leases,
  secrets: secretsOf(row),
  stop:
    row.stop_attempt === null || row.due_in === null ? null : { attempt: row.stop_attempt, dueInMillis: row.due_in },
  failingForMillis: row.failing_for
})

export const HeldRow = Schema.Struct({
  subject: Schema.String,
  position: WholeNumber,
  attempt: Schema.Int,
  due_in: Schema.Finite
})

export const heldOf = ({ due_in, ...row }: typeof HeldRow.Type): HeldSubject => ({ ...row, dueInMillis: due_in })

export const DeliveryRow = Schema.Struct({
  id: Schema.String,
  event_id: Schema.String,
  type: EventType,
  position: WholeNumber,
  subject: Schema.String,
  attempt: Schema.Int,
  outcome: Schema.Literals(deliveryOutcomes),
  response_status: Schema.NullOr(Schema.Int),
  duration_ms: Schema.Finite,
  next_attempt_at: MaybeAt,
  answer: Schema.String,
  at: At
})

export const deliveryOf = (row: typeof DeliveryRow.Type): WebhookDelivery => ({
  id: row.id,
  eventId: row.event_id as EventId,
  type: row.type,
  position: row.position,
  subject: row.subject,
  attempt: row.attempt,
  outcome: row.outcome,
  responseStatus: row.response_status,
  durationMillis: row.duration_ms,
  nextAttemptAt: row.next_attempt_at,
  answer: row.answer,
  at: row.at
})
