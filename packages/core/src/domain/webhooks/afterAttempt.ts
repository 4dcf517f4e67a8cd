/**
 * What the outcome of an attempt changes. A success moves on; a failure of the event holds its subject; a failure of the endpoint stops it; 410, or
 * five days without a success, disables it. After its last attempt an event is given up and its subject goes on.
 */
import type { LoggedEvent } from "../events/LoggedEvent.ts"
import {
  type DeliveryState,
  FAILURES_IN_ROW_MAX,
  HELD_SUBJECTS_MAX,
  type Send,
  type Stop,
  withHeld
} from "./DeliveryState.ts"
import { deliveryOf } from "./deliveryOf.ts"
import { eventRetryMillis, FAILING_AT_MOST_MS, stopRetryMillis } from "./retrySchedule.ts"
import { judge, type SendOutcome, type Verdict } from "./SendOutcome.ts"
import type { DeliveryOutcome } from "./WebhookDelivery.ts"

export interface Attempt {
  readonly send: Send
  readonly outcome: SendOutcome
  /** When it ended. */
  readonly now: number
  /** At random, at least 0 and less than 1. */
  readonly jitter: number
}

type Failure = Extract<Verdict, { readonly _tag: "Failed" }>

const attemptOn = ({ held }: DeliveryState, { subject, position }: LoggedEvent): number => {
  const known = held.get(subject)
  return known !== undefined && known.position === position ? known.attempt + 1 : 1
}

const recorded = (
  state: DeliveryState,
  { send: { event }, outcome }: Attempt,
  attempt: number,
  became: DeliveryOutcome,
  retryInMillis: number | null
): DeliveryState => {
  const delivery = deliveryOf(event, outcome, { attempt, outcome: became, retryInMillis })
  const { unsettled } = state
  return {
    ...state,
    unsettled: { ...unsettled, deliveries: [...unsettled.deliveries, delivery] }
  }
}

/** The event is done with: its subject's next one follows. */
const movedOn = (state: DeliveryState, { subject, position }: LoggedEvent, now: number): DeliveryState => {
  const window = state.window.filter((event) => event.position !== position)
  const held = state.held.get(subject)
  if (held === undefined) return { ...state, window }
  const loaded = held.loaded.filter((event) => event.position > position)
  const next = { position: loaded[0]?.position ?? position + 1, attempt: 0, dueAt: now, loaded }
  return withHeld({ ...state, window }, subject, next)
}

const delivered = (state: DeliveryState, attempt: Attempt, count: number): DeliveryState => {
  const { send, now } = attempt
  const ends = send.isProbe && state.stop !== null
  const next = recorded(movedOn(state, send.event, now), attempt, count, "delivered", null)
  return {
    ...next,
    failuresInRow: 0,
    failingSince: null,
    stop: ends ? null : next.stop,
    unsettled: { ...next.unsettled, stopChanged: next.unsettled.stopChanged || ends }
  }
}

/** Only the probe moves the schedule of a stopped endpoint; any answer may ask for more time. */
const stopAfter = (stop: Stop | null, { retryAfterMillis }: Failure, { send, now, jitter }: Attempt): Stop => {
  const count = stop === null ? 1 : send.isProbe ? stop.attempt + 1 : stop.attempt
  const dueAt = now + stopRetryMillis(count, jitter, retryAfterMillis)
  if (stop === null || send.isProbe) return { attempt: count, dueAt }
  return retryAfterMillis === null ? stop : { ...stop, dueAt: Math.max(stop.dueAt, dueAt) }
}

const failed = (before: DeliveryState, failure: Failure, attempt: Attempt, count: number): DeliveryState => {
  const { send, now, jitter } = attempt
  const { event, isProbe } = send
  const failuresInRow = before.failuresInRow + 1
  const failingSince = before.failingSince ?? now
  const canHold = before.held.has(event.subject) || before.held.size < HELD_SUBJECTS_MAX
  const stops =
    before.stop !== null ||
    isProbe ||
    failure.stops ||
    failuresInRow >= FAILURES_IN_ROW_MAX ||
    (failure.counts && !canHold)
  const stop = stops ? stopAfter(before.stop, failure, attempt) : null
  const { unsettled } = before
  const disable = now - failingSince >= FAILING_AT_MOST_MS ? "failing" : unsettled.disable
  const stopChanged = unsettled.stopChanged || stop !== before.stop
  const state = { ...before, failuresInRow, failingSince, stop, unsettled: { ...unsettled, stopChanged, disable } }
  if (!failure.counts || !canHold) {
    const wait = stop === null ? null : Math.max(0, stop.dueAt - now)
    return recorded(state, attempt, count, "retrying", wait)
  }
  const delay = eventRetryMillis(count, jitter, failure.retryAfterMillis)
  if (delay === null) return recorded(movedOn(state, event, now), attempt, count, "failed", null)
  const held = withHeld(state, event.subject, {
    position: event.position,
    attempt: count,
    dueAt: now + delay,
    loaded: []
  })
  return recorded(held, attempt, count, "retrying", delay)
}

/** The state after an attempt of it has ended. */
export const afterAttempt = (before: DeliveryState, attempt: Attempt): DeliveryState => {
  const { event } = attempt.send
  const inFlight = new Map(before.inFlight)
  inFlight.delete(event.subject)
  const state = { ...before, inFlight }
  const count = attemptOn(state, event)
  const verdict = judge(attempt.outcome)
  switch (verdict._tag) {
    case "Delivered":
      return delivered(state, attempt, count)
    case "Gone": {
      const failing = recorded(state, attempt, count, "failed", null)
      const { failingSince, unsettled } = failing
      return { ...failing, failingSince: failingSince ?? attempt.now, unsettled: { ...unsettled, disable: "gone" } }
    }
    case "Failed":
      return failed(state, verdict, attempt, count)
  }
}
