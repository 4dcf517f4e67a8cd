/** The keys of playback tokens in memory. */
import {
  type AddKeyOutcome,
  APPLICATION_KEYS_MAX,
  type OwnSigningKey,
  SIGNING_KEY_ID_KEPT_DAYS,
  type SigningKey,
  SigningKeys,
  StoreUnavailable,
  type signingKeyEventNames
} from "@greenroom/core"
import { DateTime, Effect, Option } from "effect"
import { logOther } from "./eventLog.ts"
import { atomically, type MemoryState, MemoryStore, type StoredSigningKey } from "./MemoryStore.ts"

type Port = SigningKeys["Service"]

const shown = ({ privateKey: _, removedAt: __, ...key }: StoredSigningKey): SigningKey => key

const signs = ({ issuer, verifiesUntil, removedAt }: StoredSigningKey): boolean =>
  issuer === "greenroom" && verifiesUntil === null && removedAt === null

const isPast = (at: DateTime.Utc | null, now: DateTime.Utc): boolean =>
  at !== null && DateTime.isLessThanOrEqualTo(at, now)

const signingIn = ({ signingKeys }: MemoryState): StoredSigningKey | undefined => [...signingKeys.values()].find(signs)

const ownKey = ({ id, publicKey, privateKey }: StoredSigningKey): OwnSigningKey => ({
  id,
  publicKey,
  privateKey: privateKey!
})

const log = (
  store: MemoryState,
  type: (typeof signingKeyEventNames)[number],
  { id, issuer }: SigningKey,
  at: DateTime.Utc
): void =>
  logOther(store, {
    type,
    at,
    subject: `signing_key:${id}`,
    broadcasterId: null,
    streamSeq: null,
    data: { id, issuer }
  })

/** Forgets keys, and with them their ids, once no token can name them any more. */
const forget = ({ signingKeys, playbackTokens }: MemoryState, now: DateTime.Utc): void => {
  const cutoff = DateTime.subtract(now, { days: SIGNING_KEY_ID_KEPT_DAYS })
  const named = new Set([...playbackTokens.values()].map(({ signingKeyId }) => signingKeyId))
  for (const { id, removedAt, verifiesUntil } of [...signingKeys.values()])
    if (isPast(removedAt ?? verifiesUntil, cutoff) && !named.has(id)) signingKeys.delete(id)
}

const insert = (
  store: MemoryState,
  key: Omit<StoredSigningKey, "createdAt" | "verifiesUntil" | "removedAt">,
  now: DateTime.Utc
) => {
  const stored = { ...key, createdAt: now, verifiesUntil: null, removedAt: null }
  store.signingKeys.set(key.id, stored)
  log(store, "signing_key.created", stored, now)
  return stored
}

const taken = (operation: string) =>
  Effect.fail(new StoreUnavailable({ operation, cause: new Error("Two signing keys with one id"), rolledBack: true }))

const ensureIn =
  (store: MemoryState): Port["ensure"] =>
  (key) =>
    Effect.flatten(
      atomically((now) => {
        const signing = signingIn(store)
        if (signing !== undefined) return Effect.succeed(ownKey(signing))
        forget(store, now)
        if (store.signingKeys.has(key.id)) return taken("SigningKeys.ensure")
        return Effect.succeed(ownKey(insert(store, { ...key, issuer: "greenroom" }, now)))
      })
    )

const rotateIn =
  (store: MemoryState): Port["rotate"] =>
  (key, overlapSeconds) =>
    Effect.flatten(
      atomically((now) => {
        forget(store, now)
        if (store.signingKeys.has(key.id)) return taken("SigningKeys.rotate")
        const before = signingIn(store)
        if (before !== undefined) {
          const verifiesUntil = DateTime.add(now, { seconds: overlapSeconds })
          store.signingKeys.set(before.id, { ...before, privateKey: null, verifiesUntil })
          log(store, "signing_key.rotated", before, now)
        }
        return Effect.succeed(shown(insert(store, { ...key, issuer: "greenroom" }, now)))
      })
    )

const addIn =
  (store: MemoryState): Port["add"] =>
  (key) =>
    atomically((now): AddKeyOutcome => {
      forget(store, now)
      if (store.signingKeys.has(key.id)) return { _tag: "IdTaken" }
      const there = [...store.signingKeys.values()].filter(
        ({ issuer, removedAt }) => issuer === "application" && removedAt === null
      )
      if (there.length >= APPLICATION_KEYS_MAX) return { _tag: "TooMany" }
      return { _tag: "Added", key: shown(insert(store, { ...key, issuer: "application", privateKey: null }, now)) }
    })

export const make: Effect.Effect<Port, never, MemoryStore> = Effect.map(MemoryStore, (store) =>
  SigningKeys.of({
    list: atomically((now) =>
      [...store.signingKeys.values()]
        .filter(({ removedAt, verifiesUntil }) => removedAt === null && !isPast(verifiesUntil, now))
        .map(shown)
        .sort((a, b) => b.createdAt.epochMilliseconds - a.createdAt.epochMilliseconds || (a.id < b.id ? 1 : -1))
    ),
    signing: atomically(() => Option.map(Option.fromNullishOr(signingIn(store)), ownKey)),
    ensure: ensureIn(store),
    rotate: rotateIn(store),
    add: addIn(store),
    remove: (id) =>
      atomically((now) => {
        const key = store.signingKeys.get(id)
        if (key === undefined || key.removedAt !== null || signs(key) || isPast(key.verifiesUntil, now)) return false
        store.signingKeys.set(id, { ...key, removedAt: now })
        log(store, "signing_key.removed", key, now)
        return true
      })
  })
)
