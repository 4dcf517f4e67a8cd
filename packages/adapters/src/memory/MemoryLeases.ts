/** The reconciler's lease in memory. A single instance does not need it; the simulation runs several over one store. */
import { type Lease, type LeaseHolder, Leases, type mediaServerEventNames } from "@greenroom/core"
import { DateTime, Effect } from "effect"
import { logOther } from "./eventLog.ts"
import { atomically, type MemoryState, MemoryStore, type StoredLease } from "./MemoryStore.ts"

const SERVER = "main"

const isHeldBy = (lease: StoredLease | undefined, holder: string, now: DateTime.Utc): lease is StoredLease =>
  lease !== undefined && lease.holder === holder && lease.until > DateTime.toEpochMillis(now)

/** Whether a change by this holder is permitted; one without a holder always is. */
export const holds = (store: MemoryState, by: LeaseHolder, now: DateTime.Utc): boolean =>
  by === null || isHeldBy(store.leases.get(SERVER), by, now)

const FREE: StoredLease = {
  holder: "",
  until: 0,
  started: null,
  reachable: null,
  lastSnapshot: null,
  enforceUntil: null
}

const shown = ({ until, started, lastSnapshot, enforceUntil }: StoredLease, held: boolean, now: number): Lease => ({
  held,
  leftMillis: until - now,
  started,
  enforce: enforceUntil !== null && enforceUntil > now,
  lastSnapshot: lastSnapshot === null ? null : { ageMillis: now - lastSnapshot.at, found: lastSnapshot.found }
})

/** Keeps the lease, and logs what it shows of the media server where that is new. */
const keep = (store: MemoryState, old: StoredLease, lease: StoredLease, at: DateTime.Utc): void => {
  store.leases.set(SERVER, lease)
  const log = (type: (typeof mediaServerEventNames)[number]) =>
    logOther(store, {
      type,
      at,
      subject: `media_server:${SERVER}`,
      broadcasterId: null,
      streamSeq: null,
      data: { id: SERVER, reachable: lease.reachable === true, started: lease.started }
    })
  if (lease.reachable !== old.reachable)
    log(lease.reachable === true ? "media_server.reachable" : "media_server.unreachable")
  if (old.started !== null && lease.started !== old.started) log("media_server.restarted")
}

export const make: Effect.Effect<Leases["Service"], never, MemoryStore> = Effect.map(MemoryStore, (store) =>
  Leases.of({
    acquire: (holder, ttlMillis) =>
      atomically((at) => {
        const lease = store.leases.get(SERVER) ?? FREE
        const now = DateTime.toEpochMillis(at)
        if (lease.holder !== holder && lease.until > now) return shown(lease, false, now)
        const taken = { ...lease, holder, until: now + ttlMillis }
        store.leases.set(SERVER, taken)
        return shown(taken, true, now)
      }),
    recordPass: (holder, { started, lookedAt, found, fulfilled }, ttlMillis) =>
      atomically((at) => {
        const lease = store.leases.get(SERVER)
        if (!isHeldBy(lease, holder, at)) return null
        const now = DateTime.toEpochMillis(at)
        const lastSnapshot = { at: DateTime.toEpochMillis(lookedAt), found }
        const enforceUntil = fulfilled ? null : lease.enforceUntil
        const recorded = { ...lease, until: now + ttlMillis, started, reachable: true, lastSnapshot, enforceUntil }
        keep(store, lease, recorded, at)
        return shown(recorded, true, now)
      }),
    recordUnreachable: (holder) =>
      atomically((at) => {
        const lease = store.leases.get(SERVER)
        if (isHeldBy(lease, holder, at)) keep(store, lease, { ...lease, reachable: false }, at)
      }),
    requestEnforcement: (millis) =>
      atomically((now) => {
        const lease = store.leases.get(SERVER) ?? FREE
        const until = DateTime.toEpochMillis(now) + millis
        store.leases.set(SERVER, { ...lease, enforceUntil: Math.max(until, lease.enforceUntil ?? 0) })
      }),
    release: (holder) =>
      atomically((now) => {
        const lease = store.leases.get(SERVER)
        if (isHeldBy(lease, holder, now)) store.leases.set(SERVER, { ...lease, until: DateTime.toEpochMillis(now) })
      })
  })
)
