/** A log, an endpoint's store and its receiver in memory, for the properties of the delivery planner: a crash loses all but the store. */
import { assert } from "@effect/vitest"
import type { LoggedEvent, NewDelivery, SendOutcome } from "@greenroom/core"
import { afterAttempt } from "../../src/domain/webhooks/afterAttempt.ts"
import {
  afterSettlement,
  type DeliveryState,
  extendWindow,
  HELD_IN_FLIGHT_MAX,
  HELD_SUBJECTS_MAX,
  type Held,
  IN_FLIGHT_MAX,
  initialDeliveryState,
  type Send,
  settledPosition,
  WINDOW_SIZE
} from "../../src/domain/webhooks/DeliveryState.ts"
import { afterRead, afterStart, nextDue, nextSends, subjectsToRead } from "../../src/domain/webhooks/planDeliveries.ts"

export const answered = (status: number, retryAfterMillis: number | null = null): SendOutcome => ({
  _tag: "Answered",
  status,
  retryAfterMillis,
  body: "",
  durationMillis: 1
})
export const noAnswer = (why: Extract<SendOutcome, { _tag: "NoAnswer" }>["why"]): SendOutcome => ({
  _tag: "NoAnswer",
  why,
  detail: "",
  durationMillis: 1
})
export const OK = answered(200)

export const eventAt = (position: number, subject: string): LoggedEvent =>
  ({ id: `event-${position}`, position, subject, type: "stream.active" }) as unknown as LoggedEvent

export interface DeliveryWorld {
  now: number
  readonly log: Array<LoggedEvent>
  readonly bySubject: Map<string, Array<LoggedEvent>>
  /** Before the endpoint's position and not done. */
  behind: ReadonlyArray<LoggedEvent>
  /** What survives a crash. */
  stored: Pick<DeliveryState, "position" | "held" | "stop" | "failingSince">
  state: DeliveryState
  readonly deliveries: Array<NewDelivery>
  /** Positions that the receiver has accepted, or that were given up. */
  readonly done: Set<number>
  readonly sent: Array<Send>
}

export const newWorld = (): DeliveryWorld => {
  const stored = { position: 0, held: new Map<string, Held>(), stop: null, failingSince: null }
  return {
    now: 0,
    log: [],
    bySubject: new Map(),
    behind: [],
    stored,
    state: initialDeliveryState(stored),
    deliveries: [],
    done: new Set(),
    sent: []
  }
}

export const append = (world: DeliveryWorld, subject: string): void => {
  const event = eventAt(world.log.length + 1, subject)
  world.log.push(event)
  const events = world.bySubject.get(subject) ?? []
  events.push(event)
  world.bySubject.set(subject, events)
}

export const look = (world: DeliveryWorld): void => {
  const { lookedTo, window } = world.state
  const found = world.log.slice(lookedTo, lookedTo + WINDOW_SIZE - window.length)
  if (found.length > 0) world.state = extendWindow(world.state, found, lookedTo + found.length)
}

/** `span`: how many positions one read looks at. */
export const read = (world: DeliveryWorld, span = Number.POSITIVE_INFINITY): void => {
  for (const { subject, from } of subjectsToRead(world.state, world.now)) {
    const to = Math.min(world.state.position, from - 1 + span)
    const found = world.bySubject.get(subject)!.filter(({ position }) => position >= from && position <= to)
    world.state = afterRead(world.state, subject, found.slice(0, 3), found.length > 3 ? found[2]!.position : to)
  }
}

/** Sends what is next, and checks that it may be sent. */
export const send = (world: DeliveryWorld): void => {
  const { state, now, bySubject, done } = world
  const sends = nextSends(state, now)
  for (const { event, isProbe } of sends) {
    assert.isFalse(state.inFlight.has(event.subject), "one request at a time for each subject")
    assert.strictEqual(isProbe, state.stop !== null)
    // Of those before it the same held when it was sent.
    const before = bySubject.get(event.subject)!.findLast(({ position }) => position < event.position)
    assert.isTrue(before === undefined || done.has(before.position), `${event.id} overtakes one of its subject`)
  }
  assert.strictEqual(new Set(sends.map(({ event }) => event.subject)).size, sends.length)
  if (state.stop !== null && sends.length > 0)
    assert.deepStrictEqual([sends.length, state.inFlight.size, state.stop.dueAt <= now], [1, 0, true])
  world.state = afterStart(state, sends)
  world.sent.push(...sends)
  const inFlight = [...world.state.inFlight.values()]
  assert.isAtMost(inFlight.length, IN_FLIGHT_MAX)
  assert.isAtMost(inFlight.filter(({ isHeld }) => isHeld).length, HELD_IN_FLIGHT_MAX)
}

export const finish = (world: DeliveryWorld, which: number, outcome: SendOutcome, jitter = 0.5): void => {
  const inFlight = [...world.state.inFlight.values()]
  const sent = inFlight[which % inFlight.length]
  if (sent === undefined) return
  world.state = afterAttempt(world.state, { send: sent, outcome, now: world.now, jitter })
  const delivery = world.state.unsettled.deliveries.at(-1)!
  assert.strictEqual(delivery.position, sent.event.position)
  if (delivery.outcome === "delivered" || (delivery.outcome === "failed" && delivery.responseStatus !== 410))
    world.done.add(sent.event.position)
  assert.isAtMost(world.state.held.size, HELD_SUBJECTS_MAX)
}

export const settle = (world: DeliveryWorld): void => {
  const { state, log, done } = world
  const position = settledPosition(state)
  assert.isAtLeast(position, state.position)
  const passed = log.slice(state.position, position)
  world.behind = [...world.behind, ...passed].filter((event) => !done.has(event.position))
  for (const event of world.behind) {
    const held = state.held.get(event.subject)
    assert.isTrue(
      held !== undefined && held.position <= event.position,
      `${event.id} was passed, and is neither done nor held`
    )
  }
  world.deliveries.push(...state.unsettled.deliveries)
  world.state = afterSettlement(state)
  const held = new Map([...state.held].map(([subject, one]) => [subject, { ...one, loaded: [] }]))
  world.stored = { position, held, stop: state.stop, failingSince: state.failingSince }
  assert.isAtMost(world.state.window.length, WINDOW_SIZE)
}

export const crash = (world: DeliveryWorld): void => {
  world.state = initialDeliveryState(world.stored)
}

/** The receiver accepts everything from now on. A read looks at few positions, as one of a long log does. */
export const heal = (world: DeliveryWorld, span = 2): void => {
  for (let turn = 0; turn < 20_000; turn++) {
    while (world.state.inFlight.size > 0) finish(world, 0, OK)
    settle(world)
    look(world)
    read(world, span)
    send(world)
    if (world.state.inFlight.size > 0) continue
    const due = nextDue(world.state, world.now)
    if (due !== null) {
      assert.isAbove(due, world.now, "a loop that waits for it turns without a pause")
      world.now = due
    } else if (world.state.position === world.log.length && world.state.held.size === 0) return
  }
  assert.fail("deliveries do not end")
}
