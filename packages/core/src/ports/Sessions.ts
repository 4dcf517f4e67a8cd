/**
 * The publishing sessions, as the reconciler reads and changes them. Laws:
 * - every change writes its row and its event, numbered next, in one atomic step. A change that the state machine refuses (`applyEvent`)
 *   writes nothing, and the result shows it. An ended session never changes again;
 * - `requestStopsForInvalidKeys` finds the sessions to stop from the state of keys and broadcasters alone, so that no request can be
 *   lost. The first reason stays;
 * - a change under a lease is written only while that lease is held (`by`); `null` needs no lease;
 * - rows are locked in the order of their ids.
 */
import type { Effect } from "effect"
import type { StoredSession, StoreSnapshot, StoreSnapshotAfter } from "../domain/reconciliation/StoreSnapshot.ts"
import type { Observation } from "../domain/streams/LiveStream.ts"
import type { StopReason } from "../domain/streams/StreamEvent.ts"
import type { StreamId } from "../domain/values/Ids.ts"
import { port } from "./Repositories.ts"
import type { StoreUnavailable } from "./StoreUnavailable.ts"

/** The holder of the reconciler's lease for whom a change is written; `null` for a change that any instance may write. */
export type LeaseHolder = string | null

export interface SessionsPort {
  readonly open: Effect.Effect<StoreSnapshot, StoreUnavailable>
  /** The store after the media server's snapshot; `formerlyAdmitted` are those of `listed` that had a session which has ended. */
  readonly after: (listed: ReadonlyArray<string>) => Effect.Effect<StoreSnapshotAfter, StoreUnavailable>
  /** Marks every open session whose key is revoked, expired or disabled or whose broadcaster is deleted. How many it marked. */
  readonly requestStopsForInvalidKeys: Effect.Effect<number, StoreUnavailable>
  /** Whether the session was marked now; `false` when it has ended, is stopping already, or is unknown. */
  readonly requestStop: (
    streamId: StreamId,
    reason: StopReason,
    by: LeaseHolder
  ) => Effect.Effect<boolean, StoreUnavailable>
  readonly markReady: (
    ready: ReadonlyArray<{ readonly streamId: StreamId; readonly sourceType: string }>,
    by: LeaseHolder
  ) => Effect.Effect<void, StoreUnavailable>
  readonly markKicked: (streamIds: ReadonlyArray<StreamId>, by: LeaseHolder) => Effect.Effect<void, StoreUnavailable>
  /** Ends the sessions, each with the reason that `endReasonOf` gives. Which of them ended now. */
  readonly end: (
    streamIds: ReadonlyArray<StreamId>,
    cause: "left" | "media_server_restarted",
    by: LeaseHolder
  ) => Effect.Effect<ReadonlyArray<StreamId>, StoreUnavailable>
  readonly observe: (
    observations: ReadonlyArray<{ readonly streamId: StreamId; readonly observation: Observation }>,
    by: LeaseHolder
  ) => Effect.Effect<void, StoreUnavailable>
  /** Those of the sessions that have not ended. */
  readonly stillOpen: (
    streamIds: ReadonlyArray<StreamId>
  ) => Effect.Effect<ReadonlyArray<StoredSession>, StoreUnavailable>
  /** Open sessions of these source ids, read anew: what must hold before a kick. */
  readonly bySource: (sourceIds: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<StoredSession>, StoreUnavailable>
}

export class Sessions extends port("sessions") {}
