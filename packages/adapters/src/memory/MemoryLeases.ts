/** The reconciler's lease in memory. One process seldom needs it; the simulation runs several instances over one store. */
import { type By, Leases } from "@greenroom/core"
import { DateTime, Effect, Layer } from "effect"
import { atomically, type MemoryState, MemoryStore, type StoredLease } from "./MemoryStore.ts"

const SERVER = "main"

const isHeldBy = (lease: StoredLease | undefined, holder: string, now: DateTime.Utc): lease is StoredLease =>
  lease !== undefined && lease.holder === holder && lease.until > DateTime.toEpochMillis(now)

/** Whether a move in this holder's name may be made; one in nobody's name always may. */
export const holds = (store: MemoryState, by: By, now: DateTime.Utc): boolean =>
  by === null || isHeldBy(store.leases.get(SERVER), by, now)

const make = Effect.map(MemoryStore, (store) =>
  Leases.of({
    hold: (holder, ttlMillis) =>
      atomically((now) => {
        const lease = store.leases.get(SERVER)
        const started = lease?.started ?? null
        const nowMillis = DateTime.toEpochMillis(now)
        if (lease !== undefined && lease.holder !== holder && lease.until > nowMillis) return { held: false, started }
        store.leases.set(SERVER, { holder, until: nowMillis + ttlMillis, started })
        return { held: true, started }
      }),
    remember: (holder, started) =>
      atomically((now) => {
        const lease = store.leases.get(SERVER)
        if (isHeldBy(lease, holder, now)) store.leases.set(SERVER, { ...lease, started })
      }),
    release: (holder) =>
      atomically((now) => {
        const lease = store.leases.get(SERVER)
        if (isHeldBy(lease, holder, now)) store.leases.set(SERVER, { ...lease, until: DateTime.toEpochMillis(now) })
      })
  })
)

export const layer: Layer.Layer<Leases, never, MemoryStore> = Layer.effect(Leases, make)
