/** What the leader's passes leave to the next. A new leader begins with `initialState` and with what the lease shows of the pass before. */

import type { StreamId } from "../values/Ids.ts"
import { type Appearances, noAppearances } from "./appearances.ts"
import type { Observations } from "./observed.ts"
import type { StoreSnapshot } from "./StoreSnapshot.ts"

export interface ReconcileState {
  /** The media server's `started` in the last complete pass, of whichever instance; `null` before there was one. */
  readonly started: string | null
  /** The count of `restartsSeen` at the pass before, if that was this instance's own; else `null`. */
  readonly restartsSeen: number | null
  /** That pass, of whichever instance, held publishers back because they were too many. */
  readonly holding: boolean
  /** Sources that were on a path and in no list; twice in a row they are acted upon. */
  readonly unlisted: ReadonlySet<string>
  /** Sources of open sessions that were in a list or on a path. */
  readonly appeared: ReadonlySet<string>
  readonly appearances: Appearances
  /**
   * The open sessions, if nothing was to be done: each is active, may stay, and has its ready path, and no other publisher was there. A pass
   * that begins with the same sessions expects no change.
   */
  readonly settled: StoreSnapshot["open"] | null
  /**
   * The sessions on the air: active, with their ready path. `null`: other things were found than sessions that begin, pause, go on or end, and the
   * next pass has to read everything.
   */
  readonly onAir: ReadonlySet<StreamId> | null
  /** What was last written of the sessions. */
  readonly observed: Observations
  /**
   * The pass right before was this instance's, and complete. Otherwise a publisher may have been there, and left, unseen by this instance: the
   * former leader may have seen it.
   */
  readonly continuous: boolean
}

/** Of a leader that has not made a pass. */
export const initialState: ReconcileState = {
  started: null,
  restartsSeen: null,
  holding: false,
  unlisted: new Set(),
  appeared: new Set(),
  appearances: noAppearances,
  settled: null,
  onAir: null,
  observed: new Map(),
  continuous: false
}
