/**
 * The broadcasters. Laws: `find` and `list` know no deleted ones; `remove` revokes every key of the broadcaster in the same
 * transaction and leaves streams and events alone; removing again finds none.
 */
import type { Effect, Option } from "effect"
import type { Broadcaster } from "../domain/values/Broadcaster.ts"
import type { BroadcasterId } from "../domain/values/Ids.ts"
import type { Metadata } from "../domain/values/Metadata.ts"
import type { Page, PageRequest } from "./Page.ts"
import { port } from "./Repositories.ts"
import type { StoreUnavailable } from "./StoreUnavailable.ts"

export interface BroadcasterFields {
  readonly displayName: string
  readonly contact: string | null
  readonly metadata: Metadata
}

export interface BroadcastersPort {
  readonly create: (id: BroadcasterId, fields: BroadcasterFields) => Effect.Effect<Broadcaster, StoreUnavailable>
  readonly find: (id: BroadcasterId) => Effect.Effect<Option.Option<Broadcaster>, StoreUnavailable>
  readonly list: (page: PageRequest) => Effect.Effect<Page<Broadcaster>, StoreUnavailable>
  /** Changes what is given and `updatedAt`. */
  readonly change: (
    id: BroadcasterId,
    fields: Partial<BroadcasterFields>
  ) => Effect.Effect<Option.Option<Broadcaster>, StoreUnavailable>
  /** Whether there was one to remove. */
  readonly remove: (id: BroadcasterId) => Effect.Effect<boolean, StoreUnavailable>
}

export class Broadcasters extends port("broadcasters") {}
