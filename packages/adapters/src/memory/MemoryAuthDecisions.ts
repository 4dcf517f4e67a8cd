/** The decision log in memory. */
import {
  AuthDecisions,
  type AuthDecisionsPort,
  type DecisionFilter,
  type DecisionWrite,
  type RecordedDecision
} from "@greenroom/core"
import { DateTime, Effect } from "effect"
import { atomically, type MemoryState, MemoryStore } from "./MemoryStore.ts"
import { pageOf } from "./newestFirst.ts"

const isIn = (wanted: ReadonlyArray<string> | undefined, value: string | null): boolean =>
  wanted === undefined || (value !== null && wanted.includes(value))

const isOr = <A>(wanted: A | undefined, value: A): boolean => wanted === undefined || wanted === value

const matches = (filter: DecisionFilter, decision: RecordedDecision): boolean =>
  isOr<string | null>(filter.path, decision.path) &&
  isOr<string | null>(filter.keyPrefix, decision.keyPrefix) &&
  isOr<string | null>(filter.ip, decision.ip) &&
  isOr<string | null>(filter.broadcasterId, decision.broadcasterId) &&
  isIn(filter.reasons, decision.reason) &&
  isIn(filter.outcomes, decision.outcome) &&
  (filter.since === undefined || decision.lastAt.epochMilliseconds >= filter.since.epochMilliseconds)

const write = (store: MemoryState, decision: DecisionWrite, now: DateTime.Utc): void => {
  const { ageMillis, lastAgeMillis, ...rest } = decision
  const before = store.authDecisions.get(decision.id)
  const ago = (millis: number) => DateTime.add(now, { milliseconds: -millis })
  if (before === undefined) {
    const key = rest.streamKeyId === null ? undefined : store.keys.get(rest.streamKeyId)
    const broadcasterId = key?.broadcasterId ?? null
    store.authDecisions.set(rest.id, { ...rest, at: ago(ageMillis), lastAt: ago(lastAgeMillis), broadcasterId })
    return
  }
  if (rest.count <= before.count) return
  store.authDecisions.set(rest.id, { ...before, count: rest.count, lastAt: ago(lastAgeMillis) })
}

const positionOf = ({ at, id }: RecordedDecision) => ({ at, id })

const list = (
  store: MemoryState,
  filter: DecisionFilter,
  now: DateTime.Utc,
  page: Parameters<AuthDecisionsPort["list"]>[1]
) =>
  pageOf(
    page,
    now,
    [...store.authDecisions.values()].filter((decision) => matches(filter, decision)),
    positionOf
  )

export const make: Effect.Effect<AuthDecisions["Service"], never, MemoryStore> = Effect.map(MemoryStore, (store) =>
  AuthDecisions.of({
    append: (batch) =>
      atomically((now) => {
        for (const decision of batch) write(store, decision, now)
      }),
    list: (filter, page) => atomically((now) => list(store, filter, now, page)),
    prune: (keep) =>
      atomically((now) => {
        const { items } = list(store, {}, now, { limit: null, after: null })
        for (const { id } of items.slice(keep)) store.authDecisions.delete(id)
        return Math.max(0, items.length - keep)
      })
  })
)
