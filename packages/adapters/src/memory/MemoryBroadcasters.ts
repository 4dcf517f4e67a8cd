/** The broadcasters in memory. */
import { type Broadcaster, Broadcasters, type ExternalId, ExternalIdTaken, revocationOf } from "@greenroom/core"
import { type DateTime, Effect, Equal, Option } from "effect"
import { logBroadcaster, logKey } from "./eventLog.ts"
import { atomically, jsonCopy, type MemoryState, MemoryStore, type StoredBroadcaster } from "./MemoryStore.ts"
import { pageOf } from "./newestFirst.ts"
import { broadcaster, shownKey } from "./storedStreams.ts"

type Port = Broadcasters["Service"]

const known = ({ broadcasters }: MemoryState, id: Broadcaster["id"]) =>
  Option.filter(Option.fromNullishOr(broadcasters.get(id)), ({ deletedAt }) => deletedAt === null)

const withExternalId = ({ broadcasters }: MemoryState, externalId: ExternalId): StoredBroadcaster | undefined => {
  for (const one of broadcasters.values()) if (one.externalId === externalId && one.deletedAt === null) return one
  return undefined
}

const add = (store: MemoryState, fields: Omit<Broadcaster, "createdAt" | "updatedAt">, now: DateTime.Utc) => {
  const created = { ...fields, metadata: jsonCopy(fields.metadata), createdAt: now, updatedAt: now }
  store.broadcasters.set(created.id, { ...created, deletedAt: null })
  logBroadcaster(store, "broadcaster.created", created, now)
  return created
}

/** The same with what is given in its place. */
const changed = (old: StoredBroadcaster, fields: Parameters<Port["change"]>[1]): StoredBroadcaster => ({
  ...old,
  externalId: fields.externalId === undefined ? old.externalId : fields.externalId,
  displayName: fields.displayName ?? old.displayName,
  contact: fields.contact === undefined ? old.contact : fields.contact,
  metadata: fields.metadata === undefined ? old.metadata : jsonCopy(fields.metadata),
  playback: fields.playback === undefined ? old.playback : fields.playback
})

const create =
  (store: MemoryState): Port["create"] =>
  (id, { externalId = null, playback = null, ...fields }) =>
    Effect.flatten(
      atomically((now) =>
        externalId !== null && withExternalId(store, externalId) !== undefined
          ? Effect.fail(new ExternalIdTaken({ externalId }))
          : Effect.succeed(add(store, { ...fields, playback, id, externalId }, now))
      )
    )

const write = (store: MemoryState, changed: StoredBroadcaster, now: DateTime.Utc): Broadcaster => {
  store.broadcasters.set(changed.id, changed)
  logBroadcaster(store, "broadcaster.changed", broadcaster(changed), now)
  return broadcaster(changed)
}

const upsert =
  (store: MemoryState): Port["upsert"] =>
  (id, externalId, fields) =>
    atomically((now) => {
      const old = withExternalId(store, externalId)
      if (old === undefined)
        return add(store, { contact: null, metadata: {}, playback: null, ...fields, id, externalId }, now)
      const next = changed(old, fields)
      if (Equal.equals(next, old)) return broadcaster(old)
      return write(store, { ...next, updatedAt: now }, now)
    })

const change =
  (store: MemoryState): Port["change"] =>
  (id, fields) =>
    Effect.flatten(
      atomically((now) => {
        const old = Option.getOrUndefined(known(store, id))
        if (old === undefined) return Effect.succeedNone
        const { externalId } = fields
        const owner = externalId === undefined || externalId === null ? undefined : withExternalId(store, externalId)
        if (owner !== undefined && owner.id !== id) {
          return Effect.fail(new ExternalIdTaken({ externalId: owner.externalId ?? "" }))
        }
        const next = { ...changed(old, fields), updatedAt: now }
        return Effect.succeedSome(write(store, next, now))
      })
    )

const remove =
  (store: MemoryState): Port["remove"] =>
  (id) =>
    atomically((now) => {
      const old = Option.getOrUndefined(known(store, id))
      if (old === undefined) return false
      store.broadcasters.set(id, { ...old, deletedAt: now })
      logBroadcaster(store, "broadcaster.deleted", broadcaster(old), now)
      for (const key of [...store.keys.values()]) {
        if (key.broadcasterId !== id || key.revokedAt !== null) continue
        const revoked = { ...key, revokedAt: revocationOf(key, now).revokedAt ?? now }
        store.keys.set(key.id, revoked)
        if (key.admitsUntil === undefined) logKey(store, "key.revoked", shownKey(store, revoked), now)
      }
      return true
    })

export const make: Effect.Effect<Broadcasters["Service"], never, MemoryStore> = Effect.map(MemoryStore, (store) =>
  Broadcasters.of({
    create: create(store),
    upsert: upsert(store),
    find: (id) => atomically(() => Option.map(known(store, id), broadcaster)),
    findByExternalId: (externalId) =>
      atomically(() => Option.map(Option.fromNullishOr(withExternalId(store, externalId)), broadcaster)),
    list: (page) =>
      atomically((now) => {
        const listed = [...store.broadcasters.values()].filter(({ deletedAt }) => deletedAt === null).map(broadcaster)
        return pageOf(page, now, listed, (item) => ({ at: item.createdAt, id: item.id }))
      }),
    count: Effect.sync(() => [...store.broadcasters.values()].filter(({ deletedAt }) => deletedAt === null).length),
    change: change(store),
    remove: remove(store)
  })
)
