/**
 * Identifiers: lower-case UUIDs, branded by what they name. PostgreSQL prints UUIDs in lower case, so that is the one
 * canonical form; upper case from outside is folded when it is decoded.
 */
import { Schema, SchemaTransformation } from "effect"

const Uuid = Schema.String.annotate({ format: "uuid", examples: ["0192e4a7-3f5e-7c1c-9d2a-5f0a3a1c7b11"] })
  .pipe(Schema.decode(SchemaTransformation.toLowerCase()))
  .check(
    Schema.isPattern(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/, { message: "Expected a UUID" })
  )

export const BroadcasterId = Uuid.pipe(Schema.brand("BroadcasterId"))
export type BroadcasterId = typeof BroadcasterId.Type
export const StreamKeyId = Uuid.pipe(Schema.brand("StreamKeyId"))
export type StreamKeyId = typeof StreamKeyId.Type
export const StreamId = Uuid.pipe(Schema.brand("StreamId"))
export type StreamId = typeof StreamId.Type
export const WebhookEndpointId = Uuid.pipe(Schema.brand("WebhookEndpointId"))
export type WebhookEndpointId = typeof WebhookEndpointId.Type
export const ApiTokenId = Uuid.pipe(Schema.brand("ApiTokenId"))
export type ApiTokenId = typeof ApiTokenId.Type
export const AuditEntryId = Uuid.pipe(Schema.brand("AuditEntryId"))
export type AuditEntryId = typeof AuditEntryId.Type
export const DecisionId = Uuid.pipe(Schema.brand("DecisionId"))
export type DecisionId = typeof DecisionId.Type
