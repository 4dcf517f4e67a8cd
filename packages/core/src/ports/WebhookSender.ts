/**
 * One signed HTTP request to the URL of a webhook's receiver (Standard Webhooks, version 1). Laws:
 * - `send` never fails and ends within 15 s: what the receiver did is a value;
 * - one request is written at most. No redirect is followed and nothing is repeated;
 * - the headers are `webhook-id`, `webhook-timestamp` and `webhook-signature`, which has one signature for each secret;
 * - a URL that leads to a private place gets no byte, unless the configuration allows it. The detail of an outcome has no secret in it.
 */
import { Context, type Effect, type Redacted } from "effect"
import type { SendOutcome } from "../domain/webhooks/SendOutcome.ts"

export interface WebhookRequest {
  readonly url: string
  /** `webhook-id`: the event's id, the same in each attempt. */
  readonly id: string
  /** Seconds since 1970, whole. */
  readonly timestamp: number
  /** JSON. It is signed and sent byte for byte. */
  readonly body: string
  /** `whsec_` and base64. Never empty; two while a rotation lasts. */
  readonly secrets: ReadonlyArray<Redacted.Redacted<string>>
}

export class WebhookSender extends Context.Service<
  WebhookSender,
  {
    readonly send: (request: WebhookRequest) => Effect.Effect<SendOutcome>
    /** A new secret to sign with: `whsec_` and 32 random bytes in base64. */
    readonly newSecret: Effect.Effect<Redacted.Redacted<string>>
  }
>()("greenroom/WebhookSender") {}
