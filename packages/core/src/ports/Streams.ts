/**
 * The streams as people read and annotate them, live and past. Nothing here moves a session. Laws: lists are ordered newest first
 * by `(startedAt, id)`, pages neither skip nor repeat a row that was there throughout; history is deleted by
 * `Retention` alone. Between two reads of one version no list has changed, so a list that was read at that version is still right.
 */
import type { DateTime, Effect, Option } from "effect"
import type { LiveStream, StreamStatus } from "../domain/streams/LiveStream.ts"
import type { StreamDetails } from "../domain/streams/StreamDetails.ts"
import type { StreamEvent } from "../domain/streams/StreamEvent.ts"
import type { BroadcasterId, StreamId, StreamKeyId } from "../domain/values/Ids.ts"
import type { Metadata } from "../domain/values/Metadata.ts"
import type { Page, PageRequest } from "./Page.ts"
import { port } from "./Repositories.ts"
import type { StoreUnavailable } from "./StoreUnavailable.ts"

export interface StreamFilter {
  /** Which statuses; never empty. */
  readonly status: ReadonlyArray<StreamStatus>
  readonly broadcasterId?: BroadcasterId
  readonly streamKeyId?: StreamKeyId
  readonly path?: string
  /** Only those that were live then: admitted by this time, and not ended by it. */
  readonly at?: DateTime.Utc
}

/** Names a state of the store: opaque, and never used again for another state. */
export type StoreVersion = string

/** A stream of a list; `null` when it has not changed since the version that the reader named. */
export interface ListedStream {
  readonly id: StreamId
  readonly stream: LiveStream | null
}

/** A list and the version of the store at which it was read. */
export interface StreamList extends Page<ListedStream> {
  readonly version: StoreVersion
}

export interface Annotation {
  readonly title?: string | null
  readonly description?: string | null
  readonly metadata?: Metadata
  readonly recordingRef?: string | null
}

export interface StreamsPort {
  readonly list: (filter: StreamFilter, page: PageRequest) => Effect.Effect<Page<LiveStream>, StoreUnavailable>
  /** How many all pages have. */
  readonly count: (filter: StreamFilter) => Effect.Effect<number, StoreUnavailable>
  /**
   * The same list for a reader that keeps an earlier one: streams that are surely the same as at `since` come without their content.
   * `null`: all come with it.
   */
  readonly listSince: (
    filter: StreamFilter,
    page: PageRequest,
    since: StoreVersion | null
  ) => Effect.Effect<StreamList, StoreUnavailable>
  /** The version of the store, with its clock. It may change although no list has. */
  readonly version: Effect.Effect<{ readonly version: StoreVersion; readonly now: DateTime.Utc }, StoreUnavailable>
  readonly find: (id: StreamId) => Effect.Effect<Option.Option<StreamDetails>, StoreUnavailable>
  readonly annotate: (
    id: StreamId,
    annotation: Annotation
  ) => Effect.Effect<Option.Option<StreamDetails>, StoreUnavailable>
  /** The stream's events in order, those after `afterSeq`, at most `limit`; none for an unknown stream. */
  readonly events: (
    id: StreamId,
    afterSeq: number,
    limit: number
  ) => Effect.Effect<ReadonlyArray<StreamEvent>, StoreUnavailable>
  /** Ids of the unended streams of a key or of a broadcaster. */
  readonly unendedOf: (
    owner: { readonly streamKeyId: StreamKeyId } | { readonly broadcasterId: BroadcasterId }
  ) => Effect.Effect<ReadonlyArray<StreamId>, StoreUnavailable>
}

export class Streams extends port("streams") {}
