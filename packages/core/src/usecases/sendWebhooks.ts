/**
 * What an operator sends to an endpoint, outside the order: a test, and events again. Also to a disabled endpoint, so that a receiver can be
 * checked before it is enabled. Nothing is repeated, and the endpoint's own deliveries do not change.
 */
import { Clock, Effect, Option, type Redacted, Schema } from "effect"
import { EventId, type LogHead, type LogPosition, whyLost, writeCursor } from "../domain/events/EventCursor.ts"
import type { EventFilter, LoggedEvent } from "../domain/events/LoggedEvent.ts"
import { WebhookEndpointId } from "../domain/values/Ids.ts"
import { deliveryOf } from "../domain/webhooks/deliveryOf.ts"
import { judge, type SendOutcome } from "../domain/webhooks/SendOutcome.ts"
import { filterOf, type WebhookEndpoint } from "../domain/webhooks/WebhookEndpoint.ts"
import { Events } from "../ports/Events.ts"
import { KeyGenerator } from "../ports/KeyGenerator.ts"
import type { Position } from "../ports/Page.ts"
import { WebhookEndpoints } from "../ports/WebhookEndpoints.ts"
import { WebhookSender } from "../ports/WebhookSender.ts"
import { readableSecrets } from "../webhooks/readableSecrets.ts"
import { sendEvent } from "../webhooks/sendEvent.ts"
import { recordEntry } from "./audited.ts"
import { checkArguments } from "./InvalidArgument.ts"
import { visibleToCaller } from "./visibleToCaller.ts"

/** Of one call; its caller goes on from `next`. */
export const REDELIVERED_AT_MOST = 100
/** No event is begun after this; the last may take 15 s more. */
const REDELIVER_FOR_MS = 15_000

const CursorOrPosition = Schema.Struct({ log: Schema.NullOr(Schema.String), position: Schema.Int })
const check = {
  test: checkArguments("testWebhookEndpoint", { id: WebhookEndpointId }),
  redeliver: checkArguments("redeliverWebhooks", {
    id: WebhookEndpointId,
    eventId: Schema.optionalKey(EventId),
    after: Schema.optionalKey(CursorOrPosition)
  })
}

interface Receiver {
  readonly endpoint: WebhookEndpoint
  readonly secrets: ReadonlyArray<Redacted.Redacted<string>>
}

const visible = visibleToCaller<WebhookEndpoint>(({ broadcasterId }) => broadcasterId)

/** The endpoint with its secrets, as far as they can be decrypted. `None` when there is no such endpoint. */
const receiverOf = Effect.fnUntraced(function* (id: WebhookEndpointId) {
  const endpoints = yield* WebhookEndpoints
  const found = Option.all([yield* visible(yield* endpoints.find(id)), yield* endpoints.secrets(id)])
  if (Option.isNone(found)) return Option.none<Receiver>()
  const [endpoint, encrypted] = found.value
  return Option.some<Receiver>({ endpoint, secrets: yield* readableSecrets(encrypted) })
})

/** An event of type `test`, which is in no log and has no position. */
const testBody = (id: string, at: number, endpoint: WebhookEndpoint): string =>
  JSON.stringify({
    id,
    position: null,
    type: "test",
    at: new Date(at).toISOString(),
    stream_seq: null,
    data: { webhook_endpoint_id: endpoint.id, message: "A test of this webhook endpoint" }
  })

export interface WebhookTest {
  readonly eventId: string
  readonly delivered: boolean
  readonly outcome: SendOutcome
}

/** Sends a `test` event at once. `None` when there is no such endpoint. */
export const testWebhookEndpoint = Effect.fn("testWebhookEndpoint")(function* (given: WebhookEndpointId) {
  const { id } = yield* check.test({ id: given })
  const receiver = yield* receiverOf(id)
  if (Option.isNone(receiver)) return Option.none<WebhookTest>()
  const generator = yield* KeyGenerator
  const eventId = yield* generator.uuid
  const body = testBody(eventId, yield* Clock.currentTimeMillis, receiver.value.endpoint)
  const { endpoint, secrets } = receiver.value
  yield* recordEntry("webhook_endpoint.test", { resourceId: id, broadcasterId: endpoint.broadcasterId })
  const sender = yield* WebhookSender
  const timestamp = Math.floor((yield* Clock.currentTimeMillis) / 1000)
  const outcome = yield* sender.send({ url: endpoint.url, id: eventId, timestamp, body, secrets })
  return Option.some<WebhookTest>({ eventId, delivered: judge(outcome)._tag === "Delivered", outcome })
})

/** Where redelivery begins: one event whose delivery is on record, or all wanted ones after a position; `log` null: of the log as it is. */
export type Redelivery =
  | { readonly eventId: EventId; readonly after?: never }
  | { readonly after: { readonly log: string | null; readonly position: LogPosition }; readonly eventId?: never }

export interface Redelivered {
  readonly delivered: number
  /** The event that was not delivered. It is the last: nothing is sent after it. */
  readonly failed: { readonly eventId: string; readonly outcome: SendOutcome } | null
  /** The cursor to go on after; `null` when there is nothing left before the endpoint's own position. */
  readonly next: string | null
}

const RECORDS_AT_ONCE = 200

const positionOnRecord = Effect.fnUntraced(function* (id: WebhookEndpointId, eventId: EventId) {
  const endpoints = yield* WebhookEndpoints
  let after: Position | null = null
  do {
    const page: Effect.Success<ReturnType<typeof endpoints.deliveries>> = yield* endpoints.deliveries(id, {
      limit: RECORDS_AT_ONCE,
      after
    })
    const known = page.items.find((one) => one.eventId === eventId)
    if (known !== undefined) return known.position
    after = page.next
  } while (after !== null)
  return null
})

/** Sends the event and records it, also when the caller leaves in between. Whether it was delivered. */
const redeliverOne = Effect.fnUntraced(function* (receiver: Receiver, event: LoggedEvent) {
  const endpoints = yield* WebhookEndpoints
  const { endpoint, secrets } = receiver
  return yield* Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const outcome = yield* restore(sendEvent(endpoint.url, event, secrets))
      const delivered = judge(outcome)._tag === "Delivered"
      const record = { attempt: 1, outcome: delivered ? "delivered" : "failed", retryInMillis: null } as const
      yield* endpoints.record(endpoint.id, [deliveryOf(event, outcome, record)])
      return { delivered, outcome }
    })
  )
})

const redeliverAll = Effect.fnUntraced(function* (
  receiver: Receiver,
  events: ReadonlyArray<LoggedEvent>,
  cursorAt: (position: LogPosition) => string | null,
  lookedTo: LogPosition
) {
  const until = (yield* Clock.currentTimeMillis) + REDELIVER_FOR_MS
  let delivered = 0
  for (const event of events) {
    if ((yield* Clock.currentTimeMillis) >= until) {
      return { delivered, failed: null, next: cursorAt(event.position - 1) } as Redelivered
    }
    const sent = yield* redeliverOne(receiver, event)
    if (!sent.delivered) {
      const failed = { eventId: event.id, outcome: sent.outcome }
      return { delivered, failed, next: cursorAt(event.position - 1) } as Redelivered
    }
    delivered += 1
  }
  return { delivered, failed: null, next: cursorAt(lookedTo) } as Redelivered
})

/** An event is sent again whatever its type, but never one of a broadcaster that is not the endpoint's. */
const ofBroadcaster = ({ broadcasterId }: WebhookEndpoint): EventFilter =>
  broadcasterId === null ? {} : { broadcasterId }

const startOf = Effect.fnUntraced(function* (id: WebhookEndpointId, redelivery: Partial<Redelivery>) {
  if (redelivery.after !== undefined) return redelivery.after
  const position = redelivery.eventId === undefined ? null : yield* positionOnRecord(id, redelivery.eventId)
  return position === null ? null : { log: null, position: position - 1 }
})

/**
 * Sends events again, one after the other, up to the endpoint's own position: what follows there is delivered anyway. It ends with the first that is
 * not delivered, after `REDELIVERED_AT_MOST` events, or when it has taken long.
 */
export const redeliverWebhooks = Effect.fn("redeliverWebhooks")(function* (
  given: WebhookEndpointId,
  redelivery: Redelivery
) {
  const { id, ...checked } = yield* check.redeliver({ ...redelivery, id: given })
  const receiver = yield* receiverOf(id)
  if (Option.isNone(receiver)) return { _tag: "NotFound" } as const
  const start = yield* startOf(id, checked as Partial<Redelivery>)
  if (start === null) return { _tag: "UnknownEvent" } as const
  const single = checked.eventId !== undefined
  const events = yield* Events
  const { endpoint } = receiver.value
  const filter = single ? ofBroadcaster(endpoint) : filterOf(endpoint)
  const slice = yield* events.read(start.position, filter, single ? 1 : REDELIVERED_AT_MOST)
  const why = whyLost({ log: start.log ?? slice.log, position: start.position }, slice as LogHead)
  if (why !== null) return { _tag: "StartLost", why } as const
  if (single && slice.events[0]?.id !== checked.eventId) return { _tag: "UnknownEvent" } as const
  yield* recordEntry("webhook_endpoint.redeliver", {
    resourceId: id,
    broadcasterId: endpoint.broadcasterId,
    after: { event_id: checked.eventId ?? null, after_position: start.position }
  })
  const due = slice.events.filter(({ position }) => single || position <= endpoint.position)
  const cursorAt = (position: LogPosition) =>
    single || position >= endpoint.position ? null : writeCursor({ log: slice.log, position })
  return { _tag: "Redelivered", ...(yield* redeliverAll(receiver.value, due, cursorAt, slice.lookedTo)) } as const
})
