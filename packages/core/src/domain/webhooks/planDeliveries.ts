/** What to send next to an endpoint, and which held subjects to read from the log for it. */
import type { LogPosition } from "../events/EventCursor.ts"
import type { LoggedEvent } from "../events/LoggedEvent.ts"
import {
  type DeliveryState,
  HELD_IN_FLIGHT_MAX,
  HELD_SUBJECTS_MAX,
  type Held,
  IN_FLIGHT_MAX,
  type Send,
  withHeld
} from "./DeliveryState.ts"

type Due = readonly [subject: string, held: Held]

/** The held subjects that are due, have no request in flight, and were due first. */
const dueHeld = ({ held, inFlight }: DeliveryState, now: number): ReadonlyArray<Due> =>
  held.size === 0
    ? []
    : [...held]
        .filter(([subject, { dueAt }]) => dueAt <= now && !inFlight.has(subject))
        .sort(([, one], [, other]) => one.dueAt - other.dueAt)

/** The first event of each subject in the window that is neither held nor in flight. */
const waiting = ({ window, held, inFlight }: DeliveryState, most: number): ReadonlyArray<LoggedEvent> => {
  const found = new Map<string, LoggedEvent>()
  for (const event of window) {
    if (found.size >= most) break
    const { subject } = event
    if (!held.has(subject) && !inFlight.has(subject) && !found.has(subject)) found.set(subject, event)
  }
  return [...found.values()]
}

const heldSend = ([, { loaded }]: Due, isProbe = false): ReadonlyArray<Send> =>
  loaded[0] === undefined ? [] : [{ event: loaded[0], isProbe, isHeld: true }]

/**
 * One attempt of a stopped endpoint: a new event rather than one that has failed, which may be why the endpoint is stopped. When no more
 * subjects can be held, one that is held.
 */
const probe = (state: DeliveryState, now: number): ReadonlyArray<Send> => {
  const held = dueHeld(state, now).flatMap((due) => heldSend(due, true))
  const fresh = waiting(state, 1).map((event) => ({ event, isProbe: true, isHeld: false }))
  const [first] = state.held.size < HELD_SUBJECTS_MAX ? [...fresh, ...held] : [...held, ...fresh]
  return first === undefined ? [] : [first]
}

const isHeldSend = ({ isHeld }: Send): boolean => isHeld

/** In the order of the log within a subject; one request at a time for each subject. */
export const nextSends = (state: DeliveryState, now: number): ReadonlyArray<Send> => {
  const { inFlight, stop, unsettled } = state
  if (unsettled.disable !== null) return []
  if (stop !== null) return stop.dueAt <= now && inFlight.size === 0 ? probe(state, now) : []
  const heldInFlight = [...inFlight.values()].filter(isHeldSend).length
  const held = dueHeld(state, now)
    .flatMap((due) => heldSend(due))
    .slice(0, Math.max(0, Math.min(HELD_IN_FLIGHT_MAX - heldInFlight, IN_FLIGHT_MAX - inFlight.size)))
  const fresh = waiting(state, IN_FLIGHT_MAX - inFlight.size - held.length)
  return [...held, ...fresh.map((event) => ({ event, isProbe: false, isHeld: false }))]
}

export const afterStart = (state: DeliveryState, sends: ReadonlyArray<Send>): DeliveryState =>
  sends.length === 0
    ? state
    : { ...state, inFlight: new Map([...state.inFlight, ...sends.map((send) => [send.event.subject, send] as const)]) }

/** Held subjects that are due and whose next event is not known: `from` is the first position to look at. */
export const subjectsToRead = (
  state: DeliveryState,
  now: number
): ReadonlyArray<{ readonly subject: string; readonly from: LogPosition }> => {
  if (state.unsettled.disable !== null || (state.stop !== null && state.stop.dueAt > now)) return []
  return dueHeld(state, now)
    .slice(0, HELD_IN_FLIGHT_MAX)
    .filter(([, { loaded }]) => loaded.length === 0)
    .map(([subject, { position }]) => ({ subject, from: position }))
}

/**
 * Events of a held subject were read: all wanted ones from its position up to `lookedTo`, which is at most the state's position. What comes after
 * that is in the window. A subject without a further event up to there is not held any more.
 */
export const afterRead = (
  state: DeliveryState,
  subject: string,
  events: ReadonlyArray<LoggedEvent>,
  lookedTo: LogPosition
): DeliveryState => {
  const held = state.held.get(subject)
  if (held === undefined) return state
  const [next] = events
  if (next !== undefined) return withLoaded(state, subject, held, events)
  if (lookedTo < state.position) return withHeld(state, subject, { ...held, position: lookedTo + 1, attempt: 0 })
  const ahead = state.window.find((event) => event.subject === subject)
  return ahead !== undefined && ahead.position === held.position
    ? withLoaded(state, subject, held, [ahead])
    : withHeld(state, subject, null)
}

/** Attempts count for one event: when it is not there any more, those on the next one begin. */
const withLoaded = (
  state: DeliveryState,
  subject: string,
  held: Held,
  loaded: ReadonlyArray<LoggedEvent>
): DeliveryState =>
  loaded[0]!.position === held.position
    ? { ...state, held: new Map(state.held).set(subject, { ...held, loaded }) }
    : withHeld(state, subject, { ...held, position: loaded[0]!.position, attempt: 0, loaded })

/** When time alone next makes something possible, after `now`; `null`: never. What is due by now waits for the end of a request, or for an event. */
export const nextDue = ({ stop, held, inFlight }: DeliveryState, now: number): number | null => {
  let due = Number.POSITIVE_INFINITY
  for (const [subject, { dueAt }] of held) if (dueAt > now && !inFlight.has(subject)) due = Math.min(due, dueAt)
  if (stop !== null && stop.dueAt > now) due = Math.min(due, stop.dueAt)
  return Number.isFinite(due) ? due : null
}
