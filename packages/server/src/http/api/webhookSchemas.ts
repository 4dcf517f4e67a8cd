/** Webhook endpoints, their deliveries, and the bodies that make and change them, as the API has them. */
import {
  BroadcasterId,
  CURSOR_PATTERN,
  deliveryOutcomes,
  disabledReasons,
  EventId,
  EventType,
  eventTypes,
  readCursor,
  Timestamp,
  WebhookDescription,
  WebhookEndpointId,
  type WebhookTypes,
  WebhookUrl,
  writeCursor
} from "@greenroom/core"
import { Option, Schema, SchemaTransformation } from "effect"
import { Count, exampleIds, named, nullable, pageOf, wire } from "./wire.ts"

const exampleEndpointId = "5b1c0c1a-7f0e-4d6e-8a1f-2f8f6f0f9c33"
const exampleEventId = "evt_4711_9f86d081884c7d65"
const exampleCursor = "9f86d081884c7d65-4711"

const TYPES_EXPECTED = `Expected 1 to ${eventTypes.length} types, or null for all`

const Types = nullable(
  Schema.Array(EventType).check(
    Schema.makeFilter((types) => (types.length >= 1 && types.length <= eventTypes.length) || TYPES_EXPECTED, {
      toJsonSchema: () => ({ minItems: 1, maxItems: eventTypes.length })
    })
  ) as unknown as Schema.Codec<WebhookTypes, ReadonlyArray<string>>
).annotate({ description: "Only events of these types; `null`: of all" })

const endpointFields = {
  id: WebhookEndpointId,
  url: Schema.String,
  types: nullable(Schema.Array(EventType)).annotate({ description: "The types of events that it gets; `null`: all" }),
  broadcasterId: nullable(BroadcasterId).annotate({
    description: "Whose events it gets; `null`: of every broadcaster, and those of none"
  }),
  description: nullable(Schema.String),
  enabled: Schema.Boolean,
  disabledReason: nullable(Schema.Literals(disabledReasons)).annotate({
    description: "Why Greenroom disabled it. `gone`: it answered 410. `failing`: it had no success for five days"
  }),
  position: Count.annotate({
    description: "Every event of the log up to this position is delivered, held back, given up, or not wanted"
  }),
  failingSince: nullable(Timestamp).annotate({ description: "The first failure after the last success" }),
  nextAttemptAt: nullable(Timestamp).annotate({
    description: "While deliveries to it are stopped as a whole: when the next attempt is made"
  }),
  createdAt: Timestamp,
  updatedAt: Timestamp
}

export const webhookEndpointExample = {
  id: exampleEndpointId,
  url: "https://app.example.com/hooks/greenroom",
  types: ["stream.active", "stream.ended"],
  broadcaster_id: null,
  description: "The backend of the app",
  enabled: true,
  disabled_reason: null,
  position: 4711,
  failing_since: null,
  next_attempt_at: null,
  created_at: "2026-11-21T01:30:00.000Z",
  updated_at: "2026-11-21T01:30:00.000Z"
}

export const WebhookEndpoint = wire(endpointFields, named("WebhookEndpoint", webhookEndpointExample))

/** Not base64 of anything, so that it is never taken for a secret. */
export const webhookSecretExample = "whsec_EXAMPLE-EXAMPLE-EXAMPLE-EXAMPLE-EXAMPLE="

export const WebhookEndpointWithSecret = wire(
  {
    ...endpointFields,
    secret: Schema.String.annotate({
      description: "What requests are signed with: shown this once. It is kept encrypted"
    })
  },
  named("WebhookEndpointWithSecret", { ...webhookEndpointExample, secret: webhookSecretExample })
)

export const NewWebhookEndpoint = wire(
  {
    url: WebhookUrl,
    types: Schema.optionalKey(Types),
    broadcasterId: Schema.optionalKey(nullable(BroadcasterId)),
    description: Schema.optionalKey(nullable(WebhookDescription)),
    enabled: Schema.optionalKey(Schema.Boolean)
  },
  named("NewWebhookEndpoint", {
    url: webhookEndpointExample.url,
    types: webhookEndpointExample.types,
    description: webhookEndpointExample.description
  })
)

const PLACE_EXPECTED = "Expected a position (a whole number, 0 or more) or a cursor of the event log"

const isPlace = (given: string | number): boolean =>
  typeof given === "number" ? Number.isSafeInteger(given) && given >= 0 : Option.isSome(readCursor(given))

export interface Place {
  /** `null`: of the log as it is. */
  readonly log: string | null
  readonly position: number
}
const isPlaceValue = Schema.declare((value: unknown): value is Place => typeof value === "object" && value !== null)

const placeOf = (given: string | number): Place =>
  typeof given === "number" ? { log: null, position: given } : Option.getOrThrow(readCursor(given))

const placeOnWire = ({ log, position }: Place): string | number =>
  log === null ? position : writeCursor({ log, position })

/** A place in the event log: a position, or a cursor. */
const LogStart = Schema.Union([Schema.Finite, Schema.String])
  .annotate({ message: PLACE_EXPECTED, description: "A position of the event log, or a cursor of it" })
  .check(
    Schema.makeFilter((given) => isPlace(given) || PLACE_EXPECTED, {
      toJsonSchema: () => ({ minimum: 0, pattern: CURSOR_PATTERN })
    })
  )
  .pipe(Schema.decodeTo(isPlaceValue, SchemaTransformation.transform({ decode: placeOf, encode: placeOnWire })))

/** The same as an argument of the command line. */
export const LogStartText = Schema.String.check(
  Schema.makeFilter(
    (text) => text === "now" || isPlace(/^\d{1,16}$/.test(text) ? Number(text) : text) || `${PLACE_EXPECTED}, or now`
  )
).pipe(
  Schema.decodeTo(
    Schema.Union([Schema.Literal("now"), isPlaceValue]),
    SchemaTransformation.transform({
      decode: (text: string) => (text === "now" ? text : placeOf(/^\d+$/.test(text) ? Number(text) : text)),
      encode: (given: "now" | Place) => (given === "now" ? given : String(placeOnWire(given)))
    })
  )
)

export const WebhookEndpointChanges = wire(
  {
    url: Schema.optionalKey(WebhookUrl),
    types: Schema.optionalKey(Types),
    broadcasterId: Schema.optionalKey(nullable(BroadcasterId)),
    description: Schema.optionalKey(nullable(WebhookDescription)),
    enabled: Schema.optionalKey(Schema.Boolean),
    from: Schema.optionalKey(
      Schema.Union([Schema.Literal("now"), LogStart]).annotate({
        message: `${PLACE_EXPECTED}, or "now"`,
        description:
          "Together with `enabled: true`: where it goes on. `now`, a position or a cursor; left out, where it stopped"
      })
    )
  },
  named("WebhookEndpointChanges", { enabled: true, from: "now" }, "What is left out stays as it is; `null` clears")
)

export const WebhookEndpointPage = pageOf(
  "webhook_endpoints",
  WebhookEndpoint,
  named("WebhookEndpointPage", { webhook_endpoints: [webhookEndpointExample], count: 1, next_cursor: null }),
  {}
)

const deliveryFields = {
  id: Schema.String,
  eventId: Schema.String.annotate({ description: "The event's id, the same in each attempt: `webhook-id`" }),
  type: EventType,
  position: Count,
  subject: Schema.String.annotate({ description: "Its events are delivered in order: `stream:<id>`, `key:<id>`, …" }),
  attempt: Count.annotate({ description: "Of this event: 1 for the first" }),
  outcome: Schema.Literals(deliveryOutcomes).annotate({
    description: "`delivered`; `retrying`: another attempt follows; `failed`: none does"
  }),
  responseStatus: nullable(Schema.Int).annotate({ description: "`null`: there was no answer" }),
  durationMillis: Schema.Finite,
  nextAttemptAt: nullable(Timestamp),
  answer: Schema.String.annotate({ description: "The first KiB of the answer, or why there was none" }),
  at: Timestamp
}

export const deliveryExample = {
  id: "d3a1b7f2-0c55-4b0e-9a3b-6f1e2d4c5b6a",
  event_id: exampleEventId,
  type: "stream.active",
  position: 4711,
  subject: `stream:${exampleIds.stream}`,
  attempt: 1,
  outcome: "retrying",
  response_status: 503,
  duration_millis: 84,
  next_attempt_at: "2026-11-21T01:33:21.800Z",
  answer: "Service Unavailable",
  at: "2026-11-21T01:33:16.786Z"
}

export const WebhookDelivery = wire(deliveryFields, named("WebhookDelivery", deliveryExample))

export const WebhookDeliveryPage = pageOf(
  "deliveries",
  WebhookDelivery,
  named("WebhookDeliveryPage", { deliveries: [deliveryExample], count: 1, next_cursor: null })
)

const sentFields = {
  eventId: Schema.String.annotate({ description: "The `webhook-id` of the request" }),
  delivered: Schema.Boolean.annotate({ description: "Whether the answer had a status from 200 to 299" }),
  responseStatus: nullable(Schema.Int).annotate({ description: "`null`: there was no answer" }),
  durationMillis: Schema.Finite,
  answer: Schema.String.annotate({ description: "The first KiB of the answer, or why there was none" })
}
const sentExample = {
  event_id: exampleEventId,
  delivered: false,
  response_status: null,
  duration_millis: 3,
  answer: "refused: No connection could be opened (ECONNREFUSED)"
}

export const SentWebhook = wire(sentFields, named("SentWebhook", sentExample, "What became of one request"))

const GivenEventId = Schema.String.annotate({ examples: [exampleEventId] })
  .check(Schema.isPattern(/^evt_[0-9a-z_]{1,80}$/, { message: "Expected the id of an event" }))
  .pipe(Schema.decodeTo(EventId))

export const NewRedelivery = wire(
  { eventId: Schema.optionalKey(GivenEventId), after: Schema.optionalKey(LogStart) },
  named("NewRedelivery", { after: exampleCursor }, "Either `event_id` or `after`")
)

export const RedeliveryReport = wire(
  {
    delivered: Count.annotate({ description: "How many events were delivered" }),
    failed: nullable(SentWebhook).annotate({
      description: "The event that was not delivered: nothing was sent after it"
    }),
    next: nullable(Schema.String).annotate({
      description: "The cursor to go on `after`; `null` when nothing is left before the endpoint's own position"
    })
  },
  named("RedeliveryReport", { delivered: 100, failed: null, next: exampleCursor })
)
