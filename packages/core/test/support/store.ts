/**
 * The store of a stage: the memory repositories, whose every call is noted, with its rows, keys and lease as a test wants to see and set them.
 */
import { layerRepositories, MemoryStore } from "@greenroom/adapters/memory"
import {
  applyEvent,
  type KeyFacts,
  type Observation,
  replacePorts,
  type SessionChange,
  type SessionState,
  type Source,
  type StreamEvent,
  type StreamId,
  type StreamKeyId
} from "@greenroom/core"
import { type DateTime, Layer, Result } from "effect"
import { NOW } from "./arbitraries.ts"
import type { Noted } from "./calls.ts"

export interface Row {
  readonly streamId: StreamId
  readonly streamKeyId: StreamKeyId
  readonly path: string
  readonly source: Source
  readonly state: SessionState
  readonly events: ReadonlyArray<StreamEvent>
  readonly observation: Observation
}

const rowOf = ({ id, protocol, sourceId, ...stream }: MemoryStore.StoredStream): Row => ({
  ...stream,
  streamId: id,
  source: { protocol, id: sourceId }
})

const noLease: MemoryStore.StoredLease = {
  holder: "",
  until: 0,
  started: null,
  reachable: null,
  lastSnapshot: null,
  enforceUntil: null
}

/** The lease, whose fields a test sets one by one. */
const leaseIn = ({ leases }: MemoryStore.MemoryState) => {
  const current = () => leases.get("main") ?? noLease
  const set = (change: Partial<MemoryStore.StoredLease>) => void leases.set("main", { ...current(), ...change })
  return {
    get holder(): string | null {
      const { holder, until } = current()
      return until === 0 || holder === "" ? null : holder
    },
    set holder(holder: string | null) {
      set(holder === null ? { holder: "", until: 0 } : { holder })
    },
    get until(): number {
      return current().until
    },
    set until(until: number) {
      set({ until })
    },
    get started(): string | null {
      return current().started
    },
    set started(started: string | null) {
      set({ started })
    },
    get enforceUntil(): number {
      return current().enforceUntil ?? 0
    },
    set enforceUntil(enforceUntil: number) {
      set({ enforceUntil })
    },
    get lastLook() {
      return current().lastSnapshot
    },
    set lastLook(lastSnapshot: MemoryStore.StoredLease["lastSnapshot"]) {
      set({ lastSnapshot })
    }
  }
}

export const makeStore = (noted: Noted) => {
  const state = MemoryStore.emptyStore()
  const layer = replacePorts(({ sessions, admissions, storeHealth, leases }) => ({
    sessions: noted("Sessions", sessions),
    admissions: noted("Admissions", admissions),
    storeHealth: noted("StoreHealth", storeHealth),
    leases: noted("Leases", leases)
  })).pipe(Layer.provide(layerRepositories), Layer.provide(Layer.succeed(MemoryStore.MemoryStore, state)))

  const setKey = ({ prefix, ...facts }: KeyFacts, hash: Uint8Array | null) => {
    const { broadcasterId } = facts
    const whole = {
      externalId: null,
      displayName: "Studio",
      contact: null,
      metadata: {},
      playback: null,
      createdAt: NOW,
      updatedAt: NOW,
      deletedAt: null
    }
    if (!state.broadcasters.has(broadcasterId)) state.broadcasters.set(broadcasterId, { ...whole, id: broadcasterId })
    const before = { label: null, playback: null, createdAt: NOW, lastUsedAt: null, rotatedTo: null }
    state.keys.set(facts.id, { ...before, ...facts, keyPrefix: prefix, hash: hash ?? new Uint8Array() })
    if (hash !== null) state.keyByHash.set(MemoryStore.hashText(hash), facts.id)
  }
  /** The event is written, numbered next, if the state machine takes it. */
  const move = (row: Row | undefined, change: SessionChange, at: DateTime.Utc): boolean => {
    const stream = row === undefined ? undefined : state.streams.get(row.streamId)
    if (stream === undefined) return false
    const event: StreamEvent = { ...change, seq: stream.events.length + 1, at }
    const next = applyEvent(stream.state, event)
    if (Result.isFailure(next)) return false
    state.streams.set(stream.id, { ...stream, state: next.success, events: [...stream.events, event] })
    if (next.success._tag === "Inactive") state.unended.delete(stream.id)
    return true
  }
  const insert = (row: Pick<Row, "streamId" | "streamKeyId" | "path" | "source">, at: DateTime.Utc): Row => {
    const { streamId: id, streamKeyId, path, source } = row
    const nothing = {
      title: null,
      description: null,
      metadata: {},
      recordingRef: null,
      earlierBytes: 0,
      stateAsOf: null
    }
    const stream: MemoryStore.StoredStream = {
      ...nothing,
      id,
      streamKeyId,
      path,
      protocol: source.protocol,
      sourceId: source.id,
      state: { _tag: "Connecting", startedAt: at, ending: null },
      events: [{ type: "admitted", seq: 1, at }],
      observation: { tracks: [], viewerCount: 0, inboundBytes: 0 }
    }
    state.streams.set(id, stream)
    state.streamBySource.set(source.id, id)
    state.unended.add(id)
    return rowOf(stream)
  }
  const rows = {
    get: (id: StreamId): Row | undefined => {
      const stream = state.streams.get(id)
      return stream === undefined ? undefined : rowOf(stream)
    },
    values: (): ReadonlyArray<Row> => [...state.streams.values()].map(rowOf),
    get size() {
      return state.streams.size
    },
    clear: () => {
      state.streams.clear()
      state.streamBySource.clear()
      state.unended.clear()
    }
  }
  return { layer, rows, keys: state.keys, lease: leaseIn(state), setKey, move, insert }
}
