/** What operations do to a webhook endpoint in memory: pure, apart from `takeAndRenew`, which replaces values in the map. */
import {
  type EncryptedSecret,
  FAILURES_KEPT,
  type LeasedEndpoint,
  type Settlement,
  SUCCESSES_KEPT,
  type WebhookDelivery,
  type WebhookEndpoint,
  type WebhookEndpointChanges,
  type WebhookEndpoints
} from "@greenroom/core"
import { DateTime } from "effect"
import type { MemoryState, StoredEndpoint } from "./MemoryStore.ts"

export const shown = (stored: StoredEndpoint): WebhookEndpoint => {
  const {
    revision: _,
    generation: _g,
    leases: _n,
    secret: _s,
    previous: _p,
    lease: _l,
    failingSince,
    stop,
    held: _h,
    deliveries: _d,
    ...rest
  } = stored
  return {
    ...rest,
    failingSince: failingSince === null ? null : DateTime.makeUnsafe(failingSince),
    nextAttemptAt: stop === null ? null : DateTime.makeUnsafe(stop.dueAt)
  }
}

export const secretsOf = ({ secret, previous }: StoredEndpoint, now: number): ReadonlyArray<EncryptedSecret> =>
  previous !== null && previous.until > now ? [secret, previous.secret] : [secret]

export const isHeldBy = ({ enabled, lease }: StoredEndpoint, holder: string, now: number): boolean =>
  enabled && lease?.holder === holder && lease.until > now

const leased = (stored: StoredEndpoint, now: number): LeasedEndpoint => ({
  endpoint: shown(stored),
  revision: stored.revision,
  generation: stored.generation,
  lease: stored.leases,
  secrets: secretsOf(stored, now),
  stop: stored.stop === null ? null : { attempt: stored.stop.attempt, dueInMillis: stored.stop.dueAt - now },
  failingForMillis: stored.failingSince === null ? null : now - stored.failingSince
})

/** The newest of each kind. */
export const pruned = (deliveries: ReadonlyArray<WebhookDelivery>): ReadonlyArray<WebhookDelivery> => {
  const isSuccess = ({ outcome }: WebhookDelivery) => outcome === "delivered"
  const successes = deliveries.filter(isSuccess).slice(-SUCCESSES_KEPT)
  const failures = deliveries.filter((one) => !isSuccess(one)).slice(-FAILURES_KEPT)
  return [...successes, ...failures].sort((a, b) => (a.id < b.id ? -1 : 1))
}

export const changed = (
  stored: StoredEndpoint,
  { from, ...changes }: WebhookEndpointChanges,
  newest: number,
  now: DateTime.Utc
): StoredEndpoint => {
  const isSwitched = changes.enabled !== undefined && changes.enabled !== stored.enabled
  const generation = stored.generation + (isSwitched ? 1 : 0)
  const next = { ...stored, ...changes, revision: stored.revision + 1, generation, updatedAt: now }
  if (!next.enabled) return changes.enabled === undefined ? next : { ...next, disabledReason: null }
  if (stored.enabled) return next
  const fresh = { ...next, disabledReason: null, failingSince: null, stop: null }
  return from === undefined ? fresh : { ...fresh, position: from === "now" ? newest : from, held: new Map() }
}

export const settled = (stored: StoredEndpoint, settlement: Settlement, at: DateTime.Utc): StoredEndpoint => {
  const now = DateTime.toEpochMillis(at)
  const { position, stop, failingForMillis, disable } = settlement
  const held = new Map(stored.held)
  for (const { subject, dueInMillis, ...rest } of settlement.held)
    held.set(subject, { ...rest, dueAt: now + dueInMillis })
  for (const subject of settlement.released) held.delete(subject)
  return {
    ...stored,
    position: Math.max(stored.position, position),
    held,
    stop: stop === null ? null : { attempt: stop.attempt, dueAt: now + stop.dueInMillis },
    failingSince: failingForMillis === null ? null : now - failingForMillis,
    ...(disable === null ? {} : { enabled: false, disabledReason: disable, updatedAt: at })
  }
}

export const takeAndRenew = (
  { webhookEndpoints: endpoints }: MemoryState,
  holder: string,
  { ttlMillis, renewMillis, most }: Parameters<WebhookEndpoints["Service"]["lease"]>[1],
  now: number
): ReadonlyArray<LeasedEndpoint> => {
  const until = now + ttlMillis
  let room = most - [...endpoints.values()].filter((one) => isHeldBy(one, holder, now)).length
  for (const one of endpoints.values()) {
    if (!one.enabled) continue
    const isFree = one.lease === null || one.lease.until <= now
    const isEnding = isHeldBy(one, holder, now) && one.lease!.until <= now + renewMillis
    if (!isEnding && !(isFree && room > 0)) continue
    if (isFree) room -= 1
    const leases = one.leases + (one.lease?.holder === holder ? 0 : 1)
    endpoints.set(one.id, { ...one, leases, lease: { holder, until } })
  }
  return [...endpoints.values()].filter((one) => isHeldBy(one, holder, now)).map((one) => leased(one, now))
}
