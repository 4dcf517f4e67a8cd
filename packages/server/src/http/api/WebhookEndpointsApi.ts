/** Webhook endpoints: URLs that get events as signed requests. A secret leaves the service once, in the answer that makes it. */
import {
  PREVIOUS_SECRET_VALID_MS,
  REDELIVERED_AT_MOST,
  WEBHOOK_ENDPOINTS_MAX,
  WebhookEndpointId
} from "@greenroom/core"
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import { ApiKey } from "./ApiKey.ts"
import { pageQuery } from "./Cursor.ts"
import { needs } from "./OperationAccess.ts"
import { onBody, onInput, onList, problems } from "./problemSchemas.ts"
import {
  NewRedelivery,
  NewWebhookEndpoint,
  RedeliveryReport,
  SentWebhook,
  WebhookDeliveryPage,
  WebhookEndpoint,
  WebhookEndpointChanges,
  WebhookEndpointPage,
  WebhookEndpointWithSecret
} from "./webhookSchemas.ts"
import { summary, wire } from "./wire.ts"

const params = { id: WebhookEndpointId }
const noStore = { "cache-control": Schema.String }
const HOURS = PREVIOUS_SECRET_VALID_MS / 3_600_000

export class WebhookEndpointsApi extends HttpApiGroup.make("webhook_endpoints")
  .add(
    HttpApiEndpoint.post("create", "/webhook-endpoints", {
      payload: NewWebhookEndpoint,
      success: HttpApiSchema.WithHeaders(WebhookEndpointWithSecret.pipe(HttpApiSchema.status(201)), {
        location: Schema.String,
        ...noStore
      }),
      error: problems("conflict", ...onBody)
    })
      .annotateMerge(needs("webhooks:write", "webhook_endpoint.create"))
      .annotateMerge(
        summary(
          "Create a webhook endpoint",
          `It gets the events from now on, as signed POST requests (Standard Webhooks, version 1). The only answer that holds its \`secret\`, until that is rotated. A conflict when there are ${WEBHOOK_ENDPOINTS_MAX} endpoints, and when the service has no key to encrypt the secret with (ENCRYPTION_KEY).`
        )
      ),
    HttpApiEndpoint.get("list", "/webhook-endpoints", {
      success: WebhookEndpointPage,
      error: problems(...onList)
    })
      .annotateMerge(needs("webhooks:read"))
      .annotateMerge(summary("List webhook endpoints", "All of them, oldest first, without their secrets.")),
    HttpApiEndpoint.get("get", "/webhook-endpoints/:id", {
      params,
      success: WebhookEndpoint,
      error: problems("not-found", ...onInput)
    })
      .annotateMerge(needs("webhooks:read"))
      .annotateMerge(summary("Get a webhook endpoint")),
    HttpApiEndpoint.patch("change", "/webhook-endpoints/:id", {
      params,
      payload: WebhookEndpointChanges,
      success: WebhookEndpoint,
      error: problems("not-found", ...onBody)
    })
      .annotateMerge(needs("webhooks:write", "webhook_endpoint.change"))
      .annotateMerge(
        summary(
          "Change a webhook endpoint",
          "`enabled: true` lets deliveries go on where they stopped, or `from` another place: `now`, a position, a cursor. A place whose events are not kept any more, or that the log has not reached, is a validation error."
        )
      ),
    HttpApiEndpoint.delete("remove", "/webhook-endpoints/:id", {
      params,
      success: HttpApiSchema.NoContent,
      error: problems("not-found", ...onInput)
    })
      .annotateMerge(needs("webhooks:write", "webhook_endpoint.delete"))
      .annotateMerge(summary("Delete a webhook endpoint", "A request that is open may still arrive.")),
    HttpApiEndpoint.post("rotateSecret", "/webhook-endpoints/:id/rotate-secret", {
      params,
      success: HttpApiSchema.WithHeaders(WebhookEndpointWithSecret, noStore),
      error: problems("not-found", "conflict", ...onInput)
    })
      .annotateMerge(needs("webhooks:write", "webhook_endpoint.rotate_secret"))
      .annotateMerge(
        summary(
          "Rotate a webhook endpoint's secret",
          `The answer holds the new secret. For ${HOURS} hours requests are signed with both, so that the receiver can change over.`
        )
      ),
    HttpApiEndpoint.get("deliveries", "/webhook-endpoints/:id/deliveries", {
      params,
      query: wire(pageQuery),
      success: WebhookDeliveryPage,
      error: problems("not-found", ...onList)
    })
      .annotateMerge(needs("webhooks:read"))
      .annotateMerge(
        summary(
          "List a webhook endpoint's deliveries",
          "Newest first: the newest 200 successes and 1,000 other attempts."
        )
      ),
    HttpApiEndpoint.post("test", "/webhook-endpoints/:id/test", {
      params,
      success: SentWebhook,
      error: problems("not-found", "conflict", ...onInput)
    })
      .annotateMerge(needs("webhooks:write", "webhook_endpoint.test"))
      .annotateMerge(
        summary(
          "Test a webhook endpoint",
          "Sends an event of type `test` at once, whether or not the endpoint is enabled, and answers what the receiver answered. It is not recorded. A conflict when the secret cannot be decrypted."
        )
      ),
    HttpApiEndpoint.post("redeliver", "/webhook-endpoints/:id/redeliver", {
      params,
      payload: NewRedelivery,
      success: RedeliveryReport,
      error: problems("not-found", "conflict", ...onBody)
    })
      .annotateMerge(needs("webhooks:write", "webhook_endpoint.redeliver"))
      .annotateMerge(
        summary(
          "Send events again",
          `Outside the order, with the same \`webhook-id\`: one event whose delivery is on record (\`event_id\`), or the wanted ones after a place in the log (\`after\`) up to the endpoint's own position. One call sends ${REDELIVERED_AT_MOST} events at most, one after the other, for about 15 seconds, and ends with the first that is not delivered; \`next\` is where the next call goes on.`
        )
      )
  )
  .middleware(ApiKey)
  .annotateMerge(
    OpenApi.annotations({ title: "Webhook endpoints", description: "URLs that get events as signed requests." })
  ) {}
