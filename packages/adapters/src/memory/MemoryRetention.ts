/** Pruning in memory. A batch is one synchronous step, so it never meets another one (`Busy`). */
import { addUsage, Retention, usageDay, usageOf } from "@greenroom/core"
import { type DateTime, Effect } from "effect"
import {
  atomically,
  hashText,
  type MemoryState,
  MemoryStore,
  type StoredKey,
  type StoredStream
} from "./MemoryStore.ts"

/** The unit of `keepDays`. */
const DAY_MS = 86_400_000

const keepUsage = (store: MemoryState, stream: StoredStream, key: StoredKey) => {
  if (stream.state._tag !== "Inactive") return
  const where = {
    broadcasterId: key.broadcasterId,
    day: usageDay(stream.state),
    byWorker: key.admitsUntil !== undefined
  }
  const name = Object.values(where).join()
  const usage = usageOf(stream.state, stream.earlierBytes + stream.observation.inboundBytes)
  const before = store.usage.get(name)
  store.usage.set(name, { ...where, ...(before === undefined ? usage : addUsage(before, usage)) })
}

const pruneStreams = (store: MemoryState, cutoff: number, limit: number): number => {
  const old = [...store.streams.values()]
    .filter(({ state }) => state._tag === "Inactive" && state.endedAt.epochMilliseconds < cutoff)
    .sort((a, b) => a.state.startedAt.epochMilliseconds - b.state.startedAt.epochMilliseconds)
    .slice(0, limit)
  for (const stream of old) {
    keepUsage(store, stream, store.keys.get(stream.streamKeyId)!)
    store.streams.delete(stream.id)
    store.streamBySource.delete(stream.sourceId)
  }
  return old.length
}

const pruneKeys = (store: MemoryState, cutoff: number, limit: number): number => {
  const used = new Set([...store.streams.values()].map(({ streamKeyId }) => streamKeyId))
  const isOver = (at: DateTime.Utc | null | undefined) =>
    at !== null && at !== undefined && at.epochMilliseconds < cutoff
  const old = [...store.keys.values()]
    .filter(({ id, revokedAt, admitsUntil }) => !used.has(id) && isOver(admitsUntil ?? revokedAt))
    .slice(0, limit)
  for (const { id, hash } of old) {
    store.keys.delete(id)
    store.keyByHash.delete(hashText(hash))
  }
  return old.length
}

export const make: Effect.Effect<Retention["Service"], never, MemoryStore> = Effect.map(MemoryStore, (store) =>
  Retention.of({
    prune: (keepDays, limit) =>
      atomically((now) => {
        if (keepDays < 1 || limit < 1) throw new Error("history is kept for a day at least")
        const cutoff = now.epochMilliseconds - keepDays * DAY_MS
        const streams = pruneStreams(store, cutoff, limit)
        return { _tag: "Pruned", streams, keys: streams < limit ? pruneKeys(store, cutoff, limit) : 0 }
      })
  })
)
