/**
 * Who takes part: publishers with their keys and paths, and the broadcasters they belong to. Ids and keys are made of numbers, so that a
 * trace reads the same in every replay. Also the `KeyGenerator` of the simulation.
 */
import { createHash } from "node:crypto"
import {
  type BroadcasterId,
  KeyGenerator,
  type KeyHash,
  type KeyValue,
  type NewPathLimit,
  type PlaybackPolicy,
  type StreamKeyId
} from "@greenroom/core"
import { Effect, Option, Redacted } from "effect"
import type { SimulatedStore } from "./SimulatedStore.ts"
import type { Setting } from "./Step.ts"

export interface KeyInHand {
  readonly id: StreamKeyId
  readonly value: string
}

/** A place among the publishers: whoever sits there has this key and this path. */
export interface Member {
  readonly index: number
  readonly path: string
  readonly limit: NewPathLimit | null
  broadcasterId: BroadcasterId
  key: KeyInHand
}

/**
 * A version 4 UUID that says what it counts, in its first 8 characters: they make a key's own path. Its end says it again: a rotated key has
 * the first 8 characters of the old one.
 */
export const uuidOf = (kind: number, n: number): string => {
  const [letter, count] = [kind.toString(16), n.toString(16)]
  return `${letter}${count.padStart(7, "0")}-0000-4000-8000-${letter}${count.padStart(11, "0")}`
}

const keyText = (n: number): string => `sk_${n.toString(36).padStart(4, "0")}${"simulated".repeat(5).slice(0, 39)}`

const hashes = new Map<string, KeyHash>()
const hashOf = (text: string): KeyHash => {
  const known = hashes.get(text)
  if (known !== undefined) return known
  const hash = new Uint8Array(createHash("sha256").update(text, "utf8").digest())
  hashes.set(text, hash)
  return hash
}

export const makeKeyMint = (): KeyGenerator["Service"] => {
  let keys = 0
  let ids = 0
  return KeyGenerator.of({
    generate: Effect.sync((): KeyValue => Redacted.make(keyText(++keys))),
    generateToken: Effect.sync(() => Redacted.make(keyText(++keys).replace("sk_", "gr_"))),
    uuid: Effect.sync(() => uuidOf(0xa, ++ids)),
    hash: (key) => hashOf(Redacted.value(key))
  })
}

const limitOf = (index: number): NewPathLimit | null =>
  [null, `live/${index}`, "live/*", "live/**"][index % 4] as NewPathLimit | null

/** Where there are viewers, some keys and some broadcasters have a policy of their own. */
const playbackOf = (index: number, viewers: number, policies: ReadonlyArray<PlaybackPolicy | null>) =>
  viewers === 0 ? null : policies[index % policies.length]!

/** Three publishers a broadcaster; every fourth key is limited to its path, others to a pattern or not at all. */
export const makeScenario = (
  { publishers: count, viewers }: Pick<Setting, "publishers" | "viewers">,
  store: SimulatedStore,
  mint: KeyGenerator["Service"]
): ReadonlyArray<Member> => {
  const broadcasters = store.services.broadcasters
  const keys = store.services.streamKeys
  const fields = { displayName: "Studio", contact: null, metadata: {} }
  const members: Array<Member> = []
  for (let index = 0; index < count; index++) {
    const broadcasterId = uuidOf(0xb, Math.floor(index / 3)) as BroadcasterId
    if (Option.isNone(store.now("Broadcasters.find", broadcasters.find(broadcasterId)))) {
      const playback = playbackOf(index / 3, viewers, [null, "token", "public"])
      store.now("Broadcasters.create", broadcasters.create(broadcasterId, { ...fields, playback }))
    }
    const value = store.now("KeyMint.mint", mint.generate)
    const id = uuidOf(0xc, index) as StreamKeyId
    const limit = limitOf(index)
    const order = {
      id,
      hash: mint.hash(value),
      keyPrefix: Redacted.value(value).slice(0, 7),
      broadcasterId,
      label: null,
      playback: playbackOf(index, viewers, ["token", null, null, "public", "token"])
    }
    store.now("StreamKeys.issue", keys.issue({ ...order, path: limit, expiresAt: null }))
    members.push({ index, path: `live/${index}`, limit, broadcasterId, key: { id, value: Redacted.value(value) } })
  }
  return members
}
