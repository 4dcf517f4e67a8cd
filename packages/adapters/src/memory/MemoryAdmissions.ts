/** Admissions in memory. The domain's `decideAdmission` suffices: within one synchronous step its facts cannot change. */
import {
  type AdmissionFacts,
  type AdmissionRequest,
  Admissions,
  type Admitted,
  canSupersede,
  decideAdmission,
  endReasonOf,
  type FactsRequest,
  type Takeover
} from "@greenroom/core"
import { type DateTime, Effect, Option } from "effect"
import { logTransition } from "./eventLog.ts"
import { atomically, hashText, type MemoryState, MemoryStore, type StoredStream } from "./MemoryStore.ts"
import { isOwnedByOther } from "./MemoryStreamKeys.ts"
import { applyChange, sessionFacts, streamOfKey, streamOfSource, streamOnPath, takeoversOf } from "./storedStreams.ts"

const keyOf = (store: MemoryState, { hash, streamKeyId }: FactsRequest) => {
  const id = hash === undefined ? streamKeyId : store.keyByHash.get(hashText(hash))
  return id === undefined ? null : (store.keys.get(id) ?? null)
}

const factsOf = (store: MemoryState, request: FactsRequest, now: DateTime.Utc): AdmissionFacts => {
  const key = keyOf(store, request)
  const facts = (stream: ReturnType<typeof streamOfKey>) => (stream === null ? null : sessionFacts(stream))
  return {
    now,
    key:
      key === null
        ? null
        : {
            id: key.id,
            prefix: key.keyPrefix,
            broadcasterId: key.broadcasterId,
            path: key.path,
            enabled: key.enabled,
            expiresAt: key.expiresAt,
            revokedAt: key.revokedAt,
            revokesAt: key.revokesAt,
            rotatedFrom: key.rotatedFrom,
            block: key.block,
            ...(key.admitsUntil === undefined
              ? {}
              : { ticket: { admitsUntil: key.admitsUntil, spent: key.lastUsedAt !== null } })
          },
    keySession: key === null ? null : facts(streamOfKey(store, key.id)),
    pathSession: facts(streamOnPath(store, request.path)),
    sourceSession: request.sourceId === null ? null : facts(streamOfSource(store, request.sourceId)),
    takeovers: key === null ? [] : takeoversOf(store, key.id),
    pathOwnedByOther: key !== null && isOwnedByOther(store, request.path, key.broadcasterId)
  }
}

const write = (store: MemoryState, request: AdmissionRequest, now: DateTime.Utc): Admitted => {
  const key = keyOf(store, request)!
  const { streamId, path, protocol, sourceId } = request
  const events = [{ type: "admitted", seq: 1, at: now }] as const
  const admitted: StoredStream = {
    id: streamId,
    streamKeyId: key.id,
    path,
    protocol,
    sourceId,
    title: key.label,
    description: null,
    metadata: {},
    recordingRef: null,
    state: { _tag: "Connecting", startedAt: now, ending: null },
    events,
    observation: { tracks: [], viewerCount: 0, inboundBytes: 0 },
    earlierBytes: 0,
    stateAsOf: null
  }
  store.streams.set(streamId, admitted)
  logTransition(store, admitted, events[0])
  store.streamBySource.set(sourceId, streamId)
  store.unended.add(streamId)
  store.keys.set(key.id, { ...key, lastUsedAt: now })
  return { streamId, key: { id: key.id, prefix: key.keyPrefix }, again: false }
}

const admit = (store: MemoryState, request: AdmissionRequest, now: DateTime.Utc): Option.Option<Admitted> => {
  const decision = decideAdmission(request, factsOf(store, request, now))
  switch (decision._tag) {
    case "Admit":
      return Option.some(write(store, request, now))
    case "Again":
      return Option.some({ streamId: decision.streamId, key: decision.key, again: true })
    default:
      return Option.none()
  }
}

/** Supersedes the sessions in the way, if each of them may be, and the key was not taken over since the decision. */
const takeOver = (
  store: MemoryState,
  request: AdmissionRequest,
  { of, lastSeen }: Takeover,
  now: DateTime.Utc
): Option.Option<Admitted> => {
  const facts = factsOf(store, request, now)
  const decision = decideAdmission(request, facts)
  if (decision._tag !== "InUse") return admit(store, request, now)
  const newest = facts.takeovers[0]
  const isLate = of === "own" && newest !== undefined && newest.epochMilliseconds > (lastSeen?.epochMilliseconds ?? 0)
  if (isLate || !canSupersede(decision.by, facts, of)) return Option.none()
  for (const { streamId } of decision.by)
    applyChange(store, streamId, { type: "stop_requested", reason: "superseded" }, now)
  return admit(store, request, now)
}

export const make: Effect.Effect<Admissions["Service"], never, MemoryStore> = Effect.map(MemoryStore, (store) =>
  Admissions.of({
    admit: (request) => atomically((now) => admit(store, request, now)),
    takeOver: (request, takeover) => atomically((now) => takeOver(store, request, takeover, now)),
    facts: (request) => atomically((now) => factsOf(store, request, now)),
    endGone: (streamId) =>
      atomically((now) => {
        const state = store.streams.get(streamId)?.state
        if (state === undefined || state._tag === "Inactive") return
        applyChange(store, streamId, { type: "ended", reason: endReasonOf(state, "left") }, now)
      })
  })
)
