/**
 * How far the deliveries to one endpoint are, as its holder knows it: the events that wait in a window of the log, the subjects that are held
 * because an event of theirs has failed, the requests in flight. All times are milliseconds of one monotonic clock. The functions are pure:
 * `nextSends` gives what to send, `afterAttempt` what an outcome changes, `settledPosition` how far the endpoint's position can move.
 */
import type { LogPosition } from "../events/EventCursor.ts"
import type { LoggedEvent } from "../events/LoggedEvent.ts"
import type { NewDelivery } from "./WebhookDelivery.ts"
import type { DisabledReason } from "./WebhookEndpoint.ts"

/** Events past the position that are looked at together. */
export const WINDOW_SIZE = 64
export const IN_FLIGHT_MAX = 32
/** Of these at most so many are of held subjects, so that new events do not wait behind old ones. */
export const HELD_IN_FLIGHT_MAX = 16
export const HELD_SUBJECTS_MAX = 1_000
export const FAILURES_IN_ROW_MAX = 10

export interface Held {
  /** The subject's first event from here on is next. */
  readonly position: LogPosition
  /** Attempts that were made on the event. */
  readonly attempt: number
  readonly dueAt: number
  /** The subject's next events, as far as they were read. */
  readonly loaded: ReadonlyArray<LoggedEvent>
}

export interface Send {
  readonly event: LoggedEvent
  /** It decides whether a stopped endpoint goes on. */
  readonly isProbe: boolean
  readonly isHeld: boolean
}

export interface Stop {
  readonly attempt: number
  readonly dueAt: number
}

export interface DeliveryState {
  /** As the store has it. */
  readonly position: LogPosition
  /** Every wanted event after `position` up to here, and not delivered, is in the window. */
  readonly lookedTo: LogPosition
  readonly window: ReadonlyArray<LoggedEvent>
  readonly held: ReadonlyMap<string, Held>
  /** By subject: one request at a time. */
  readonly inFlight: ReadonlyMap<string, Send>
  readonly stop: Stop | null
  readonly failuresInRow: number
  readonly failingSince: number | null
  /** What the store does not have yet. */
  readonly unsettled: Unsettled
}

export interface Unsettled {
  /** Subjects whose held record has changed or is gone. */
  readonly subjects: ReadonlySet<string>
  readonly deliveries: ReadonlyArray<NewDelivery>
  readonly stopChanged: boolean
  readonly disable: DisabledReason | null
}

const nothing: Unsettled = {
  subjects: new Set(),
  deliveries: [],
  stopChanged: false,
  disable: null
}

export const initialDeliveryState = (
  stored: Pick<DeliveryState, "position" | "held" | "stop" | "failingSince">
): DeliveryState => ({
  ...stored,
  lookedTo: stored.position,
  window: [],
  inFlight: new Map(),
  failuresInRow: 0,
  unsettled: nothing
})

/** Events of the log after `lookedTo` that the endpoint wants, in order, up to the new `lookedTo`. */
export const extendWindow = (
  state: DeliveryState,
  events: ReadonlyArray<LoggedEvent>,
  lookedTo: LogPosition
): DeliveryState => ({ ...state, window: [...state.window, ...events], lookedTo })

/** Before the first event that waits and whose subject is not held: those of held subjects are found again by their subject. */
export const settledPosition = ({ window, held, lookedTo }: DeliveryState): LogPosition => {
  const waiting = window.find(({ subject }) => !held.has(subject))
  return waiting === undefined ? lookedTo : waiting.position - 1
}

export const hasUnsettled = (state: DeliveryState): boolean => {
  const { subjects, deliveries, stopChanged, disable } = state.unsettled
  return (
    subjects.size > 0 ||
    deliveries.length > 0 ||
    stopChanged ||
    disable !== null ||
    settledPosition(state) > state.position
  )
}

/** The store has all of the state, with this position. */
export const afterSettlement = (state: DeliveryState): DeliveryState => {
  const position = settledPosition(state)
  return { ...state, position, window: state.window.filter((event) => event.position > position), unsettled: nothing }
}

/** Replaces a held subject, or releases it. */
export const withHeld = (state: DeliveryState, subject: string, next: Held | null): DeliveryState => {
  const held = new Map(state.held)
  if (next === null) held.delete(subject)
  else held.set(subject, next)
  const subjects = new Set(state.unsettled.subjects).add(subject)
  return { ...state, held, unsettled: { ...state.unsettled, subjects } }
}
