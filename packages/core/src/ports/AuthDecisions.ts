/**
 * The decision log: the last answers to auth calls, of all instances. It is written in batches, after the answers. Laws:
 * - `append` writes each decision once: one with a known id changes its count and the time at which it was given last, and nothing else. A batch that is
 *   written again changes nothing;
 * - a decision was given `ageMillis` before the store's clock; it belongs to the broadcaster of its key, as the key was when it was written;
 * - lists are ordered newest first by `(at, id)`, pages neither skip nor repeat a decision that was there throughout;
 * - `prune` deletes the oldest and leaves the newest `keep`. Nothing else deletes a decision, or refers to one.
 */
import type { Effect } from "effect"
import type { DecisionContent, DecisionFilter, RecordedDecision } from "../domain/access/RecordedDecision.ts"
import type { DecisionId } from "../domain/values/Ids.ts"
import type { Page, PageRequest } from "./Page.ts"
import { port } from "./Repositories.ts"
import type { StoreUnavailable } from "./StoreUnavailable.ts"

export interface DecisionWrite extends DecisionContent {
  readonly id: DecisionId
  readonly count: number
  /** Since it was given first, and last. */
  readonly ageMillis: number
  readonly lastAgeMillis: number
  readonly instance: string
}

export interface AuthDecisionsPort {
  readonly append: (batch: ReadonlyArray<DecisionWrite>) => Effect.Effect<void, StoreUnavailable>
  readonly list: (filter: DecisionFilter, page: PageRequest) => Effect.Effect<Page<RecordedDecision>, StoreUnavailable>
  /** How many it deleted. */
  readonly prune: (keep: number) => Effect.Effect<number, StoreUnavailable>
}

export class AuthDecisions extends port("authDecisions") {}
