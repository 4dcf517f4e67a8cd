/**
 * A webhook endpoint: a URL that gets events as signed POST requests, by the Standard Webhooks specification (version 1). The endpoint has a
 * position in the event log; its secrets are kept apart, encrypted.
 */
import { type DateTime, Schema } from "effect"
import type { LogPosition } from "../events/EventCursor.ts"
import type { EventFilter, EventType } from "../events/LoggedEvent.ts"
import type { BroadcasterId, WebhookEndpointId } from "../values/Ids.ts"
import { linesOf } from "../values/PlainText.ts"

export const WEBHOOK_ENDPOINTS_MAX = 100
export const WEBHOOK_URL_MAX_LENGTH = 2_048
/** How long the previous secret signs beside the new one. */
export const PREVIOUS_SECRET_VALID_MS = 86_400_000

const faultOf = (text: string): string | undefined => {
  if (text.length > WEBHOOK_URL_MAX_LENGTH) return `Expected at most ${WEBHOOK_URL_MAX_LENGTH} characters`
  if (/[^\x21-\x7e]/.test(text)) return "Expected a URL in ASCII without spaces: percent-encode other characters"
  if (!/^https?:\/\//i.test(text)) return "Expected a URL that begins with https:// or http://"
  const url = URL.parse(text)
  if (url === null) return "Expected a URL, such as https://example.com/hooks"
  if (url.username !== "" || url.password !== "" || /^[^/?#]*@/.test(text.replace(/^https?:\/\//i, "")))
    return "Expected a URL without a user name and a password"
  return text.includes("#") ? "Expected a URL without a fragment" : undefined
}

/** As it was given: nothing is normalized. Whether its host may be called is decided when it is called. */
export const WebhookUrl = Schema.String.annotate({
  description: "http or https, without credentials and without a fragment",
  examples: ["https://example.com/hooks"]
})
  .check(Schema.makeFilter(faultOf, { toJsonSchema: () => ({ format: "uri", maxLength: WEBHOOK_URL_MAX_LENGTH }) }))
  .pipe(Schema.brand("WebhookUrl"))
export type WebhookUrl = typeof WebhookUrl.Type

/** Scheme and host of a URL, for those to whom it does not belong: its path and its query may have a secret of its receiver. */
export const webhookOrigin = (url: string): string => URL.parse(url)?.origin ?? ""

export const WebhookDescription = linesOf(500).annotate({ description: "What the endpoint is for" })

/** Why an endpoint was disabled by Greenroom: it answered 410, or it had no success for five days. */
export const disabledReasons = ["gone", "failing"] as const
export type DisabledReason = (typeof disabledReasons)[number]

export type WebhookTypes = readonly [EventType, ...ReadonlyArray<EventType>]

export interface WebhookEndpoint {
  readonly id: WebhookEndpointId
  readonly url: WebhookUrl
  /** `null`: all types. */
  readonly types: WebhookTypes | null
  /** `null`: events of every broadcaster, and of none. */
  readonly broadcasterId: BroadcasterId | null
  readonly description: string | null
  readonly enabled: boolean
  /** `null` while it is enabled, and when an operator disabled it. */
  readonly disabledReason: DisabledReason | null
  /** Every event up to here is delivered, held, failed, or not wanted. */
  readonly position: LogPosition
  /** The first failure since the last success. */
  readonly failingSince: DateTime.Utc | null
  /** While the whole endpoint is stopped: when the next attempt is made. */
  readonly nextAttemptAt: DateTime.Utc | null
  readonly createdAt: DateTime.Utc
  readonly updatedAt: DateTime.Utc
}

/** Which events the endpoint gets. */
export const filterOf = ({ types, broadcasterId }: Pick<WebhookEndpoint, "types" | "broadcasterId">): EventFilter => ({
  ...(types === null ? {} : { types }),
  ...(broadcasterId === null ? {} : { broadcasterId })
})
