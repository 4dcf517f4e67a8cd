/**
 * What is known of the workers: one record a pipeline, written by the instance that runs them, and the keys that they publish
 * with. Laws:
 * - `save` writes all of the records or, when the holder does not hold the reconciler's lease, none; `stateSince` moves with the state;
 * - a key is issued only under the lease and while its source is open and not being stopped; it belongs to the source's
 *   broadcaster, admits one connection, on its path, within `admitWithinMillis`, and is in no list of keys;
 * - the key for a source of the media server's own belongs to the broadcaster who has the oldest unrevoked key for exactly its path, else to
 *   the media server's broadcaster, which is made when it is first needed (and again when it was deleted);
 * - `prune` leaves the newest of the records that are over, `keep` of them, and every record that is not; of keys that admit no
 *   connection any more it deletes those that no stream was ever admitted with.
 */
import type { Effect, Option } from "effect"
import type { KeyHash } from "../domain/access/StreamKey.ts"
import type { StreamId, StreamKeyId } from "../domain/values/Ids.ts"
import type { PipelineId } from "../domain/workers/PipelinePath.ts"
import type { WorkerChange, WorkerRecord } from "../domain/workers/WorkerRecord.ts"
import type { WorkerStateName } from "../domain/workers/workerState.ts"
import type { Page, PageRequest } from "./Page.ts"
import { port } from "./Repositories.ts"
import type { StoreUnavailable } from "./StoreUnavailable.ts"

export interface WorkerKeyOrder {
  readonly keyId: StreamKeyId
  readonly hash: KeyHash
  readonly keyPrefix: string
  readonly label: string
  readonly path: string
  /** The stream that the worker reads; `null` for a source of the media server's own. */
  readonly source: StreamId | null
  readonly inputPath: string
  readonly admitWithinMillis: number
}

export interface WorkersPort {
  /** Newest first by `(createdAt, recordId)`. */
  readonly list: (
    states: ReadonlyArray<WorkerStateName> | null,
    page: PageRequest
  ) => Effect.Effect<Page<WorkerRecord>, StoreUnavailable>
  readonly find: (id: PipelineId) => Effect.Effect<Option.Option<WorkerRecord>, StoreUnavailable>
  /** Those that have not stopped, or may have left a process behind. */
  readonly unfinished: Effect.Effect<ReadonlyArray<WorkerRecord>, StoreUnavailable>
  /** Whether it was written: the holder holds the lease. */
  readonly save: (changes: ReadonlyArray<WorkerChange>, holder: string) => Effect.Effect<boolean, StoreUnavailable>
  /** Nothing without the lease. A key goes a minute after its time, at the earliest. */
  readonly prune: (keep: number, holder: string) => Effect.Effect<void, StoreUnavailable>
  /** Whether the key was issued. */
  readonly issueKey: (order: WorkerKeyOrder, holder: string) => Effect.Effect<boolean, StoreUnavailable>
}

export class Workers extends port("workers") {}
