/** The requests that Greenroom makes to webhook endpoints, for the `webhooks` section of the document: every type of event in one. */
import { eventExample } from "../api/eventSchemas.ts"
import type { Json } from "./OpenApiDocument.ts"

const header = (name: string, description: string): Json => ({
  name,
  in: "header",
  required: true,
  description,
  schema: { type: "string" }
})

export const describeWebhooks = (spec: Json): void => {
  spec.webhooks = {
    event: {
      post: {
        operationId: "webhooks.event",
        summary: "An event",
        description:
          "Sent to each webhook endpoint that wants its type, signed by the Standard Webhooks specification. Events of one subject come in their order. A request that was not answered in time comes again with the same `webhook-id`.",
        tags: ["Events"],
        security: [],
        parameters: [
          header("webhook-id", "The event's `id`: the same at each attempt"),
          header("webhook-timestamp", "When the request was signed, in seconds since 1970"),
          header("webhook-signature", "`v1,` and a signature (HMAC-SHA256, base64); several are separated by a space")
        ],
        requestBody: {
          required: true,
          content: {
            "application/json": { schema: { $ref: "#/components/schemas/Event" }, example: eventExample }
          }
        },
        responses: {
          "2XX": { description: "The event was taken" },
          "410": { description: "The endpoint is gone: it is disabled and gets no more events" }
        }
      }
    }
  }
}
