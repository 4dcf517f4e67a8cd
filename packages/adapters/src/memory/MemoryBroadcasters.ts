/** The broadcasters in memory. */
import { type Broadcaster, Broadcasters, type ExternalId, ExternalIdTaken } from "@greenroom/core"
import { type DateTime, Effect, Equal, Option } from "effect"
import { atomically, jsonCopy, type MemoryState, MemoryStore, type StoredBroadcaster } from "./MemoryStore.ts"
import { pageOf } from "./newestFirst.ts"

type Port = Broadcasters["Service"]

export const broadcaster = ({ deletedAt: _, ...shown }: StoredBroadcaster): Broadcaster => shown

const known = ({ broadcasters }: MemoryState, id: Broadcaster["id"]) =>
  Option.filter(Option.fromNullishOr(broadcasters.get(id)), ({ deletedAt }) => deletedAt === null)

const withExternalId = ({ broadcasters }: MemoryState, externalId: ExternalId): StoredBroadcaster | undefined => {
  for (const one of broadcasters.values()) if (one.externalId === externalId && one.deletedAt === null) return one
  return undefined
}

const add = (
  { broadcasters }: MemoryState,
  fields: Omit<Broadcaster, "createdAt" | "updatedAt">,
  now: DateTime.Utc
) => {
  const created = { ...fields, metadata: jsonCopy(fields.metadata), createdAt: now, updatedAt: now }
  broadcasters.set(created.id, { ...created, deletedAt: null })
  return created
}

/** The same with what is given in its place. */
const changed = (old: StoredBroadcaster, fields: Parameters<Port["change"]>[1]): StoredBroadcaster => ({
  ...old,
  externalId: fields.externalId === undefined ? old.externalId : fields.externalId,
  displayName: fields.displayName ?? old.displayName,
  contact: fields.contact === undefined ? old.contact : fields.contact,
  metadata: fields.metadata === undefined ? old.metadata : jsonCopy(fields.metadata)
})

const create =
  (store: MemoryState): Port["create"] =>
  (id, { externalId = null, ...fields }) =>
    Effect.flatten(
      atomically((now) =>
        externalId !== null && withExternalId(store, externalId) !== undefined
          ? Effect.fail(new ExternalIdTaken({ externalId }))
          : Effect.succeed(add(store, { ...fields, id, externalId }, now))
      )
    )

const upsert =
  (store: MemoryState): Port["upsert"] =>
  (id, externalId, fields) =>
    atomically((now) => {
      const old = withExternalId(store, externalId)
      if (old === undefined) return add(store, { contact: null, metadata: {}, ...fields, id, externalId }, now)
      const next = changed(old, fields)
      if (Equal.equals(next, old)) return broadcaster(old)
      store.broadcasters.set(old.id, { ...next, updatedAt: now })
      return broadcaster({ ...next, updatedAt: now })
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
        store.broadcasters.set(id, next)
        return Effect.succeedSome(broadcaster(next))
      })
    )

const remove =
  (store: MemoryState): Port["remove"] =>
  (id) =>
    atomically((now) => {
      const old = Option.getOrUndefined(known(store, id))
      if (old === undefined) return false
      store.broadcasters.set(id, { ...old, deletedAt: now })
      for (const key of store.keys.values()) {
        if (key.broadcasterId === id && key.revokedAt === null) store.keys.set(key.id, { ...key, revokedAt: now })
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
    change: change(store),
    remove: remove(store)
  })
)
