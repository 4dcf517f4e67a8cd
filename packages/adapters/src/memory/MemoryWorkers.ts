/** The records of the workers and their keys, in memory. */
import {
  type BroadcasterId,
  MEDIA_SERVER_BROADCASTER,
  type StreamId,
  type StreamKeyId,
  type WorkerRecord,
  type WorkerStateName,
  Workers,
  type workerEventNames
} from "@greenroom/core"
import { DateTime, Effect, Option } from "effect"
import { logBroadcaster, logOther } from "./eventLog.ts"
import { holds } from "./MemoryLeases.ts"
import { atomically, hashText, type MemoryState, MemoryStore, type StoredKey, untouched } from "./MemoryStore.ts"
import { pageOf } from "./newestFirst.ts"
import { broadcaster } from "./storedStreams.ts"

/** How long an unused worker's key stays after its time, because an admission may still be running. The PostgreSQL adapter has it, too. */
const KEEP_UNUSED_KEY_MS = 60_000

/** Increasing ids, so that records of the same millisecond keep their order. */
const nthId = (n: number): string => `00000000-0000-4000-8000-${n.toString(16).padStart(12, "0")}`

interface Owner {
  readonly broadcasterId: BroadcasterId
  readonly sourceKeyId?: StreamKeyId
}

/** The broadcaster and the key of a stream that is open and not being stopped. */
const ownerOfStream = (store: MemoryStore["Service"], source: StreamId): Owner | null => {
  const stream = store.streams.get(source)
  if (stream === undefined || stream.state._tag === "Inactive" || stream.state.ending !== null) return null
  const { id, broadcasterId, sourceKeyId = id } = store.keys.get(stream.streamKeyId)!
  return store.broadcasters.get(broadcasterId)?.deletedAt === null ? { broadcasterId, sourceKeyId } : null
}

/** The oldest key for the path and its broadcaster; without one, the media server's broadcaster. */
const ownerOfPath = (store: MemoryStore["Service"], path: string, now: DateTime.Utc): Owner => {
  const [oldest] = [...store.keys.values()]
    .filter((key) => key.path === path && key.revokedAt === null && key.admitsUntil === undefined)
    .sort((a, b) => a.createdAt.epochMilliseconds - b.createdAt.epochMilliseconds || (a.id < b.id ? -1 : 1))
  if (oldest !== undefined) return { broadcasterId: oldest.broadcasterId, sourceKeyId: oldest.id }
  const { id, displayName } = MEDIA_SERVER_BROADCASTER
  const old = store.broadcasters.get(id)
  if (old?.deletedAt === null) return { broadcasterId: id }
  const made = {
    id,
    externalId: null,
    displayName,
    contact: null,
    metadata: {},
    playback: null,
    createdAt: now,
    updatedAt: now
  }
  const there = { ...(old ?? made), deletedAt: null }
  store.broadcasters.set(id, there)
  logBroadcaster(store, "broadcaster.created", broadcaster(there), now)
  return { broadcasterId: id }
}

/** What the change to a state is called in the event log. */
const workerEvents: { readonly [S in WorkerStateName]?: (typeof workerEventNames)[number] } = {
  running: "worker.started",
  retrying: "worker.retrying",
  stopped: "worker.stopped",
  failed: "worker.failed"
}

const logState = (store: MemoryState, record: WorkerRecord, now: DateTime.Utc): void => {
  const type = workerEvents[record.state]
  if (type === undefined) return
  const subject = `worker:${record.id}`
  logOther(store, { type, at: now, subject, broadcasterId: null, streamSeq: null, data: record })
}

const isOver = ({ state, mark, inputStreamId }: WorkerRecord): boolean =>
  mark === null && (state === "stopped" || (state === "failed" && inputStreamId === null))

/** Keeps the newest of those that are over. */
const pruneRecords = (store: MemoryState, keep: number): void => {
  const over = [...store.workers.values()]
    .filter(isOver)
    .sort(
      (a, b) => b.stateSince.epochMilliseconds - a.stateSince.epochMilliseconds || (a.recordId < b.recordId ? 1 : -1)
    )
  for (const { id } of over.slice(keep)) store.workers.delete(id)
}

const pruneUnusedKeys = (store: MemoryState, now: DateTime.Utc): void => {
  const used = new Set([...store.streams.values()].map(({ streamKeyId }) => streamKeyId))
  for (const { id, hash, admitsUntil } of store.keys.values()) {
    if (admitsUntil === undefined || used.has(id)) continue
    if (now.epochMilliseconds - admitsUntil.epochMilliseconds < KEEP_UNUSED_KEY_MS) continue
    store.keys.delete(id)
    store.keyByHash.delete(hashText(hash))
  }
}

export const make: Effect.Effect<Workers["Service"], never, MemoryStore> = Effect.map(MemoryStore, (store) => {
  let made = store.workers.size
  const records = () => [...store.workers.values()]

  return Workers.of({
    list: (states, page) =>
      atomically((now) =>
        pageOf(
          page,
          now,
          records().filter(({ state }) => states === null || states.includes(state)),
          (item) => ({ at: item.createdAt, id: item.recordId })
        )
      ),
    find: (id) => atomically(() => Option.fromNullishOr(store.workers.get(id))),
    unfinished: atomically(() => records().filter(({ state, mark }) => state !== "stopped" || mark !== null)),
    save: (changes, holder) =>
      atomically((now) => {
        if (!holds(store, holder, now)) return false
        for (const { retryInMillis, ...change } of changes) {
          const old = store.workers.get(change.id)
          const record: WorkerRecord = {
            ...change,
            recordId: old?.recordId ?? nthId(++made),
            retryAt: retryInMillis === null ? null : DateTime.add(now, { milliseconds: retryInMillis }),
            createdAt: old?.createdAt ?? now,
            stateSince: old?.state === change.state ? old.stateSince : now,
            updatedAt: now
          }
          store.workers.set(change.id, record)
          if (old?.state !== record.state) logState(store, record, now)
        }
        return true
      }),
    prune: (keep, holder) =>
      atomically((now) => {
        if (!holds(store, holder, now)) return
        pruneRecords(store, keep)
        pruneUnusedKeys(store, now)
      }),
    issueKey: ({ keyId, hash, source, inputPath, path, admitWithinMillis, ...order }, holder) =>
      atomically((now) => {
        if (!holds(store, holder, now)) return false
        const owner = source === null ? ownerOfPath(store, inputPath, now) : ownerOfStream(store, source)
        if (owner === null) return false
        const key: StoredKey = {
          ...order,
          id: keyId,
          hash,
          ...owner,
          playback: null,
          path: path as NonNullable<StoredKey["path"]>,
          createdAt: now,
          expiresAt: null,
          ...untouched,
          admitsUntil: DateTime.add(now, { milliseconds: admitWithinMillis })
        }
        store.keys.set(keyId, key)
        store.keyByHash.set(hashText(hash), keyId)
        return true
      })
  })
})
