/**
 * The stream keys. Laws: two keys never have one hash; an ingest path (`ingestPath`: the exact limit, else the default) belongs to the
 * broadcaster of the unrevoked keys that have it, however many ask at once; `revoke` keeps the first `revokedAt`; a revoked key
 * changes no more. Time is the database's. Nothing here touches sessions: who must go is derived from the keys by `Sessions`.
 */
import type { DateTime, Effect, Option } from "effect"
import type { KeyHash, KeyStatus, StreamKey } from "../domain/access/StreamKey.ts"
import type { PathLimitText } from "../domain/access/StreamPath.ts"
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

export interface KeyChanges {
  readonly label?: string | null
  readonly expiresAt?: DateTime.Utc | null
  readonly enabled?: boolean
}

export interface KeyFilter {
  readonly broadcasterId?: BroadcasterId
  readonly status?: ReadonlyArray<KeyStatus>
}

export interface StreamKeysPort {
  readonly issue: (key: NewStreamKey) => Effect.Effect<IssueOutcome, StoreUnavailable>
  readonly find: (id: StreamKeyId) => Effect.Effect<Option.Option<KeyAt>, StoreUnavailable>
  readonly list: (filter: KeyFilter, page: PageRequest) => Effect.Effect<Page<StreamKey>, StoreUnavailable>
  readonly change: (id: StreamKeyId, changes: KeyChanges) => Effect.Effect<ChangeOutcome, StoreUnavailable>
  readonly revoke: (id: StreamKeyId) => Effect.Effect<Option.Option<KeyAt>, StoreUnavailable>
}

export class StreamKeys extends port("streamKeys") {}
