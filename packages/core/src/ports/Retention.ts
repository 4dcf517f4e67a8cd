/**
 * Pruning: deletes what ended long ago and keeps its usage. Laws:
 * - a stream goes with all of its events, and only when it ended more than `keepDays` days ago; at most `limit` of them in one call, those
 *   that started first;
 * - in the same atomic step the usage of each (`usageOf`) is added to that of its broadcaster on its day: none is lost or counted twice;
 * - a key remembers when it was used last;
 * - when fewer than `limit` streams went, keys go that have no stream left: those that were revoked more than `keepDays` days ago, and those of
 *   workers that admitted no connection since then; at most `limit` of each;
 * - of several calls at once one prunes, and the others answer `Busy`.
 */
import type { Effect } from "effect"
import { port } from "./Repositories.ts"
import type { StoreUnavailable } from "./StoreUnavailable.ts"

export type PruneOutcome =
  | { readonly _tag: "Pruned"; readonly streams: number; readonly keys: number }
  | { readonly _tag: "Busy" }

export interface RetentionPort {
  /** `keepDays` is at least 1: a connection's id must be gone from the media server before its stream is. */
  readonly prune: (keepDays: number, limit: number) => Effect.Effect<PruneOutcome, StoreUnavailable>
}

export class Retention extends port("retention") {}
