/** The stream keys in memory. */
import {
  type BroadcasterId,
  type IssueOutcome,
  ingestPath,
  type KeyAt,
  type KeyChanges,
  type KeyFilter,
  keyStatus,
  parseLimit,
  type RotateOutcome,
  revocationOf,
  StoreUnavailable,
  type StreamKey,
  StreamKeys,
  whyNotRotatable
} from "@greenroom/core"
import { DateTime, Effect, Option } from "effect"
import { logKey } from "./eventLog.ts"
import { atomically, hashText, type MemoryState, MemoryStore, type StoredKey, untouched } from "./MemoryStore.ts"
import { pageOf } from "./newestFirst.ts"
import { shownKey } from "./storedStreams.ts"

const ownPath = (key: Pick<StreamKey, "id" | "path">): string =>
  ingestPath(key.path === null ? null : parseLimit(key.path), key.id)

/** Whether another broadcaster has an unrevoked key with this ingest path. */
export const isOwnedByOther = (store: MemoryState, path: string, owner: BroadcasterId): boolean =>
  [...store.keys.values()].some(
    (key) =>
      key.revokedAt === null && key.broadcasterId !== owner && key.admitsUntil === undefined && ownPath(key) === path
  )

const isPast = (at: DateTime.Utc | null | undefined, now: DateTime.Utc): boolean =>
  at !== null && at !== undefined && DateTime.isLessThanOrEqualTo(at, now)

const changedKey = (key: StoredKey, { label, expiresAt, enabled, playback, block }: KeyChanges): StoredKey => {
  const { expiredEventAt, ...rest } = key
  return {
    ...rest,
    // Another expiry is another event.
    ...(expiresAt === undefined && expiredEventAt !== undefined ? { expiredEventAt } : {}),
    label: label === undefined ? key.label : label,
    expiresAt: expiresAt === undefined ? key.expiresAt : expiresAt,
    enabled: enabled ?? key.enabled,
    playback: playback === undefined ? key.playback : playback,
    block: block === undefined ? key.block : null
  }
}

const isSameKey = (one: StoredKey, other: StoredKey): boolean =>
  one.label === other.label &&
  one.enabled === other.enabled &&
  one.playback === other.playback &&
  one.block === other.block &&
  one.expiresAt?.epochMilliseconds === other.expiresAt?.epochMilliseconds

type Port = StreamKeys["Service"]

/** The keys of a store, as the operations read and write them. */
const keysIn = (store: MemoryState) => {
  const shown = (key: StoredKey): StreamKey => shownKey(store, key)
  const keyAt = (key: StoredKey, now: DateTime.Utc): KeyAt => ({ key: shown(key), now })

  const add = (key: StoredKey, now: DateTime.Utc): void => {
    store.keys.set(key.id, key)
    store.keyByHash.set(hashText(key.hash), key.id)
    logKey(store, "key.created", shown(key), now)
  }

  const matching = ({ broadcasterId, status, ofDeleted }: KeyFilter, now: DateTime.Utc): ReadonlyArray<StreamKey> =>
    [...store.keys.values()]
      .filter((key) => key.admitsUntil === undefined)
      .filter((key) => broadcasterId === undefined || key.broadcasterId === broadcasterId)
      .map(shown)
      .filter((key) => ofDeleted !== false || !key.broadcaster.deleted)
      .filter((key) => status === undefined || status.includes(keyStatus(key, now)))

  /** The API neither shows nor changes workers' keys. */
  const ordinary = (id: StreamKey["id"]): StoredKey | undefined => {
    const key = store.keys.get(id)
    return key?.admitsUntil === undefined ? key : undefined
  }

  return { store, shown, keyAt, add, matching, ordinary }
}
type Keys = ReturnType<typeof keysIn>

const issueIn =
  ({ store, add, keyAt }: Keys): Port["issue"] =>
  ({ hash, ...order }) =>
    Effect.flatMap(
      atomically((now): IssueOutcome | "duplicate" => {
        if (store.broadcasters.get(order.broadcasterId)?.deletedAt !== null) return { _tag: "UnknownBroadcaster" }
        if (isPast(order.expiresAt, now)) return { _tag: "ExpiryInPast" }
        if (isOwnedByOther(store, ownPath(order), order.broadcasterId)) return { _tag: "PathTaken" }
        if (store.keyByHash.has(hashText(hash))) return "duplicate"
        const key: StoredKey = { ...order, ...untouched, hash, createdAt: now }
        add(key, now)
        return { _tag: "Issued", ...keyAt(key, now) }
      }),
      (outcome) =>
        outcome === "duplicate"
          ? Effect.fail(
              new StoreUnavailable({ operation: "StreamKeys.issue", cause: new Error("Two keys with one hash") })
            )
          : Effect.succeed(outcome)
    )

const changeIn =
  ({ store, shown, keyAt, ordinary }: Keys): Port["change"] =>
  (id, changes) =>
    atomically((now) => {
      const key = ordinary(id)
      if (key === undefined) return { _tag: "NotFound" }
      if (revocationOf(key, now).revokedAt !== null) return { _tag: "Revoked" }
      if (isPast(changes.expiresAt, now)) return { _tag: "ExpiryInPast" }
      const changed = changedKey(key, changes)
      store.keys.set(id, changed)
      if (!isSameKey(changed, key)) logKey(store, "key.changed", shown(changed), now)
      return { _tag: "Changed", ...keyAt(changed, now) }
    })

const revokeIn =
  ({ store, shown, keyAt, ordinary }: Keys): Port["revoke"] =>
  (id) =>
    atomically((now) =>
      Option.map(Option.fromNullishOr(ordinary(id)), (key) => {
        const revoked = { ...key, revokedAt: revocationOf(key, now).revokedAt ?? now }
        store.keys.set(id, revoked)
        if (key.revokedAt === null) logKey(store, "key.revoked", shown(revoked), revoked.revokedAt)
        return keyAt(revoked, now)
      })
    )

const rotateIn =
  ({ store, shown, keyAt, add, ordinary }: Keys): Port["rotate"] =>
  (id, { overlapSeconds, ...values }) =>
    atomically((now): RotateOutcome => {
      const old = ordinary(id)
      if (old === undefined) return { _tag: "NotFound" }
      const former = old.rotatedFrom === null ? undefined : store.keys.get(old.rotatedFrom)
      const why = whyNotRotatable(old, former ?? null, now)
      if (why !== null) return why
      const { broadcasterId, label, path, playback, expiresAt, enabled, block } = old
      const grant = { broadcasterId, label, path, playback, expiresAt, enabled, block }
      const key: StoredKey = { ...values, ...untouched, ...grant, rotatedFrom: old.id, createdAt: now }
      add(key, now)
      const end = DateTime.add(now, { seconds: overlapSeconds })
      const rotated = {
        ...old,
        rotatedTo: key.id,
        ...(overlapSeconds === 0 ? { revokedAt: now } : { revokesAt: end })
      }
      store.keys.set(old.id, rotated)
      logKey(store, overlapSeconds === 0 ? "key.revoked" : "key.changed", shown(rotated), now)
      return { _tag: "Rotated", ...keyAt(key, now) }
    })

const blockIn =
  ({ store, shown, ordinary }: Keys): Port["block"] =>
  (id, path, seconds) =>
    atomically((now) => {
      const key = ordinary(id)
      if (key === undefined || revocationOf(key, now).revokedAt !== null) return false
      const blocked = { ...key, block: { path, until: DateTime.add(now, { seconds }) } }
      store.keys.set(id, blocked)
      logKey(store, "key.changed", shown(blocked), now)
      return true
    })

export const make: Effect.Effect<Port, never, MemoryStore> = Effect.map(MemoryStore, (store) => {
  const keys = keysIn(store)
  const { keyAt, matching, ordinary } = keys
  return StreamKeys.of({
    issue: issueIn(keys),
    find: (id) => atomically((now) => Option.map(Option.fromNullishOr(ordinary(id)), (key) => keyAt(key, now))),
    list: (filter, page) =>
      atomically((now) => pageOf(page, now, matching(filter, now), (item) => ({ at: item.createdAt, id: item.id }))),
    count: (filter) => atomically((now) => matching(filter, now).length),
    change: changeIn(keys),
    revoke: revokeIn(keys),
    rotate: rotateIn(keys),
    block: blockIn(keys)
  })
})
