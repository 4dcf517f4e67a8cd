/** What one pass found and did, as a value: `describePassChange` compares it with the pass before. Pure. */

import type { StreamId } from "../values/Ids.ts"
import { type KickTracker, noKicks } from "./KickTracker.ts"
import type { ListedPath, ListedSource } from "./MediaServerSnapshot.ts"
import type { HoldReason } from "./planForUnauthorized.ts"

/** Why a pass did not complete; each is a condition of the same name. */
export type PassFailureKind =
  | "reconciler_store"
  | "media_server_absent"
  | "media_server_unreachable"
  | "media_server_refused"
  | "media_server_nonsense"
  | "lease_lost"
  | "pass_too_long"
  | "reconciler_failed"

export interface PassFailure {
  readonly kind: PassFailureKind
  readonly message: string
}

/** How the metric and the log name what became of a pass. */
export type PassOutcomeName =
  | "complete"
  | "not_leading"
  | "store_unavailable"
  | "media_server_absent"
  | "media_server_unavailable"
  | "lease_lost"
  | "too_long"
  | "failed"

export const outcomeOfFailure = (kind: PassFailureKind): PassOutcomeName => {
  switch (kind) {
    case "reconciler_store":
      return "store_unavailable"
    case "media_server_absent":
    case "lease_lost":
      return kind
    case "media_server_unreachable":
    case "media_server_refused":
    case "media_server_nonsense":
      return "media_server_unavailable"
    case "pass_too_long":
      return "too_long"
    case "reconciler_failed":
      return "failed"
  }
}

export interface Held {
  readonly count: number
  readonly why: HoldReason
}

/** An attempt to reset a path; `error` is `null` when it was reset. */
export interface PathReset {
  readonly path: string
  readonly sourceId: string
  readonly error: string | null
}

/** What the leader knows of single connections after a pass. */
export interface Findings {
  readonly kicks: KickTracker
  /** Publishers without a session that are only reported, as configured; by id. */
  readonly reported: ReadonlyMap<string, ListedSource>
  readonly held: Held | null
  /** Publishers on a path that no list shows, twice in a row, and that may stay; by id. */
  readonly unlisted: ReadonlyMap<string, ListedPath>
  /** Streams that the two passes before marked ready and that are connecting still: the store does not write what the leader writes. */
  readonly unwritten: ReadonlySet<StreamId>
  /** The paths that were reset in this pass. */
  readonly resets: ReadonlyArray<PathReset>
  /** The paths that could not be reset, until their publisher has left them; by its id. */
  readonly failedResets: ReadonlyMap<string, PathReset>
}

export const noFindings: Findings = {
  kicks: noKicks,
  reported: new Map(),
  held: null,
  unlisted: new Map(),
  unwritten: new Set(),
  resets: [],
  failedResets: new Map()
}

export interface PassReport {
  readonly outcome: PassOutcomeName
  readonly failure: PassFailure | null
  /** When the pass was over, in milliseconds of the monotonic clock. */
  readonly at: number
  /** `null` on a follower. */
  readonly findings: Findings | null
}
