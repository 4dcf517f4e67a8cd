/** The record of one attempt to deliver an event. */
import type { LoggedEvent } from "../events/LoggedEvent.ts"
import type { SendOutcome } from "./SendOutcome.ts"
import type { NewDelivery } from "./WebhookDelivery.ts"

/** The beginning of the answer, or why there was none. */
export const answerOf = (outcome: SendOutcome): string =>
  outcome._tag === "Answered" ? outcome.body : `${outcome.why}: ${outcome.detail}`

export const deliveryOf = (
  event: LoggedEvent,
  outcome: SendOutcome,
  record: Pick<NewDelivery, "attempt" | "outcome" | "retryInMillis">
): NewDelivery => ({
  eventId: event.id,
  type: event.type,
  position: event.position,
  subject: event.subject,
  ...record,
  responseStatus: outcome._tag === "Answered" ? outcome.status : null,
  durationMillis: outcome.durationMillis,
  answer: answerOf(outcome)
})
