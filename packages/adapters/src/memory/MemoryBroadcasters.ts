/** The broadcasters in memory. */
import { type Broadcaster, Broadcasters, type ExternalId, ExternalIdTaken } from "@greenroom/core"
import { Effect, Equal, Layer, Option } from "effect"
import { atomically, jsonCopy, MemoryStore, type StoredBroadcaster } from "./MemoryStore.ts"
import { pageOf } from "./newestFirst.ts"

export const broadcaster = ({ deletedAt: _, ...shown }: StoredBroadcaster): Broadcaster => shown

const make = Effect.map(MemoryStore, (store) => {
  const known = (id: Broadcaster["id"]) =>
    Option.filter(Option.fromNullishOr(store.broadcasters.get(id)), ({ deletedAt }) => deletedAt === null)
  const withExternalId = (externalId: ExternalId): Option.Option<StoredBroadcaster> => {
    for (const one of store.broadcasters.values()) {
      if (one.externalId === externalId && one.deletedAt === null) return Option.some(one)
    }
    return Option.none()
  }
  const isTaken = (externalId: ExternalId, by: Broadcaster["id"]): boolean =>
    Option.exists(withExternalId(externalId), ({ id }) => id !== by)
  const add = (fields: Omit<Broadcaster, "createdAt" | "updatedAt">, now: Broadcaster["createdAt"]): Broadcaster => {
    const created = { ...fields, metadata: jsonCopy(fields.metadata), createdAt: now, updatedAt: now }
    store.broadcasters.set(created.id, { ...created, deletedAt: null })
    return created
  }

  return Broadcasters.of({
    create: (id, { externalId = null, ...fields }) =>
      Effect.flatten(
        atomically((now) =>
          externalId !== null && Option.isSome(withExternalId(externalId))
            ? Effect.fail(new ExternalIdTaken({ externalId }))
            : Effect.succeed(add({ ...fields, id, externalId }, now))
        )
      ),
    upsert: (id, externalId, { displayName, contact, metadata }) =>
      atomically((now) =>
        Option.match(withExternalId(externalId), {
          onNone: () => add({ id, externalId, displayName, contact: contact ?? null, metadata: metadata ?? {} }, now),
          onSome: (old) => {
            const next = {
              ...old,
              displayName,
              contact: contact === undefined ? old.contact : contact,
              metadata: metadata === undefined ? old.metadata : jsonCopy(metadata)
            }
            if (Equal.equals(next, old)) return broadcaster(old)
            store.broadcasters.set(old.id, { ...next, updatedAt: now })
            return broadcaster({ ...next, updatedAt: now })
          }
        })
      ),
    findByExternalId: (externalId) => atomically(() => Option.map(withExternalId(externalId), broadcaster)),
    find: (id) => atomically(() => Option.map(known(id), broadcaster)),
    list: (page) =>
      atomically((now) => {
        const listed = [...store.broadcasters.values()].filter(({ deletedAt }) => deletedAt === null).map(broadcaster)
        return pageOf(page, now, listed, (item) => ({ at: item.createdAt, id: item.id }))
      }),
    change: (id, { externalId, displayName, contact, metadata }) =>
      Effect.flatten(
        atomically((now) => {
          const old = Option.getOrNull(known(id))
          if (old === null) return Effect.succeedNone
          if (externalId !== undefined && externalId !== null && isTaken(externalId, id)) {
            return Effect.fail(new ExternalIdTaken({ externalId }))
          }
          const changed = {
            ...old,
            externalId: externalId === undefined ? old.externalId : externalId,
            displayName: displayName ?? old.displayName,
            contact: contact === undefined ? old.contact : contact,
            metadata: metadata === undefined ? old.metadata : jsonCopy(metadata),
            updatedAt: now
          }
          store.broadcasters.set(id, changed)
          return Effect.succeedSome(broadcaster(changed))
        })
      ),
    remove: (id) =>
      atomically((now) =>
        Option.match(known(id), {
          onNone: () => false,
          onSome: (old) => {
            store.broadcasters.set(id, { ...old, deletedAt: now })
            for (const key of store.keys.values()) {
              if (key.broadcasterId === id && key.revokedAt === null) store.keys.set(key.id, { ...key, revokedAt: now })
            }
            return true
          }
        })
      )
  })
})

export const layer: Layer.Layer<Broadcasters, never, MemoryStore> = Layer.effect(Broadcasters, make)
