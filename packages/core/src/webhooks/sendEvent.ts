/** One attempt to deliver an event: written, signed, sent. It never fails. */
import { Cause, Clock, Effect, type Redacted } from "effect"
import type { LoggedEvent } from "../domain/events/LoggedEvent.ts"
import type { SendOutcome } from "../domain/webhooks/SendOutcome.ts"
import { WebhookSender } from "../ports/WebhookSender.ts"
import { EventBody } from "./EventBody.ts"

/** Many endpoints get the same event. It is written once while it is kept. */
const written = new WeakMap<LoggedEvent, string>()

const bodyOf = Effect.fnUntraced(function* (event: LoggedEvent) {
  const known = written.get(event)
  if (known !== undefined) return known
  const body = yield* (yield* EventBody).write(event)
  written.set(event, body)
  return body
})

/** A defect is an outcome, too: the event is tried again. */
const defect = (cause: Cause.Cause<never>): Effect.Effect<SendOutcome> =>
  Cause.hasInterruptsOnly(cause)
    ? Effect.failCause(cause)
    : Effect.as(Effect.logError("a defect in sending a webhook", cause), {
        _tag: "NoAnswer",
        why: "other",
        detail: "a defect of Greenroom; its log has more",
        durationMillis: 0
      })

/** Sends the event to `url`, signed with each of the secrets. `webhook-id` is the event's id. */
export const sendEvent = Effect.fnUntraced(function* (
  url: string,
  event: LoggedEvent,
  secrets: ReadonlyArray<Redacted.Redacted<string>>
) {
  const body = yield* bodyOf(event)
  const timestamp = Math.floor((yield* Clock.currentTimeMillis) / 1_000)
  return yield* (yield* WebhookSender).send({ url, id: event.id, timestamp, body, secrets })
}, Effect.catchCause(defect))
