/** The record of one attempt to deliver an event to an endpoint. The newest 200 successes and 1,000 failures of an endpoint are kept. */
import type { DateTime } from "effect"
import type { EventId, LogPosition } from "../events/EventCursor.ts"
import type { EventType } from "../events/LoggedEvent.ts"

export const SUCCESSES_KEPT = 200
export const FAILURES_KEPT = 1_000
/** So much of an answer is kept. */
export const ANSWER_KEPT_BYTES = 1_024

/** `retrying`: another attempt follows. `failed`: none does, but redelivery is possible as long as the event is kept. */
export const deliveryOutcomes = ["delivered", "retrying", "failed"] as const
export type DeliveryOutcome = (typeof deliveryOutcomes)[number]

/** An attempt as it is written. */
export interface NewDelivery {
  readonly eventId: EventId
  readonly type: EventType
  readonly position: LogPosition
  readonly subject: string
  /** Of this event: 1 for the first. */
  readonly attempt: number
  readonly outcome: DeliveryOutcome
  /** `null`: there was no answer. */
  readonly responseStatus: number | null
  readonly durationMillis: number
  /** Until the next attempt; `null` unless `outcome` is `retrying`. */
  readonly retryInMillis: number | null
  /** The first KiB of the answer, or why there was none. */
  readonly answer: string
}

export interface WebhookDelivery extends Omit<NewDelivery, "retryInMillis"> {
  /** A UUID, for the order of lists. */
  readonly id: string
  readonly nextAttemptAt: DateTime.Utc | null
  readonly at: DateTime.Utc
}
