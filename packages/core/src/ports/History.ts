/**
 * The stored sessions with their events, as they are written, for whoever doubts the store. Laws: pages go by id, from the least
 * on; one page is read at one moment, so that a row and its events belong together; whatever was there throughout is on one page,
 * events without a stream included.
 */
import { Context, type Effect } from "effect"
import type { StoredHistory } from "../domain/streams/StoredHistory.ts"
import type { StreamId } from "../domain/values/Ids.ts"
import type { StoreUnavailable } from "./StoreUnavailable.ts"

export interface HistoryPage {
  readonly items: ReadonlyArray<StoredHistory>
  /** The last id of the page; `null` when nothing comes after it. */
  readonly next: StreamId | null
}

export class History extends Context.Service<
  History,
  {
    /** About `limit` streams whose ids come after `after`, at most; fewer only when `next` says where to go on, or at the end. */
    readonly page: (after: StreamId | null, limit: number) => Effect.Effect<HistoryPage, StoreUnavailable>
  }
>()("greenroom/History") {}
