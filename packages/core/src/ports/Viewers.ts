/**
 * The viewers that are watching, as the leader writes them, and who may watch which path. Laws: a session that joins is one row and one event `viewer.joined`, a
 * session that leaves has no row and is one event `viewer.left`, in one atomic step each call, and nothing of it without the lease; joining twice and leaving twice
 * write nothing; `paths` has each open session that occupies its path; `pastFacts` answers for the newest stream that has ended on the path, by its key's policy of now, revoked or not; `pathFacts` answers for the stream on the path, else for the unrevoked key whose ingest
 * path it is. Lists are ordered newest first by `(since, id)`.
 */
import type { Effect, Option } from "effect"
import type { PathOwner } from "../domain/playback/PathOwner.ts"
import type { ViewerId } from "../domain/playback/PlaybackToken.ts"
import type { BroadcasterId, StreamId } from "../domain/values/Ids.ts"
import type { Departure, Viewer, ViewerRefusal } from "../domain/viewers/Viewer.ts"
import type { Page, PageRequest } from "./Page.ts"
import { port } from "./Repositories.ts"
import type { StoreUnavailable } from "./StoreUnavailable.ts"

export interface OpenPath extends PathOwner {
  readonly path: string
  readonly streamId: StreamId
}

export interface ViewerFilter {
  readonly path?: string
  readonly streamId?: StreamId
  readonly viewerId?: ViewerId
  readonly broadcasterId?: BroadcasterId
}

export interface ViewersPort {
  /** Of every stream that is connecting or active and was not superseded. */
  readonly paths: Effect.Effect<ReadonlyArray<OpenPath>, StoreUnavailable>
  readonly pathFacts: (path: string) => Effect.Effect<Option.Option<PathOwner>, StoreUnavailable>
  /** Of who streamed there last: recordings outlive their streams. */
  readonly pastFacts: (path: string) => Effect.Effect<Option.Option<PathOwner>, StoreUnavailable>
  /** All that are watching, as they were recorded. */
  readonly open: Effect.Effect<ReadonlyArray<Viewer>, StoreUnavailable>
  /** Whether it was written: the holder holds the lease. */
  readonly record: (
    changes: {
      readonly joined: ReadonlyArray<Viewer>
      readonly left: ReadonlyArray<{ readonly id: string; readonly why: Departure }>
    },
    holder: string
  ) => Effect.Effect<boolean, StoreUnavailable>
  readonly list: (filter: ViewerFilter, page: PageRequest) => Effect.Effect<Page<Viewer>, StoreUnavailable>
  /** How many all pages have. */
  readonly count: (filter: ViewerFilter) => Effect.Effect<number, StoreUnavailable>
  readonly find: (id: string) => Effect.Effect<Option.Option<Viewer>, StoreUnavailable>
  /** Writes `viewer.refused` of each, without a lease: every instance refuses. */
  readonly recordRefused: (refusals: ReadonlyArray<ViewerRefusal>) => Effect.Effect<void, StoreUnavailable>
}

export class Viewers extends port("viewers") {}
