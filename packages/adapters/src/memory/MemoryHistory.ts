/** The stored sessions with their events in memory. */
import { columnsOf, History, type StoredHistory, storedEvent } from "@greenroom/core"
import { Effect, Layer } from "effect"
import { atomically, MemoryStore, type StoredStream } from "./MemoryStore.ts"

const stored = ({ id, state, events }: StoredStream): StoredHistory => ({
  id,
  row: { ...columnsOf(state), lastSeq: events.length },
  events: events.map(storedEvent)
})

const make = Effect.map(MemoryStore, (store) =>
  History.of({
    page: (after, limit) =>
      atomically(() => {
        const rest = [...store.streams.values()]
          .filter(({ id }) => after === null || id > after)
          .sort((a, b) => (a.id < b.id ? -1 : 1))
        const items = rest.slice(0, limit).map(stored)
        return { items, next: rest.length > items.length ? (items.at(-1)?.id ?? null) : null }
      })
  })
)

export const layer: Layer.Layer<History, never, MemoryStore> = Layer.effect(History, make)
