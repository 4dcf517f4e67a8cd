/** The webhook endpoints in memory. */
import {
  type HeldSubject,
  type NewDelivery,
  PREVIOUS_SECRET_VALID_MS,
  WEBHOOK_ENDPOINTS_MAX,
  type WebhookEndpoint,
  WebhookEndpoints
} from "@greenroom/core"
import { DateTime, Effect, Option } from "effect"
import { headOf, logOther } from "./eventLog.ts"
import { atomically, type MemoryState, MemoryStore, type StoredEndpoint } from "./MemoryStore.ts"
import { pageOf } from "./newestFirst.ts"
import { changed, isHeldBy, pruned, secretsOf, settled, shown, takeAndRenew } from "./storedEndpoints.ts"

type Port = WebhookEndpoints["Service"]

/** Increasing ids, so that records of the same millisecond keep their order. */
const nthId = (n: number): string => `00000000-0000-4000-8000-${n.toString(16).padStart(12, "0")}`

const logDisabled = (store: MemoryState, { id, url }: StoredEndpoint, reason: "gone" | "failing", at: DateTime.Utc) =>
  logOther(store, {
    type: "webhook_endpoint.disabled",
    at,
    subject: `webhook_endpoint:${id}`,
    broadcasterId: null,
    streamSeq: null,
    data: { id, url, reason }
  })

const updating =
  ({ webhookEndpoints: endpoints }: MemoryState) =>
  (id: StoredEndpoint["id"], next: (stored: StoredEndpoint, now: DateTime.Utc) => StoredEndpoint) =>
    atomically((now) => {
      const stored = endpoints.get(id)
      if (stored === undefined) return Option.none<WebhookEndpoint>()
      const written = next(stored, now)
      endpoints.set(id, written)
      return Option.some(shown(written))
    })

/** What operators do to endpoints. */
const managing = (
  store: MemoryState
): Pick<Port, "create" | "list" | "find" | "secrets" | "change" | "remove" | "rotateSecret"> => {
  const { webhookEndpoints: endpoints, eventLog } = store
  const update = updating(store)
  return {
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
          generation: 1,
          leases: 0,
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
      })
  }
}

/** What deliveries read and write. */
const delivering = (store: MemoryState): Omit<Port, keyof ReturnType<typeof managing>> => {
  const { webhookEndpoints: endpoints } = store
  const update = updating(store)
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
  return {
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
    settle: (id, { holder, generation, lease, log }, settlement) =>
      atomically((now) => {
        const stored = endpoints.get(id)
        if (stored === undefined || stored.generation !== generation || stored.leases !== lease) return false
        const head = headOf(store.eventLog)
        if (head.log !== log || settlement.position > head.newest) return false
        if (!isHeldBy(stored, holder, DateTime.toEpochMillis(now))) return false
        endpoints.set(id, record(settled(stored, settlement, now), settlement.deliveries, now))
        if (settlement.disable !== null) logDisabled(store, stored, settlement.disable, now)
        return true
      })
  }
}

export const make: Effect.Effect<Port, never, MemoryStore> = Effect.map(MemoryStore, (store) =>
  WebhookEndpoints.of({ ...managing(store), ...delivering(store) })
)
