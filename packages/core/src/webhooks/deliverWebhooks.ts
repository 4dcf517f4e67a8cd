/**
 * Delivers events to webhook endpoints. Each instance leases endpoints that no other holds, at most all that there may be, and runs one loop for
 * each. It asks every second, so that a new, changed or abandoned endpoint is taken up soon; leases last 30 s and are renewed after 10 s.
 */
import { Cause, Effect, Exit, FiberMap, Metric } from "effect"
import type { WebhookEndpointId } from "../domain/values/Ids.ts"
import { WEBHOOK_ENDPOINTS_MAX } from "../domain/webhooks/WebhookEndpoint.ts"
import * as Metrics from "../Metrics.ts"
import { StoreUnavailable } from "../ports/StoreUnavailable.ts"
import { type LeasedEndpoint, WebhookEndpoints } from "../ports/WebhookEndpoints.ts"
import { readClocks } from "../resilience/ProcessClock.ts"
import { type DeliveryContext, deliverToEndpoint, WEBHOOK_LEASE_MS } from "./deliverToEndpoint.ts"
import { type EndpointReports, makeEndpointReports } from "./EndpointReports.ts"
import { type EndpointRun, makeRun, renewRun, wake } from "./EndpointRun.ts"
import { followRecentEvents } from "./RecentEvents.ts"

const LEASE_EVERY = "1 second"
const RENEW_MS = 20_000
const RELEASE_WITHIN = "1 second"

const LEASE = { ttlMillis: WEBHOOK_LEASE_MS, renewMillis: RENEW_MS, most: WEBHOOK_ENDPOINTS_MAX }

interface Supervisor {
  readonly holder: string
  readonly context: DeliveryContext
  readonly reports: EndpointReports
  readonly fibers: FiberMap.FiberMap<WebhookEndpointId, void>
  readonly runs: Map<WebhookEndpointId, EndpointRun>
}

const start = Effect.fnUntraced(function* (
  supervisor: Supervisor,
  leased: LeasedEndpoint,
  at: EndpointRun["leasedAt"]
) {
  const { holder, context, runs, fibers, reports } = supervisor
  const { id } = leased.endpoint
  const made = yield* Effect.exit(makeRun({ holder, log: context.recent.log() }, leased, at))
  if (Exit.isFailure(made)) {
    const error = Cause.squash(made.cause)
    if (error instanceof StoreUnavailable || Cause.hasInterruptsOnly(made.cause))
      return yield* Effect.failCause(made.cause)
    return yield* reports.unable(id, error)
  }
  const run = made.value
  runs.set(id, run)
  const ended = Effect.onExit(deliverToEndpoint(run, context), (exit) =>
    Effect.suspend(() => {
      if (runs.get(id) === run) runs.delete(id)
      return Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)
        ? Effect.logError("a defect in the deliveries to a webhook endpoint", exit.cause)
        : Effect.void
    })
  )
  yield* FiberMap.run(fibers, id, Effect.ignoreCause(ended))
})

const stop = Effect.fnUntraced(function* ({ runs, fibers }: Supervisor, id: WebhookEndpointId) {
  yield* FiberMap.remove(fibers, id)
  runs.delete(id)
})

/** What a run relies on is as it was: its endpoint, its lease, its log. */
const isAsBefore = (
  { revision, lease, log }: EndpointRun,
  leased: LeasedEndpoint | undefined,
  { recent }: DeliveryContext
) => leased?.revision === revision && leased.lease === lease && recent.log() === log

/** Ends the runs of endpoints that are not held any more, or whose grounds have changed. Whether there were any. */
const stopOthers = Effect.fnUntraced(function* (supervisor: Supervisor, leased: ReadonlyArray<LeasedEndpoint>) {
  const found = new Map(leased.map((one) => [one.endpoint.id, one]))
  const ended = [...supervisor.runs].filter(([id, run]) => !isAsBefore(run, found.get(id), supervisor.context))
  yield* Effect.forEach(ended, ([id]) => stop(supervisor, id), { concurrency: "unbounded", discard: true })
  return ended.length > 0
})

/** Leases and renews; starts and stops the runs accordingly. An endpoint that has changed begins anew. */
const leaseAll = Effect.fnUntraced(function* (supervisor: Supervisor) {
  const { holder, runs, reports } = supervisor
  const endpoints = yield* WebhookEndpoints
  let at = yield* readClocks
  let leased = yield* endpoints.lease(holder, LEASE)
  if (yield* stopOthers(supervisor, leased)) {
    // What has ended has written down how far it came.
    at = yield* readClocks
    leased = yield* endpoints.lease(holder, LEASE)
  }
  for (const one of leased) {
    const run = runs.get(one.endpoint.id)
    if (run === undefined) yield* start(supervisor, one, at)
    else
      yield* Effect.catchTag(renewRun(run, one, at), "SecretUnreadable", (error) =>
        reports.unable(run.endpoint.id, error)
      )
  }
  const ids = new Set(leased.map(({ endpoint }) => endpoint.id))
  yield* reports.known(ids, yield* endpoints.list)
  yield* Metric.update(Metrics.webhookEndpointsHeld, ids.size)
})

/** Ends the runs, which write down what they have done, and gives the endpoints to others. */
const shutDown = Effect.fnUntraced(function* ({ fibers, holder }: Supervisor) {
  yield* FiberMap.clear(fibers)
  yield* Effect.ignore(Effect.timeoutOption((yield* WebhookEndpoints).release(holder), RELEASE_WITHIN))
})

/** Runs until it is interrupted. `holder` is this instance's name, as for the reconciler. */
export const deliverWebhooks = Effect.fnUntraced(function* (holder: string) {
  const runs: Supervisor["runs"] = new Map()
  const recent = yield* followRecentEvents(() => {
    for (const run of runs.values()) wake(run)
  })
  const reports = yield* makeEndpointReports
  const fibers = yield* FiberMap.make<WebhookEndpointId, void>()
  const context: DeliveryContext = {
    recent,
    report: reports.report,
    reportDisabled: reports.disabled,
    reportStore: reports.store
  }
  const supervisor: Supervisor = { holder, context, reports, fibers, runs }
  yield* Effect.addFinalizer(() => shutDown(supervisor))
  const attempt = Effect.gen(function* () {
    const exit = yield* Effect.exit(leaseAll(supervisor))
    if (Exit.isSuccess(exit)) return yield* reports.leases(null)
    if (Cause.hasInterruptsOnly(exit.cause)) return yield* Effect.failCause(exit.cause)
    const error = Cause.squash(exit.cause)
    if (!(error instanceof StoreUnavailable)) yield* Effect.logError("a defect in the delivery of webhooks", exit.cause)
    yield* reports.leases(error)
  })
  return yield* Effect.forever(Effect.andThen(attempt, Effect.sleep(LEASE_EVERY)))
}, Effect.scoped)
