/** The API tokens in memory. */
import {
  API_TOKENS_MAX,
  type ApiToken,
  ApiTokens,
  type ChangeTokenOutcome,
  type CreateTokenOutcome,
  hasExpired,
  LAST_USED_STEP_MS,
  millisBetween,
  StoreUnavailable
} from "@greenroom/core"
import { type DateTime, Effect, Option } from "effect"
import { atomically, hashText, type MemoryState, MemoryStore, type StoredToken } from "./MemoryStore.ts"
import { pageOf } from "./newestFirst.ts"

const shown = ({ hash: _, ...token }: StoredToken): ApiToken => token

const isDeleted = ({ broadcasters }: MemoryState, id: ApiToken["broadcasterId"]): boolean =>
  id !== null && broadcasters.get(id)?.deletedAt !== null

const used = (store: MemoryState, token: StoredToken | undefined, now: DateTime.Utc): Option.Option<ApiToken> => {
  if (token === undefined || hasExpired(token, now) || isDeleted(store, token.broadcasterId)) return Option.none()
  const { lastUsedAt } = token
  const isFresh = lastUsedAt !== null && millisBetween(lastUsedAt, now) < LAST_USED_STEP_MS
  if (isFresh) return Option.some(shown(token))
  const next = { ...token, lastUsedAt: now }
  store.apiTokens.set(token.id, next)
  return Option.some(shown(next))
}

export const make: Effect.Effect<ApiTokens["Service"], never, MemoryStore> = Effect.map(MemoryStore, (store) =>
  ApiTokens.of({
    create: (token) =>
      Effect.flatMap(
        atomically((now): CreateTokenOutcome | "duplicate" => {
          if (isDeleted(store, token.broadcasterId)) return { _tag: "UnknownBroadcaster" }
          if (hasExpired(token, now)) return { _tag: "ExpiryInPast" }
          if (store.apiTokens.size >= API_TOKENS_MAX) return { _tag: "TooMany" }
          const hashes = [...store.apiTokens.values()].map(({ hash }) => hashText(hash))
          if (hashes.includes(hashText(token.hash))) return "duplicate"
          const stored: StoredToken = { ...token, createdAt: now, lastUsedAt: null }
          store.apiTokens.set(token.id, stored)
          return { _tag: "Created", token: shown(stored) }
        }),
        (outcome) =>
          outcome === "duplicate"
            ? Effect.fail(
                new StoreUnavailable({ operation: "ApiTokens.create", cause: new Error("Two tokens with one hash") })
              )
            : Effect.succeed(outcome)
      ),
    authenticate: (hash) =>
      atomically((now) => {
        const text = hashText(hash)
        return used(
          store,
          [...store.apiTokens.values()].find((token) => hashText(token.hash) === text),
          now
        )
      }),
    authenticateId: (id) => atomically((now) => used(store, store.apiTokens.get(id), now)),
    find: (id) => atomically(() => Option.map(Option.fromNullishOr(store.apiTokens.get(id)), shown)),
    list: ({ broadcasterId }, page) =>
      atomically((now) => {
        const listed = [...store.apiTokens.values()]
          .filter((token) => broadcasterId === undefined || token.broadcasterId === broadcasterId)
          .map(shown)
        return pageOf(page, now, listed, (item) => ({ at: item.createdAt, id: item.id }))
      }),
    change: (id, changes) =>
      atomically((now): ChangeTokenOutcome => {
        const token = store.apiTokens.get(id)
        if (token === undefined) return { _tag: "NotFound" }
        if (changes.expiresAt !== undefined && hasExpired({ expiresAt: changes.expiresAt }, now))
          return { _tag: "ExpiryInPast" }
        const changed = { ...token, ...changes }
        store.apiTokens.set(id, changed)
        return { _tag: "Changed", token: shown(changed) }
      }),
    remove: (id) => atomically(() => store.apiTokens.delete(id))
  })
)
