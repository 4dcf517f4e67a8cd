/**
 * Writes down what an endpoint's holder has done: position, held subjects, records of attempts. All that has come together since the last time is
 * one statement, so that a thousand deliveries cost a few statements. A crash in between repeats deliveries and loses none.
 */
import { Effect } from "effect"
import { afterSettlement, hasUnsettled, settledPosition, WINDOW_SIZE } from "../domain/webhooks/DeliveryState.ts"
import { WebhookEndpoints } from "../ports/WebhookEndpoints.ts"
import type { EndpointRun } from "./EndpointRun.ts"

const SETTLE_EVERY_MS = 250
/** While nothing was sent: the position moves past events that the endpoint does not want. */
const SETTLE_IDLE_EVERY_MS = 5_000
const RECORDS_AT_ONCE = 200

/** When the next settlement is due, by the monotonic clock; `null`: there is nothing to write. */
export const settlementDue = ({ state, settledAt }: EndpointRun): number | null => {
  if (!hasUnsettled(state)) return null
  const { deliveries, subjects, stopChanged, disable } = state.unsettled
  const isFull = state.window.length >= WINDOW_SIZE && settledPosition(state) > state.position
  if (isFull || disable !== null || deliveries.length >= RECORDS_AT_ONCE) return Number.NEGATIVE_INFINITY
  const isIdle = deliveries.length === 0 && subjects.size === 0 && !stopChanged
  return settledAt + (isIdle ? SETTLE_IDLE_EVERY_MS : SETTLE_EVERY_MS)
}

/** Whether it was written: the endpoint is still held, was not disabled meanwhile, and the log is the same. */
export const settleRun = Effect.fnUntraced(function* (run: EndpointRun, now: number) {
  const { state, endpoint, holder, generation, lease, log } = run
  const { subjects, deliveries, disable } = state.unsettled
  const isWritten = yield* (yield* WebhookEndpoints).settle(
    endpoint.id,
    { holder, generation, lease, log },
    {
      position: settledPosition(state),
      held: [...subjects].flatMap((subject) => {
        const held = state.held.get(subject)
        if (held === undefined) return []
        const { position, attempt, dueAt } = held
        return [{ subject, position, attempt, dueInMillis: dueAt - now }]
      }),
      released: [...subjects].filter((subject) => !state.held.has(subject)),
      stop: state.stop === null ? null : { attempt: state.stop.attempt, dueInMillis: state.stop.dueAt - now },
      failingForMillis: state.failingSince === null ? null : now - state.failingSince,
      deliveries,
      disable
    }
  )
  if (!isWritten) return false
  run.state = afterSettlement(state)
  run.settledAt = now
  return true
})
