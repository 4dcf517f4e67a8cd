/**
 * The whole store in this process's memory: a plain object of maps, which every memory repository shares. An operation is one
 * synchronous step on it, so nothing is ever seen half done. For tests, for the simulation, and for services that embed
 * Greenroom and need no history after a restart. What the maps mean is the repositories' own.
 */
import type {
  Broadcaster,
  BroadcasterId,
  KeyHash,
  Metadata,
  Observation,
  PassSummary,
  PipelineId,
  Protocol,
  SessionState,
  StreamEvent,
  StreamId,
  StreamKey,
  StreamKeyId,
  Usage,
  WorkerRecord
} from "@greenroom/core"
import { Context, DateTime, Effect, Layer } from "effect"

export interface StoredBroadcaster extends Broadcaster {
  readonly deletedAt: DateTime.Utc | null
}

export interface StoredKey extends Omit<StreamKey, "activeStreamId"> {
  readonly hash: KeyHash
  /** Of a worker's key: until when its one admission may come. */
  readonly admitsUntil?: DateTime.Utc
}

export interface StoredStream {
  readonly id: StreamId
  readonly streamKeyId: StreamKeyId
  readonly path: string
  readonly protocol: Protocol | null
  readonly sourceId: string
  readonly title: string | null
  readonly description: string | null
  readonly metadata: Metadata
  readonly recordingRef: string | null
  readonly state: SessionState
  readonly events: ReadonlyArray<StreamEvent>
  readonly observation: Observation
  /** What its source sent before it stopped sending and began anew: then the media server counts from nothing. */
  readonly earlierBytes: number
  readonly stateAsOf: DateTime.Utc | null
}

export interface StoredLease {
  readonly holder: string
  /** Milliseconds since the epoch. */
  readonly until: number
  readonly started: string | null
  readonly lastLook: { readonly at: number; readonly found: PassSummary } | null
  /** Milliseconds since the epoch; `null` while nothing is wished. */
  readonly enforceUntil: number | null
}

export interface PrunedUsage extends Usage {
  readonly broadcasterId: BroadcasterId
  readonly day: string
  readonly byWorker: boolean
}

/** Values are replaced, never changed: a copy of the maps is a copy of the store. */
export interface MemoryState {
  readonly broadcasters: Map<BroadcasterId, StoredBroadcaster>
  readonly keys: Map<StreamKeyId, StoredKey>
  /** By the hash's bytes in hexadecimal. */
  readonly keyByHash: Map<string, StreamKeyId>
  readonly streams: Map<StreamId, StoredStream>
  readonly streamBySource: Map<string, StreamId>
  readonly unended: Set<StreamId>
  /** By media server, of which there is one: `main`. */
  readonly leases: Map<string, StoredLease>
  readonly workers: Map<PipelineId, WorkerRecord>
  /** Of streams that were pruned, by broadcaster, day and whether a worker published. */
  readonly usage: Map<string, PrunedUsage>
}

export class MemoryStore extends Context.Service<MemoryStore, MemoryState>()("greenroom/memory/MemoryStore") {}

export const emptyStore = (): MemoryState => ({
  broadcasters: new Map(),
  keys: new Map(),
  keyByHash: new Map(),
  streams: new Map(),
  streamBySource: new Map(),
  unended: new Set(),
  leases: new Map(),
  workers: new Map(),
  usage: new Map()
})

export const layer: Layer.Layer<MemoryStore> = Layer.sync(MemoryStore, emptyStore)

/** One atomic operation: all of it at one reading of the clock. */
export const atomically = <A>(operation: (now: DateTime.Utc) => A): Effect.Effect<A> =>
  Effect.clockWith((clock) => Effect.sync(() => operation(DateTime.makeUnsafe(clock.currentTimeMillisUnsafe()))))

export const hashText = (hash: KeyHash): string =>
  Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("")

/** A JSON object as a database would give it back: a copy, with nothing in it but JSON. */
export const jsonCopy = (value: Metadata): Metadata => JSON.parse(JSON.stringify(value))
