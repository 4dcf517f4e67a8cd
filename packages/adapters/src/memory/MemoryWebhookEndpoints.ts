/** The webhook endpoints in memory. */
import {
  type EncryptedSecret,
  FAILURES_KEPT,
  type HeldSubject,
  type LeasedEndpoint,
  type NewDelivery,
  PREVIOUS_SECRET_VALID_MS,
  type Settlement,
  SUCCESSES_KEPT,
  WEBHOOK_ENDPOINTS_MAX,
  type WebhookDelivery,
  type WebhookEndpoint,
  type WebhookEndpointChanges,
  WebhookEndpoints
} from "@greenroom/core"
import { DateTime, Effect, Option } from "effect"
import { headOf, logOther } from "./eventLog.ts"
import { atomically, type MemoryState, MemoryStore, type StoredEndpoint } from "./MemoryStore.ts"
import { pageOf } from "./newestFirst.ts"

/** Increasing ids, so that records of the same millisecond keep their order. */
const nthId = (n: number): string => `00000000-0000-4000-8000-${n.toString(16).padStart(12, "0")}`

const shown = (stored: StoredEndpoint): WebhookEndpoint => {
  const {
    revision: _,
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

const secretsOf = ({ secret, previous }: StoredEndpoint, now: number): ReadonlyArray<EncryptedSecret> =>
  previous !== null && previous.until > now ? [secret, previous.secret] : [secret]

const isHeldBy = ({ enabled, lease }: StoredEndpoint, holder: string, now: number): boolean =>
  enabled && lease?.holder === holder && lease.until > now

const leased = (stored: StoredEndpoint, now: number): LeasedEndpoint => ({
  endpoint: shown(stored),
  revision: stored.revision,
  secrets: secretsOf(stored, now),
  stop: stored.stop === null ? null : { attempt: stored.stop.attempt, dueInMillis: stored.stop.dueAt - now },
  failingForMillis: stored.failingSince === null ? null : now - stored.failingSince
})

/** The newest of each kind. */
const pruned = (deliveries: ReadonlyArray<WebhookDelivery>): ReadonlyArray<WebhookDelivery> => {
  const isSuccess = ({ outcome }: WebhookDelivery) => outcome === "delivered"
  const successes = deliveries.filter(isSuccess).slice(-SUCCESSES_KEPT)
  const failures = deliveries.filter((one) => !isSuccess(one)).slice(-FAILURES_KEPT)
  return [...successes, ...failures].sort((a, b) => (a.id < b.id ? -1 : 1))
}

const changed = (
  stored: StoredEndpoint,
  { from, ...changes }: WebhookEndpointChanges,
  newest: number,
  now: DateTime.Utc
): StoredEndpoint => {
  const next = { ...stored, ...changes, revision: stored.revision + 1, updatedAt: now }
  if (!next.enabled) return changes.enabled === undefined ? next : { ...next, disabledReason: null }
  if (stored.enabled) return next
  const fresh = { ...next, disabledReason: null, failingSince: null, stop: null }
  return from === undefined ? fresh : { ...fresh, position: from === "now" ? newest : from, held: new Map() }
}

const settled = (stored: StoredEndpoint, settlement: Settlement, at: DateTime.Utc): StoredEndpoint => {
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

const logDisabled = (store: MemoryState, { id, url }: StoredEndpoint, reason: "gone" | "failing", at: DateTime.Utc) =>
  logOther(store, {
    type: "webhook_endpoint.disabled",
    at,
    subject: `webhook_endpoint:${id}`,
    broadcasterId: null,
    streamSeq: null,
    data: { id, url, reason }
  })

const takeAndRenew = (
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
    endpoints.set(one.id, { ...one, lease: { holder, until } })
  }
  return [...endpoints.values()].filter((one) => isHeldBy(one, holder, now)).map((one) => leased(one, now))
}

export const make: Effect.Effect<WebhookEndpoints["Service"], never, MemoryStore> = Effect.map(MemoryStore, (store) => {
  const { webhookEndpoints: endpoints, eventLog } = store
  let made = 0

  const record = (stored: StoredEndpoint, deliveries: ReadonlyArray<NewDelivery>, at: DateTime.Utc): StoredEndpoint => {
    const added = deliveries.map(({ retryInMillis, ...delivery }) => ({
      ...delivery,
      id: nthId(++made),
      at,
      nextAttemptAt: retryInMillis === null ? null : DateTime.add(at, { milliseconds: retryInMillis })
    }))
    return { ...stored, deliveries: pruned([...stored.deliveries, ...added]) }
  }
  const update = (id: StoredEndpoint["id"], next: (stored: StoredEndpoint, now: DateTime.Utc) => StoredEndpoint) =>
    atomically((now) => {
      const stored = endpoints.get(id)
      if (stored === undefined) return Option.none<WebhookEndpoint>()
      const written = next(stored, now)
      endpoints.set(id, written)
      return Option.some(shown(written))
    })

  return WebhookEndpoints.of({
    create: (id, fields, secret) =>
      atomically((now) => {
        if (endpoints.size >= WEBHOOK_ENDPOINTS_MAX) return { _tag: "TooMany" } as const
        const stored: StoredEndpoint = {
          ...fields,
          id,
          disabledReason: null,
          position: headOf(eventLog).newest,
          createdAt: now,
          updatedAt: now,
          revision: 1,
          secret,
          previous: null,
          lease: null,
          failingSince: null,
          stop: null,
          held: new Map(),
          deliveries: []
        }
        endpoints.set(id, stored)
        return { _tag: "Created", endpoint: shown(stored) } as const
      }),
    list: Effect.sync(() => [...endpoints.values()].map(shown)),
    find: (id) => Effect.sync(() => Option.map(Option.fromNullishOr(endpoints.get(id)), shown)),
    secrets: (id) =>
      atomically((now) =>
        Option.map(Option.fromNullishOr(endpoints.get(id)), (stored) => secretsOf(stored, DateTime.toEpochMillis(now)))
      ),
    change: (id, changes) => update(id, (stored, now) => changed(stored, changes, headOf(eventLog).newest, now)),
    remove: (id) => Effect.sync(() => endpoints.delete(id)),
    rotateSecret: (id, secret) =>
      update(id, (stored, now) => {
        const previous = { secret: stored.secret, until: DateTime.toEpochMillis(now) + PREVIOUS_SECRET_VALID_MS }
        return { ...stored, secret, previous, revision: stored.revision + 1, updatedAt: now }
      }),
    deliveries: (id, page) =>
      atomically((now) => pageOf(page, now, endpoints.get(id)?.deliveries ?? [], ({ at, id }) => ({ at, id }))),
    record: (id, deliveries) => Effect.asVoid(update(id, (stored, now) => record(stored, deliveries, now))),
    lease: (holder, lease) => atomically((now) => takeAndRenew(store, holder, lease, DateTime.toEpochMillis(now))),
    release: (holder) =>
      Effect.sync(() => {
        for (const one of endpoints.values())
          if (one.lease?.holder === holder) endpoints.set(one.id, { ...one, lease: null })
      }),
    held: (id) =>
      atomically((at) => {
        const now = DateTime.toEpochMillis(at)
        const held = [...(endpoints.get(id)?.held ?? [])].map(
          ([subject, { dueAt, ...rest }]): HeldSubject => ({ subject, ...rest, dueInMillis: dueAt - now })
        )
        return held.sort((a, b) => a.position - b.position)
      }),
    settle: (id, { holder, revision }, settlement) =>
      atomically((now) => {
        const stored = endpoints.get(id)
        if (stored === undefined || stored.revision !== revision) return false
        if (!isHeldBy(stored, holder, DateTime.toEpochMillis(now))) return false
        endpoints.set(id, record(settled(stored, settlement, now), settlement.deliveries, now))
        if (settlement.disable !== null) logDisabled(store, stored, settlement.disable, now)
        return true
      })
  })
})
