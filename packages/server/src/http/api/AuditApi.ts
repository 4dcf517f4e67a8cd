/** The audit log: who did what, from where, and how it ended. */
import {
  ApiTokenId,
  AuditEntryId,
  AuditText,
  actorTypes,
  auditActions,
  auditOutcomes,
  BroadcasterId,
  ClaimedAction,
  ClaimedActor,
  Timestamp
} from "@greenroom/core"
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import { ApiKey } from "./ApiKey.ts"
import { pageQuery } from "./Cursor.ts"
import { MetadataInput } from "./Input.ts"
import { needs } from "./OperationAccess.ts"
import { onBody, onList, problems } from "./problemSchemas.ts"
import { exampleIds, named, nullable, pageOf, summary, wire } from "./wire.ts"

const Image = Schema.NullOr(Schema.Record(Schema.String, Schema.Unknown))

const example = {
  id: "00000000-0000-4000-8000-0000000004d2",
  at: "2026-11-21T01:30:00.000Z",
  actor: { type: "token", token_id: "5d7f6f0e-3b0c-4b44-8a50-3f0c8f2f7a11", name: "dashboard" },
  claimed_actor: null,
  action: "stream_key.revoke",
  resource_type: "stream_key",
  resource_id: exampleIds.key,
  broadcaster_id: exampleIds.broadcaster,
  before: { id: exampleIds.key, label: "Main camera", revoked_at: null },
  after: { id: exampleIds.key, label: "Main camera", revoked_at: "2026-11-21T01:30:00.000Z" },
  details: null,
  outcome: "succeeded",
  reason: null,
  address: "192.0.2.7",
  user_agent: "curl/8.5.0",
  request_id: "f3b1d6a4-2f0e-4b7a-9a51-7b0d3a1c2e44"
}

export const AuditEntry = wire(
  {
    id: AuditEntryId,
    at: Timestamp,
    actor: Schema.Struct({
      type: Schema.Literals(actorTypes),
      token_id: nullable(ApiTokenId),
      name: nullable(Schema.String)
    }).annotate({ description: "The credential that was sent; `unknown`: none, or one that was refused" }),
    claimedActor: nullable(Schema.String).annotate({ description: "Whom a frontend names as the one who acted" }),
    action: Schema.String.annotate({ description: `One of ${auditActions.join(", ")}, or a frontend's own` }),
    resourceType: Schema.String,
    resourceId: nullable(Schema.String),
    broadcasterId: nullable(BroadcasterId),
    before: Image.annotate({ description: "The resource before the change, without secrets" }),
    after: Image.annotate({ description: "The resource after the change, without secrets" }),
    details: Image.annotate({ description: "What a frontend sent with its event" }),
    outcome: Schema.Literals(auditOutcomes),
    reason: nullable(Schema.String).annotate({ description: "The `code` of the problem that was answered" }),
    address: nullable(Schema.String),
    userAgent: nullable(Schema.String),
    requestId: nullable(Schema.String).annotate({ description: "The X-Request-ID of the answer" })
  },
  named("AuditEntry", example)
)

export const AuditPage = pageOf(
  "audit_logs",
  AuditEntry,
  named("AuditPage", { audit_logs: [example], count: 1, next_cursor: null })
)

export const auditFormats = ["json", "csv", "ndjson"] as const

const text = (description: string) => Schema.optionalKey(AuditText.annotate({ description }))
export const AuditQuery = wire({
  actor: text("The actor's type, a token's id or name, or a claimed actor"),
  action: text("Such as stream_key.revoke; several, separated by commas"),
  resourceType: text("Such as stream_key"),
  resourceId: text("The id of the resource"),
  outcome: Schema.optionalKey(Schema.Literals(auditOutcomes).annotate({ description: "How it ended" })),
  from: Schema.optionalKey(Timestamp),
  to: Schema.optionalKey(Timestamp),
  format: Schema.optionalKey(
    Schema.Literals(auditFormats).annotate({
      description: "`csv` and `ndjson` are exports: every entry that matches, as one answer without an end of pages"
    })
  ),
  ...pageQuery
})

export const NewAuditEvent = wire(
  {
    action: ClaimedAction,
    actor: ClaimedActor.annotate({ description: "Who acted, as the frontend knows them" }),
    resourceId: Schema.optionalKey(nullable(AuditText)),
    broadcasterId: Schema.optionalKey(nullable(BroadcasterId)),
    outcome: Schema.optionalKey(Schema.Literals(auditOutcomes).annotate({ description: "`succeeded` unless given" })),
    details: Schema.optionalKey(MetadataInput)
  },
  named("NewAuditEvent", { action: "user.login", actor: "ada@example.com", details: { method: "sso" } })
)

export class AuditApi extends HttpApiGroup.make("audit")
  .add(
    HttpApiEndpoint.get("list", "/audit-logs", {
      query: AuditQuery,
      success: AuditPage,
      error: problems(...onList)
    })
      .annotateMerge(needs("audit:read"))
      .annotateMerge(
        summary(
          "List the audit log",
          "Newest first: every change through this API and the command line, whether it succeeded, was refused or failed, and refused credentials. Entries are never changed; they are pruned after `AUDIT_KEEP` days. `format=csv` and `format=ndjson` export all that match."
        )
      ),
    HttpApiEndpoint.post("record", "/audit-events", {
      payload: NewAuditEvent,
      success: HttpApiSchema.NoContent,
      error: problems(...onBody)
    })
      .annotateMerge(needs("audit:write", "audit_event.record"))
      .annotateMerge(
        summary(
          "Record an audit event",
          "For what only a frontend knows, such as a login. `actor` is kept as `claimed_actor`, apart from the credential that sent it. The action is two words joined by a dot."
        )
      )
  )
  .middleware(ApiKey)
  .annotateMerge(OpenApi.annotations({ title: "Audit", description: "Who did what." })) {}
