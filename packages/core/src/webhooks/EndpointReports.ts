/** What operators learn of deliveries: a log line when an endpoint stops, goes on or is disabled, and three conditions. URLs are not logged: they may have a secret. */
import { Effect } from "effect"
import type { WebhookEndpointId } from "../domain/values/Ids.ts"
import type { DisabledReason, WebhookEndpoint } from "../domain/webhooks/WebhookEndpoint.ts"
import type { StoreUnavailable } from "../ports/StoreUnavailable.ts"
import { makeConditions, setCondition } from "../resilience/Conditions.ts"
import { monotonicMillis } from "../resilience/ProcessClock.ts"
import type { EndpointRun } from "./EndpointRun.ts"

export interface EndpointReports {
  readonly report: (run: EndpointRun) => Effect.Effect<void>
  readonly disabled: (run: EndpointRun, reason: DisabledReason) => Effect.Effect<void>
  readonly store: (run: EndpointRun, error: StoreUnavailable | null) => Effect.Effect<void>
  readonly leases: (error: unknown) => Effect.Effect<void>
  /** The endpoint's secrets cannot be decrypted. */
  readonly unable: (id: WebhookEndpointId, error: unknown) => Effect.Effect<void>
  /** Those that this instance holds, and all that there are. */
  readonly known: (held: ReadonlySet<WebhookEndpointId>, all: ReadonlyArray<WebhookEndpoint>) => Effect.Effect<void>
}

const CANNOT = "webhooks are late: the store does not answer their deliveries"
const CAN_AGAIN = "webhooks are delivered again"
const DISABLED = "webhook endpoints are disabled: they get no events until they are enabled again"
const NONE_DISABLED = "no webhook endpoint is disabled any more"

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

export const makeEndpointReports = Effect.gen(function* () {
  const conditions = makeConditions()
  for (const kind of ["webhook_endpoint_failing", "webhook_endpoints_disabled", "webhooks_late"] as const)
    yield* setCondition(kind, false)
  const stopped = new Set<WebhookEndpointId>()
  const unreadable = new Set<WebhookEndpointId>()
  /** Whose calls to the store fail; `null`: those of the leases. */
  const failing = new Set<WebhookEndpointId | null>()
  const showFailing = Effect.suspend(() =>
    conditions.set("webhook_endpoint_failing", stopped.size + unreadable.size > 0)
  )
  const late = (who: WebhookEndpointId | null, error: unknown) =>
    Effect.suspend(() => {
      if (error === null) failing.delete(who)
      else failing.add(who)
      if (error === null && failing.size > 0) return Effect.void
      const annotations = error === null ? {} : { error: textOf(error) }
      return conditions.set("webhooks_late", failing.size > 0, failing.size > 0 ? CANNOT : CAN_AGAIN, { annotations })
    })

  const report = Effect.fnUntraced(function* ({ endpoint: { id }, state }: EndpointRun) {
    const { stop } = state
    unreadable.delete(id)
    if (stopped.has(id) === (stop !== null)) return
    if (stop === null) {
      stopped.delete(id)
      yield* Effect.logInfo("a webhook endpoint gets events again").pipe(Effect.annotateLogs({ webhook_endpoint: id }))
    } else {
      stopped.add(id)
      const retry_in_ms = Math.max(0, Math.round(stop.dueAt - (yield* monotonicMillis)))
      yield* Effect.logWarning("a webhook endpoint fails: its events wait, one attempt at a time is made").pipe(
        Effect.annotateLogs({ webhook_endpoint: id, attempt: stop.attempt, retry_in_ms })
      )
    }
    yield* showFailing
  })

  const reports: EndpointReports = {
    report,
    disabled: ({ endpoint: { id } }, reason) =>
      Effect.suspend(() => {
        stopped.delete(id)
        const line = Effect.logWarning("a webhook endpoint is disabled").pipe(
          Effect.annotateLogs({ webhook_endpoint: id, reason })
        )
        return Effect.andThen(showFailing, line)
      }),
    store: ({ endpoint }, error) => late(endpoint.id, error),
    leases: (error) => late(null, error),
    unable: (id, error) =>
      Effect.suspend(() => {
        if (unreadable.has(id)) return Effect.void
        unreadable.add(id)
        return Effect.andThen(
          showFailing,
          Effect.logError("a webhook endpoint gets no events: its secret cannot be read").pipe(
            Effect.annotateLogs({ webhook_endpoint: id, error: textOf(error) })
          )
        )
      }),
    known: Effect.fnUntraced(function* (held, all) {
      for (const set of [stopped, unreadable, failing])
        for (const id of [...set]) if (id !== null && !held.has(id)) (set as Set<typeof id>).delete(id)
      yield* showFailing
      const isAny = all.some(({ disabledReason }) => disabledReason !== null)
      yield* conditions.set("webhook_endpoints_disabled", isAny, isAny ? DISABLED : NONE_DISABLED)
    })
  }
  return reports
})
