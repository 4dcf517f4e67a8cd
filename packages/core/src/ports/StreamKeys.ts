/**
 * The stream keys. Laws: two keys never have one hash; an ingest path (`ingestPath`: the exact limit, else the default) belongs to the
 * broadcaster of the unrevoked keys that have it, however many ask at once; `revoke` keeps the first `revokedAt`; a revoked key
 * changes no more; `rotate` writes both keys in one atomic step or neither, and of several at once one succeeds. Time is the database's. Nothing here touches sessions: who must go is derived from the keys by `Sessions`.
 */
import type { DateTime, Effect, Option } from "effect"
import type { WhyNotRotatable } from "../domain/access/rotation.ts"
import type { KeyHash, KeyStatus, StreamKey } from "../domain/access/StreamKey.ts"
import type { PathLimitText } from "../domain/access/StreamPath.ts"
import type { PlaybackPolicy } from "../domain/playback/PlaybackPolicy.ts"
import type { BroadcasterId, StreamKeyId } from "../domain/values/Ids.ts"
import type { Page, PageRequest } from "./Page.ts"
import { port } from "./Repositories.ts"
import type { StoreUnavailable } from "./StoreUnavailable.ts"

export interface NewStreamKey {
  readonly id: StreamKeyId
  readonly hash: KeyHash
  readonly keyPrefix: string
  readonly broadcasterId: BroadcasterId
  readonly label: string | null
  readonly path: PathLimitText | null
  readonly playback: PlaybackPolicy | null
  readonly expiresAt: DateTime.Utc | null
}

/** A key as it was at `now`, by the database's clock: its status follows from both. */
export interface KeyAt {
  readonly key: StreamKey
  readonly now: DateTime.Utc
}

export type IssueOutcome =
  | ({ readonly _tag: "Issued" } & KeyAt)
  | { readonly _tag: "UnknownBroadcaster" }
  | { readonly _tag: "ExpiryInPast" }
  /** The key's ingest path belongs to another broadcaster. */
  | { readonly _tag: "PathTaken" }

export type ChangeOutcome =
  | ({ readonly _tag: "Changed" } & KeyAt)
  | { readonly _tag: "NotFound" }
  | { readonly _tag: "Revoked" }
  | { readonly _tag: "ExpiryInPast" }

/** The new key of a rotation; `id` is a `successorId`. All else it has from the old one. */
export interface NewSuccessor extends Pick<NewStreamKey, "id" | "hash" | "keyPrefix"> {
  /** 0: the old key is revoked at once. */
  readonly overlapSeconds: number
}

export type RotateOutcome =
  /** `key` is the new one. */
  ({ readonly _tag: "Rotated" } & KeyAt) | { readonly _tag: "NotFound" } | WhyNotRotatable

export interface KeyChanges {
  readonly label?: string | null
  readonly expiresAt?: DateTime.Utc | null
  readonly enabled?: boolean
  readonly playback?: PlaybackPolicy | null
  /** Lifts the block. */
  readonly block?: null
}

export interface KeyFilter {
  readonly broadcasterId?: BroadcasterId
  readonly status?: ReadonlyArray<KeyStatus>
  /** `false`: without the keys of deleted broadcasters. */
  readonly ofDeleted?: boolean
}

export interface StreamKeysPort {
  readonly issue: (key: NewStreamKey) => Effect.Effect<IssueOutcome, StoreUnavailable>
  readonly find: (id: StreamKeyId) => Effect.Effect<Option.Option<KeyAt>, StoreUnavailable>
  readonly list: (filter: KeyFilter, page: PageRequest) => Effect.Effect<Page<StreamKey>, StoreUnavailable>
  /** How many all pages have. */
  readonly count: (filter: KeyFilter) => Effect.Effect<number, StoreUnavailable>
  readonly change: (id: StreamKeyId, changes: KeyChanges) => Effect.Effect<ChangeOutcome, StoreUnavailable>
  readonly revoke: (id: StreamKeyId) => Effect.Effect<Option.Option<KeyAt>, StoreUnavailable>
  readonly rotate: (id: StreamKeyId, successor: NewSuccessor) => Effect.Effect<RotateOutcome, StoreUnavailable>
  /** Keeps the key off the path for so long; another block of the key is replaced. Whether there is such a key, unrevoked. */
  readonly block: (id: StreamKeyId, path: string, seconds: number) => Effect.Effect<boolean, StoreUnavailable>
}

export class StreamKeys extends port("streamKeys") {}
