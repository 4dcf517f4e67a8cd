/** The broadcasters in memory. */
import { type Broadcaster, Broadcasters } from "@greenroom/core"
import { Effect, Option } from "effect"
import { atomically, jsonCopy, MemoryStore, type StoredBroadcaster } from "./MemoryStore.ts"
import { pageOf } from "./newestFirst.ts"

export const broadcaster = ({ deletedAt: _, ...shown }: StoredBroadcaster): Broadcaster => shown

export const make: Effect.Effect<Broadcasters["Service"], never, MemoryStore> = Effect.map(MemoryStore, (store) => {
  const known = (id: Broadcaster["id"]) =>
    Option.filter(Option.fromNullishOr(store.broadcasters.get(id)), ({ deletedAt }) => deletedAt === null)

  return Broadcasters.of({
    create: (id, { displayName, contact, metadata }) =>
      atomically((now) => {
        const created = { id, displayName, contact, metadata: jsonCopy(metadata), createdAt: now, updatedAt: now }
        store.broadcasters.set(id, { ...created, deletedAt: null })
        return created
      }),
    find: (id) => atomically(() => Option.map(known(id), broadcaster)),
    list: (page) =>
      atomically((now) => {
        const listed = [...store.broadcasters.values()].filter(({ deletedAt }) => deletedAt === null).map(broadcaster)
        return pageOf(page, now, listed, (item) => ({ at: item.createdAt, id: item.id }))
      }),
    change: (id, { displayName, contact, metadata }) =>
      atomically((now) =>
        Option.map(known(id), (old) => {
          const changed = {
            ...old,
            displayName: displayName ?? old.displayName,
            contact: contact === undefined ? old.contact : contact,
            metadata: metadata === undefined ? old.metadata : jsonCopy(metadata),
            updatedAt: now
          }
          store.broadcasters.set(id, changed)
          return broadcaster(changed)
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
