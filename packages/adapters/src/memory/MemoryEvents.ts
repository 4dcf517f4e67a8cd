/** The event log in memory. */
import { Events, type LogHead, READ_AT_MOST, revocationOf } from "@greenroom/core"
import { type DateTime, Effect, Queue, Stream } from "effect"
import { headOf, logKey, newLogId, place, readAfter } from "./eventLog.ts"
import { atomically, type MemoryState, MemoryStore } from "./MemoryStore.ts"
import { shownKey } from "./storedStreams.ts"

/** The unit of `keepDays`. */
const DAY_MS = 86_400_000

/** Writes `key.expired` for each key that has expired by now and has no such event yet. */
const logExpired = (store: MemoryState, now: DateTime.Utc): void => {
  for (const key of store.keys.values()) {
    const { expiresAt, revokedAt, admitsUntil, expiredEventAt } = key
    const isDue = expiresAt !== null && expiresAt.epochMilliseconds <= now.epochMilliseconds
    if (!isDue || revokedAt !== null || admitsUntil !== undefined || expiredEventAt !== undefined) continue
    const expired = { ...key, expiredEventAt: now }
    store.keys.set(key.id, expired)
    logKey(store, "key.expired", shownKey(store, expired), expiresAt)
  }
}

/** Revokes each key whose overlap has ended, as of that moment. */
const revokeDue = (store: MemoryState, now: DateTime.Utc): void => {
  for (const key of store.keys.values()) {
    const { revokedAt } = revocationOf(key, now)
    if (revokedAt === null || key.revokedAt !== null) continue
    const revoked = { ...key, revokedAt }
    store.keys.set(key.id, revoked)
    logKey(store, "key.revoked", shownKey(store, revoked), revokedAt)
  }
}

const prune = ({ eventLog: log }: MemoryState, keepDays: number, limit: number, now: DateTime.Utc): number => {
  if (keepDays < 1 || limit < 1) throw new Error("events are kept for a day at least")
  const cutoff = now.epochMilliseconds - keepDays * DAY_MS
  let gone = 0
  while (gone < limit && gone < log.placed.length && log.placed[gone]!.at.epochMilliseconds < cutoff) gone += 1
  log.placed.splice(0, gone)
  log.oldest += gone
  return gone
}

/** Completes when the count of events that were written is another than at the last completion. */
const written = ({ eventLog: log }: MemoryState): Effect.Effect<void> => {
  let seen = 0
  return Effect.callback<void>((resume) => {
    const check = () => {
      if (log.written === seen) return
      seen = log.written
      log.onWritten.delete(check)
      resume(Effect.void)
    }
    log.onWritten.add(check)
    check()
    return Effect.sync(() => log.onWritten.delete(check))
  })
}

const newest = ({ eventLog: log }: MemoryState) =>
  Stream.callback<number>(
    (queue) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          const notify = (head: LogHead) => Queue.offerUnsafe(queue, head.newest)
          log.onPlaced.add(notify)
          return notify
        }),
        (notify) => Effect.sync(() => log.onPlaced.delete(notify))
      ),
    { bufferSize: 1, strategy: "sliding" }
  )

export const make: Effect.Effect<Events["Service"], never, MemoryStore> = Effect.map(MemoryStore, (store) =>
  Events.of({
    place: (most) =>
      atomically((now) => {
        logExpired(store, now)
        revokeDue(store, now)
        return { placed: place(store, most), ...headOf(store.eventLog) }
      }),
    written: written(store),
    head: Effect.sync(() => headOf(store.eventLog)),
    read: (after, filter, limit) =>
      Effect.sync(() => ({
        ...headOf(store.eventLog),
        ...readAfter(store.eventLog, after, filter, limit, READ_AT_MOST)
      })),
    newest: newest(store),
    prune: (keepDays, limit) => atomically((now) => prune(store, keepDays, limit, now)),
    renew: Effect.sync(() => {
      store.eventLog.id = newLogId()
      return headOf(store.eventLog)
    })
  })
)
