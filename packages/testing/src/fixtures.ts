/** The things that laws are about, made new for each law, so that laws share a store without meeting: broadcasters, keys, sessions. */
import "./effectOfTesting.ts"

import { randomBytes, randomUUID } from "node:crypto"
import {
  type AdmissionRequest,
  Admissions,
  type Admitted,
  type Broadcaster,
  type BroadcasterFields,
  type BroadcasterId,
  Broadcasters,
  type KeyAt,
  type KeyHash,
  Leases,
  type NewStreamKey,
  type NewSuccessor,
  type PathLimitText,
  type Repositories,
  Sessions,
  type StoreUnavailable,
  type StreamDetails,
  type StreamEvent,
  type StreamId,
  type StreamKeyId,
  StreamKeys,
  Streams,
  successorId
} from "@greenroom/core"
import { DateTime, Effect, Option } from "effect"
import * as assert from "./assert.ts"
import { elapse } from "./laws/contract.ts"

export const newId = <Id extends string>() => randomUUID() as Id

/** A path that was never used. */
export const newPath = () => `live/${randomBytes(6).toString("hex")}` as PathLimitText

export const now = Effect.flatMap(Sessions, (sessions) => Effect.map(sessions.open, (snapshot) => snapshot.now))

export const later = (at: DateTime.Utc, millis: number): DateTime.Utc => DateTime.addDuration(at, millis)

export const aBroadcaster = (
  fields: Partial<BroadcasterFields> = {}
): Effect.Effect<Broadcaster, unknown, Repositories> =>
  Effect.flatMap(Broadcasters, (broadcasters) =>
    broadcasters.create(newId<BroadcasterId>(), { displayName: "Studio", contact: null, metadata: {}, ...fields })
  )

export const anOrder = (broadcasterId: BroadcasterId, order: Partial<NewStreamKey> = {}): NewStreamKey => ({
  id: newId<StreamKeyId>(),
  hash: new Uint8Array(randomBytes(32)),
  keyPrefix: "sk_abcd",
  broadcasterId,
  label: null,
  path: null,
  playback: null,
  expiresAt: null,
  ...order
})

/** The new key of a rotation. */
export const aSuccessor = (old: StreamKeyId, overlapSeconds: number): NewSuccessor => ({
  id: successorId(old, newId()),
  hash: new Uint8Array(randomBytes(32)),
  keyPrefix: "sk_efgh",
  overlapSeconds
})

export interface Key extends KeyAt {
  readonly id: StreamKeyId
  readonly hash: KeyHash
}

/** A key that works, of a new broadcaster unless one is given. */
export const aKey = Effect.fnUntraced(function* (order: Partial<NewStreamKey> = {}) {
  const keys = yield* StreamKeys
  const broadcasterId = order.broadcasterId ?? (yield* aBroadcaster()).id
  const complete = anOrder(broadcasterId, order)
  const issued = yield* keys.issue(complete)
  if (issued._tag !== "Issued") return assert.fail(`not issued: ${issued._tag}`)
  const key: Key = { key: issued.key, now: issued.now, id: complete.id, hash: complete.hash }
  return key
})

/** Returns when the key has expired, or with why it cannot. However slow the store is, the expiry lay in the future when it was set. */
export const tryToExpire = Effect.fnUntraced(function* (id: StreamKeyId) {
  const keys = yield* StreamKeys
  for (let life = 20; ; life *= 2) {
    const changed = yield* keys.change(id, { expiresAt: later(yield* now, life) })
    if (changed._tag === "ExpiryInPast") continue
    if (changed._tag === "Changed") yield* elapse(life)
    return changed._tag
  }
})

/** Returns when the key has expired. */
export const expire = (id: StreamKeyId) =>
  Effect.map(tryToExpire(id), (outcome) => assert.strictEqual(outcome, "Changed"))

export const anAsk = (key: { readonly hash: KeyHash }, ask: Partial<AdmissionRequest> = {}): AdmissionRequest => ({
  hash: key.hash,
  path: newPath(),
  sourceId: randomUUID(),
  protocol: "rtmp",
  streamId: newId<StreamId>(),
  ...ask
})

export const admit = (request: AdmissionRequest) =>
  Effect.flatMap(Admissions, (admissions) => admissions.admit(request))

/** Takes over the key's own sessions, by what the store shows now. Another takeover in between makes it look again: there are as many as callers. */
export const takeOver: (
  request: AdmissionRequest
) => Effect.Effect<Option.Option<Admitted>, StoreUnavailable, Repositories> = Effect.fnUntraced(function* (request) {
  const admissions = yield* Admissions
  while (true) {
    const { takeovers } = yield* admissions.facts(request)
    const outcome = yield* admissions.takeOver(request, { of: "own", lastSeen: takeovers[0] ?? null })
    if (Option.isSome(outcome)) return outcome
    const after = (yield* admissions.facts(request)).takeovers
    if (after[0]?.epochMilliseconds === takeovers[0]?.epochMilliseconds) return outcome
  }
})

export interface Session {
  readonly id: StreamId
  readonly key: Key
  readonly ask: AdmissionRequest
}

/** A session that was just admitted: connecting, on a path of its own. */
export const aSession = Effect.fnUntraced(function* (ask: Partial<AdmissionRequest> = {}, key?: Key) {
  const ofKey = key ?? (yield* aKey())
  const request = anAsk(ofKey, ask)
  const admitted = yield* admit(request)
  if (Option.isNone(admitted)) return assert.fail("not admitted")
  const session: Session = { id: admitted.value.streamId, key: ofKey, ask: request }
  return session
})

export const details = (id: StreamId): Effect.Effect<StreamDetails, unknown, Repositories> =>
  Effect.flatMap(Streams, (streams) => Effect.map(streams.find(id), Option.getOrThrow))

export const stateOf = (id: StreamId) => Effect.map(details(id), ({ stream }) => stream.state)

export const eventsOf = (id: StreamId): Effect.Effect<ReadonlyArray<StreamEvent>, unknown, Repositories> =>
  Effect.flatMap(Streams, (streams) => streams.events(id, 0, 1_000))

export const eventTypes = (id: StreamId) => Effect.map(eventsOf(id), (events) => events.map(({ type }) => type))

/** Runs in the name of an instance that holds the lease, and gives it up. */
export const leading = <A, E, R>(use: (holder: string) => Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const leases = yield* Leases
    const holder = `instance-${randomUUID()}`
    assert.isTrue((yield* leases.acquire(holder, 60_000)).held)
    return yield* Effect.ensuring(use(holder), Effect.ignore(leases.release(holder)))
  })
