/**
 * The broadcasters. Laws: `find`, `findByExternalId` and `list` know no deleted ones; at most one broadcaster that is not deleted has an
 * external id, whatever runs at once; `upsert` is one atomic step; `remove` revokes every key of the broadcaster in the same
 * transaction, frees its external id, and leaves streams and events alone; removing again finds none.
 */
import { type Effect, type Option, Schema } from "effect"
import type { PlaybackPolicy } from "../domain/playback/PlaybackPolicy.ts"
import type { Broadcaster, ExternalId } from "../domain/values/Broadcaster.ts"
import type { BroadcasterId } from "../domain/values/Ids.ts"
import type { Metadata } from "../domain/values/Metadata.ts"
import type { Page, PageRequest } from "./Page.ts"
import { port } from "./Repositories.ts"
import type { StoreUnavailable } from "./StoreUnavailable.ts"

export interface BroadcasterFields {
  readonly displayName: string
  readonly contact: string | null
  readonly metadata: Metadata
  /** Absent or `null`: as the deployment has it. */
  readonly playback?: PlaybackPolicy | null
  /** Absent or `null`: none. */
  readonly externalId?: ExternalId | null
}

/** What `upsert` writes. What is absent is empty in a new broadcaster, and stays as it is in one that exists. */
export type UpsertFields = Pick<BroadcasterFields, "displayName"> &
  Partial<Pick<BroadcasterFields, "contact" | "metadata" | "playback">>

/** Another broadcaster has the external id. Nothing was written. */
export class ExternalIdTaken extends Schema.TaggedError<ExternalIdTaken>()("ExternalIdTaken", {
  externalId: Schema.String
}) {}

export interface BroadcastersPort {
  readonly create: (
    id: BroadcasterId,
    fields: BroadcasterFields
  ) => Effect.Effect<Broadcaster, ExternalIdTaken | StoreUnavailable>
  /**
   * The broadcaster with the external id, as `fields` describe it; a new one has `id`. When nothing differs nothing is written,
   * `updatedAt` neither.
   */
  readonly upsert: (
    id: BroadcasterId,
    externalId: ExternalId,
    fields: UpsertFields
  ) => Effect.Effect<Broadcaster, StoreUnavailable>
  readonly find: (id: BroadcasterId) => Effect.Effect<Option.Option<Broadcaster>, StoreUnavailable>
  readonly findByExternalId: (externalId: ExternalId) => Effect.Effect<Option.Option<Broadcaster>, StoreUnavailable>
  readonly list: (page: PageRequest) => Effect.Effect<Page<Broadcaster>, StoreUnavailable>
  /** How many all pages have. */
  readonly count: Effect.Effect<number, StoreUnavailable>
  /** Changes what is given and `updatedAt`. */
  readonly change: (
    id: BroadcasterId,
    fields: Partial<BroadcasterFields>
  ) => Effect.Effect<Option.Option<Broadcaster>, ExternalIdTaken | StoreUnavailable>
  /** Whether there was one to remove. */
  readonly remove: (id: BroadcasterId) => Effect.Effect<boolean, StoreUnavailable>
}

export class Broadcasters extends port("broadcasters") {}
