/**
 * Delivers to one endpoint while this process holds its lease. One loop applies what has ended, writes down, reads and starts requests, one after
 * the other, so that nothing is released or skipped on knowledge that is out of date; only the requests themselves run side by side.
 */
import { Cause, Effect, FiberSet, Metric, Queue, Random } from "effect"
import { type Attempt, afterAttempt } from "../domain/webhooks/afterAttempt.ts"
import type { Send } from "../domain/webhooks/DeliveryState.ts"
import { afterStart, nextDue, nextSends } from "../domain/webhooks/planDeliveries.ts"
import type { DisabledReason } from "../domain/webhooks/WebhookEndpoint.ts"
import * as Metrics from "../Metrics.ts"
import { StoreUnavailable } from "../ports/StoreUnavailable.ts"
import { monotonicMillis } from "../resilience/ProcessClock.ts"
import { type EndpointRun, isLeased, wake } from "./EndpointRun.ts"
import type { RecentEvents } from "./RecentEvents.ts"
import { readHeld, readOn } from "./readForRun.ts"
import { sendEvent } from "./sendEvent.ts"
import { settlementDue, settleRun } from "./settleRun.ts"

export const WEBHOOK_LEASE_MS = 30_000
const AFTER_FAILURE = "250 millis"
/** Each of the two: open requests, and the last settlement. */
const FINISH_WITHIN = "1 second"
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
  const dues = [nextDue(run.state, now), settlementDue(run), now + LOOK_EVERY_MS].flatMap((due) => due ?? [])
  const wait = Math.max(1, Math.min(...dues) - now)
  yield* Effect.timeoutOption(Queue.take(run.wakes), wait)
})

/** Whether the run goes on. */
const turn = Effect.fnUntraced(function* (run: EndpointRun, fibers: FiberSet.FiberSet<void>, context: DeliveryContext) {
  const now = yield* monotonicMillis
  yield* applyFinished(run)
  if (context.recent.log() !== run.log) return false
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

const within = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.timeoutOption(Effect.interruptible(effect), FINISH_WITHIN)

/** Requests that are still open after a while may come again, with the same id. */
const finish = (run: EndpointRun, fibers: FiberSet.FiberSet<void>) =>
  Effect.gen(function* () {
    yield* within(FiberSet.awaitEmpty(fibers))
    yield* applyFinished(run)
    if (settlementDue(run) !== null) yield* within(settleRun(run, yield* monotonicMillis))
  }).pipe(Effect.ignore)

/** Ends when the endpoint was lost, changed or disabled. When it is interrupted it lets open requests end, and writes down what it has done. */
export const deliverToEndpoint = Effect.fnUntraced(function* (run: EndpointRun, context: DeliveryContext) {
  const fibers = yield* FiberSet.make<void>()
  yield* Effect.addFinalizer(() => finish(run, fibers))
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
