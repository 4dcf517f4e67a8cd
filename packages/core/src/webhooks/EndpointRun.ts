/** What the holder of one endpoint knows of its deliveries, from taking the lease to losing it. */
import { Effect, Queue, type Redacted } from "effect"
import type { LogId } from "../domain/events/EventCursor.ts"
import type { EventFilter } from "../domain/events/LoggedEvent.ts"
import type { Attempt } from "../domain/webhooks/afterAttempt.ts"
import { type DeliveryState, initialDeliveryState } from "../domain/webhooks/DeliveryState.ts"
import { filterOf, type WebhookEndpoint } from "../domain/webhooks/WebhookEndpoint.ts"
import { type LeasedEndpoint, WebhookEndpoints } from "../ports/WebhookEndpoints.ts"
import { elapsedAtMost, monotonicMillis, type Reading, readClocks } from "../resilience/ProcessClock.ts"
import { readableSecrets } from "./readableSecrets.ts"

export interface EndpointRun {
  readonly holder: string
  readonly endpoint: WebhookEndpoint
  readonly revision: number
  readonly generation: number
  readonly lease: number
  /** The positions of the state are of this log: after a restore they may name other events. */
  readonly log: LogId
  readonly filter: EventFilter
  /** Something is new: an event, the end of an attempt, a renewal. */
  readonly wakes: Queue.Queue<void>
  /** Attempts that have ended and are not in the state yet. */
  readonly finished: Array<Attempt>
  state: DeliveryState
  secrets: ReadonlyArray<Redacted.Redacted<string>>
  /** By the store, readable or not. */
  secretsGiven: number
  /** Before the store was asked to lease or renew. */
  leasedAt: Reading
  /** By the monotonic clock. */
  settledAt: number
}

/** Reads what the store has of the endpoint's deliveries. */
export const makeRun = Effect.fnUntraced(function* (
  { holder, log }: Pick<EndpointRun, "holder" | "log">,
  leased: LeasedEndpoint,
  leasedAt: Reading
) {
  const { endpoint, revision, generation, lease, stop, failingForMillis } = leased
  const stored = yield* (yield* WebhookEndpoints).held(endpoint.id)
  const now = yield* monotonicMillis
  const held = stored.map(
    ({ subject, position, attempt, dueInMillis }) =>
      [subject, { position, attempt, dueAt: now + dueInMillis, loaded: [] }] as const
  )
  const run: EndpointRun = {
    holder,
    endpoint,
    revision,
    generation,
    lease,
    log,
    filter: filterOf(endpoint),
    wakes: yield* Queue.sliding<void>(1),
    finished: [],
    state: initialDeliveryState({
      position: endpoint.position,
      held: new Map(held),
      stop: stop === null ? null : { attempt: stop.attempt, dueAt: now + stop.dueInMillis },
      failingSince: failingForMillis === null ? null : now - failingForMillis
    }),
    secrets: yield* readableSecrets(leased.secrets),
    secretsGiven: leased.secrets.length,
    leasedAt,
    settledAt: Number.NEGATIVE_INFINITY
  }
  return run
})

/** The lease was renewed. The previous secret may have expired since. */
export const renewRun = Effect.fnUntraced(function* (run: EndpointRun, leased: LeasedEndpoint, leasedAt: Reading) {
  if (leased.secrets.length !== run.secretsGiven) run.secrets = yield* readableSecrets(leased.secrets)
  run.secretsGiven = leased.secrets.length
  run.leasedAt = leasedAt
  wake(run)
})

export const wake = ({ wakes }: EndpointRun): void => void Queue.offerUnsafe(wakes, undefined)

/** Whether the lease lasts, by this process's own clocks. */
export const isLeased = ({ leasedAt }: EndpointRun, ttlMillis: number): Effect.Effect<boolean> =>
  Effect.map(readClocks, (now) => elapsedAtMost(leasedAt, now) < ttlMillis)
