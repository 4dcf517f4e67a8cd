/**
 * Delivers to one endpoint while this process holds its lease. One loop applies what has ended, writes down, reads and starts requests, one after
 * the other, so that nothing is released or skipped on knowledge that is out of date; only the requests themselves run side by side.
 */
import { Cause, Effect, FiberSet, Metric, Queue, Random } from "effect"
import { matchesFilter } from "../domain/events/LoggedEvent.ts"
import { type Attempt, afterAttempt } from "../domain/webhooks/afterAttempt.ts"
import { extendWindow, type Send, WINDOW_SIZE } from "../domain/webhooks/DeliveryState.ts"
import { afterRead, afterStart, nextDue, nextSends, subjectsToRead } from "../domain/webhooks/planDeliveries.ts"
import type { DisabledReason } from "../domain/webhooks/WebhookEndpoint.ts"
import * as Metrics from "../Metrics.ts"
import { Events } from "../ports/Events.ts"
import { StoreUnavailable } from "../ports/StoreUnavailable.ts"
import { monotonicMillis } from "../resilience/ProcessClock.ts"
import { type EndpointRun, isLeased, wake } from "./EndpointRun.ts"
import type { RecentEvents } from "./RecentEvents.ts"
import { sendEvent } from "./sendEvent.ts"
import { settlementDue, settleRun } from "./settleRun.ts"

export const WEBHOOK_LEASE_MS = 30_000
/** Of a held subject's events, in one read. */
const READ_OF_SUBJECT = 16
const READS_AT_ONCE = 4
const AFTER_FAILURE = "250 millis"
const LAST_SETTLEMENT_WITHIN = "1 second"
/** Without anything to do the loop still looks at its lease and the log. */
const LOOK_EVERY_MS = 1_000

export interface DeliveryContext {
  readonly recent: RecentEvents
  /** After each turn: whether the endpoint is stopped or has gone on. */
  readonly report: (run: EndpointRun) => Effect.Effect<void>
  readonly reportDisabled: (run: EndpointRun, reason: DisabledReason) => Effect.Effect<void>
  /** The store did not answer (`error`), or does again (`null`). */
  readonly reportStore: (run: EndpointRun, error: StoreUnavailable | null) => Effect.Effect<void>
}

const applyFinished = Effect.fnUntraced(function* (run: EndpointRun) {
  const attempts = run.finished.splice(0)
  for (const attempt of attempts) {
    run.state = afterAttempt(run.state, attempt)
    const { outcome } = run.state.unsettled.deliveries.at(-1)!
    yield* Metric.update(Metrics.webhookAttempts(outcome), 1)
  }
})

/** Takes more of the log into the window. Whether there is more at once. */
const readOn = Effect.fnUntraced(function* (run: EndpointRun, recent: RecentEvents) {
  const { lookedTo, window, unsettled } = run.state
  const room = WINDOW_SIZE - window.length
  const newest = recent.newest()
  if (room <= 0 || lookedTo >= newest || unsettled.disable !== null) return false
  const known = recent.after(lookedTo)
  if (known !== null) {
    const wanted = known.filter((event) => matchesFilter(event, run.filter))
    const taken = wanted.slice(0, room)
    run.state = extendWindow(run.state, taken, wanted.length > room ? taken.at(-1)!.position : newest)
    return false
  }
  const slice = yield* (yield* Events).read(lookedTo, run.filter, room)
  // The log after a restore may end before the position: there is nothing to deliver until it has passed it.
  run.state = extendWindow(run.state, slice.events, Math.max(lookedTo, slice.lookedTo))
  return slice.lookedTo > lookedTo && slice.lookedTo < newest
})

const readHeld = Effect.fnUntraced(function* (run: EndpointRun, now: number) {
  const events = yield* Events
  const { position } = run.state
  const found = yield* Effect.forEach(
    subjectsToRead(run.state, now),
    ({ subject, from }) =>
      from > position
        ? Effect.succeed({ subject, events: [], lookedTo: position })
        : Effect.map(events.read(from - 1, { ...run.filter, subject }, READ_OF_SUBJECT), (slice) => ({
            subject,
            events: slice.events.filter((event) => event.position <= position),
            lookedTo: Math.min(slice.lookedTo, position)
          })),
    { concurrency: READS_AT_ONCE }
  )
  for (const { subject, events, lookedTo } of found) run.state = afterRead(run.state, subject, events, lookedTo)
  return found.some(({ events }) => events.length === 0)
})

const attempt = Effect.fnUntraced(function* (run: EndpointRun, send: Send) {
  const outcome = yield* sendEvent(run.endpoint.url, send.event, run.secrets)
  const ended: Attempt = { send, outcome, now: yield* monotonicMillis, jitter: yield* Random.next }
  run.finished.push(ended)
  wake(run)
})

/** Nothing is sent without the lease: a process that was frozen has lost it. */
const startSends = Effect.fnUntraced(function* (run: EndpointRun, fibers: FiberSet.FiberSet<void>) {
  if (!(yield* isLeased(run, WEBHOOK_LEASE_MS))) return
  const sends = nextSends(run.state, yield* monotonicMillis)
  run.state = afterStart(run.state, sends)
  for (const send of sends) yield* FiberSet.run(fibers, attempt(run, send))
})

const waitForMore = Effect.fnUntraced(function* (run: EndpointRun) {
  const now = yield* monotonicMillis
  const dues = [nextDue(run.state), settlementDue(run), now + LOOK_EVERY_MS].flatMap((due) => due ?? [])
  const wait = Math.max(1, Math.min(...dues) - now)
  yield* Effect.timeoutOption(Queue.take(run.wakes), wait)
})

/** Whether the run goes on. */
const turn = Effect.fnUntraced(function* (run: EndpointRun, fibers: FiberSet.FiberSet<void>, context: DeliveryContext) {
  const now = yield* monotonicMillis
  yield* applyFinished(run)
  const { disable } = run.state.unsettled
  const due = settlementDue(run)
  if (due !== null && due <= now) {
    if (!(yield* settleRun(run, now))) return false
    if (disable !== null) {
      yield* context.reportDisabled(run, disable)
      return false
    }
  }
  yield* context.report(run)
  const hasMore = yield* readOn(run, context.recent)
  const hasReleased = yield* readHeld(run, now)
  yield* startSends(run, fibers)
  yield* context.reportStore(run, null)
  if (!hasMore && !hasReleased) yield* waitForMore(run)
  return true
})

const lastSettlement = (run: EndpointRun) =>
  Effect.gen(function* () {
    yield* applyFinished(run)
    if (settlementDue(run) !== null) yield* settleRun(run, yield* monotonicMillis)
  }).pipe(Effect.timeoutOption(LAST_SETTLEMENT_WITHIN), Effect.ignore)

/** Ends when the endpoint was lost, changed or disabled. When it is interrupted it writes down what it has done. */
export const deliverToEndpoint = Effect.fnUntraced(function* (run: EndpointRun, context: DeliveryContext) {
  yield* Effect.addFinalizer(() => lastSettlement(run))
  const fibers = yield* FiberSet.make<void>()
  while (true) {
    const exit = yield* Effect.exit(turn(run, fibers, context))
    if (exit._tag === "Success") {
      if (!exit.value) return
      continue
    }
    const error = Cause.squash(exit.cause)
    if (!(error instanceof StoreUnavailable)) return yield* Effect.failCause(exit.cause)
    yield* context.reportStore(run, error)
    yield* Effect.sleep(AFTER_FAILURE)
  }
}, Effect.scoped)
