/**
 * The whole store in this process's memory: a plain object of maps, which all memory repositories share. An operation is one
 * synchronous step, so that each is atomic. For tests, for the simulation, and for services that embed Greenroom and need no
 * history after a restart. The repositories define the meaning of the maps.
 */
import type {
  ApiToken,
  ApiTokenId,
  AuditEntry,
  Broadcaster,
  BroadcasterId,
  DecisionId,
  EncryptedSecret,
  KeyHash,
  Metadata,
  Observation,
  PassSummary,
  PipelineId,
  PlaybackToken,
  PlaybackTokenId,
  Protocol,
  RecordedDecision,
  RevokedViewer,
  SessionState,
  SigningKey,
  SigningKeyId,
  StreamEvent,
  StreamId,
  StreamKey,
  StreamKeyId,
  TokenHash,
  Usage,
  Viewer,
  WebhookDelivery,
  WebhookEndpoint,
  WebhookEndpointId,
  WorkerRecord
} from "@greenroom/core"
import { Context, DateTime, Effect, Layer } from "effect"
import { type EventLogState, emptyLog } from "./eventLog.ts"

export interface StoredBroadcaster extends Broadcaster {
  readonly deletedAt: DateTime.Utc | null
}

export interface StoredKey extends Omit<StreamKey, "activeStreamId" | "broadcaster"> {
  readonly hash: KeyHash
  /** Only of a worker's key: the end of the time in which it admits its one connection. */
  readonly admitsUntil?: DateTime.Utc
  /** Only of a worker's key: the key of what the worker reads, whose policy its output has. */
  readonly sourceKeyId?: StreamKeyId
  /** When `key.expired` was written for its present expiry. */
  readonly expiredEventAt?: DateTime.Utc
}

/** What a key begins with: nothing has happened to it yet. */
export const untouched = {
  enabled: true,
  revokedAt: null,
  revokesAt: null,
  rotatedTo: null,
  rotatedFrom: null,
  block: null,
  lastUsedAt: null
} as const

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
  /** Bytes from before the source stopped sending and began again, because the media server then counts from 0. */
  readonly earlierBytes: number
  readonly stateAsOf: DateTime.Utc | null
}

export interface StoredLease {
  readonly holder: string
  /** Milliseconds since the epoch. */
  readonly until: number
  readonly started: string | null
  /** `null` before a pass has shown it. */
  readonly reachable: boolean | null
  readonly lastSnapshot: { readonly at: number; readonly found: PassSummary } | null
  /** Milliseconds since the epoch; `null` without a request. */
  readonly enforceUntil: number | null
}

export interface PrunedUsage extends Usage {
  readonly broadcasterId: BroadcasterId
  readonly day: string
  readonly byWorker: boolean
}

export interface StoredEndpoint extends Omit<WebhookEndpoint, "failingSince" | "nextAttemptAt"> {
  readonly revision: number
  readonly generation: number
  /** How often a holder has taken it. */
  readonly leases: number
  readonly secret: EncryptedSecret
  /** `until`, `failingSince` and `dueAt` are milliseconds since the epoch. */
  readonly previous: { readonly secret: EncryptedSecret; readonly until: number } | null
  readonly lease: { readonly holder: string; readonly until: number } | null
  readonly failingSince: number | null
  readonly stop: { readonly attempt: number; readonly dueAt: number } | null
  readonly held: ReadonlyMap<string, { readonly position: number; readonly attempt: number; readonly dueAt: number }>
  /** In the order in which they were written. */
  readonly deliveries: ReadonlyArray<WebhookDelivery>
}

export interface AuditLogState {
  /** In the order in which they were written. */
  readonly entries: Array<AuditEntry>
  written: number
}

export interface StoredSigningKey extends SigningKey {
  /** Of the key of ours that signs. */
  readonly privateKey: Uint8Array | null
  /** Its id is not given again for a while. */
  readonly removedAt: DateTime.Utc | null
}

export interface StoredToken extends ApiToken {
  readonly hash: TokenHash
}

/** Values are replaced and never mutated, so a copy of the maps is a copy of the store. */
export interface MemoryState {
  readonly broadcasters: Map<BroadcasterId, StoredBroadcaster>
  readonly keys: Map<StreamKeyId, StoredKey>
  /** The keys of the map are hashes in hexadecimal. */
  readonly keyByHash: Map<string, StreamKeyId>
  readonly streams: Map<StreamId, StoredStream>
  readonly streamBySource: Map<string, StreamId>
  readonly unended: Set<StreamId>
  /** By media server; there is one, `main`. */
  readonly leases: Map<string, StoredLease>
  readonly workers: Map<PipelineId, WorkerRecord>
  /** The usage of pruned streams, by broadcaster, day, and whether a worker published. */
  readonly usage: Map<string, PrunedUsage>
  readonly eventLog: EventLogState
  readonly webhookEndpoints: Map<WebhookEndpointId, StoredEndpoint>
  readonly apiTokens: Map<ApiTokenId, StoredToken>
  readonly auditLog: AuditLogState
  readonly authDecisions: Map<DecisionId, RecordedDecision>
  readonly playbackTokens: Map<PlaybackTokenId, PlaybackToken>
  /** By viewer and broadcaster. */
  readonly viewerRevocations: Map<string, RevokedViewer>
  readonly signingKeys: Map<SigningKeyId, StoredSigningKey>
  readonly viewers: Map<string, Viewer>
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
  usage: new Map(),
  eventLog: emptyLog(),
  webhookEndpoints: new Map(),
  apiTokens: new Map(),
  auditLog: { entries: [], written: 0 },
  authDecisions: new Map(),
  playbackTokens: new Map(),
  viewerRevocations: new Map(),
  signingKeys: new Map(),
  viewers: new Map()
})

export const layer: Layer.Layer<MemoryStore> = Layer.sync(MemoryStore, emptyStore)

/** One atomic operation, which reads the clock once. */
export const atomically = <A>(operation: (now: DateTime.Utc) => A): Effect.Effect<A> =>
  Effect.clockWith((clock) => Effect.sync(() => operation(DateTime.makeUnsafe(clock.currentTimeMillisUnsafe()))))

export const hashText = (hash: KeyHash): string =>
  Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("")

/** A JSON object as a database returns it: a copy that has only JSON values. */
export const jsonCopy = (value: Metadata): Metadata => JSON.parse(JSON.stringify(value))
