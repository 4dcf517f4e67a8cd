/**
 * The snapshots of one media server, one after the other: whether the next one can check the last one again, and what outlasts them. A
 * snapshot reads everything. A recheck makes one call or two while nothing has changed (`readAgain.ts`).
 */
import {
  type MediaServerSnapshot,
  type MediaServerUnavailable,
  nextUnlisted,
  noneUnlisted,
  type Protocol
} from "@greenroom/core"
import { monotonicMillis } from "@greenroom/core/internal"
import { Effect } from "effect"
import type { ApiAccess } from "./ApiAccess.ts"
import { hedge } from "./hedge.ts"
import type { RestartSign } from "./RestartSign.ts"
import { type RunningServer, STARTED_UNKNOWN } from "./RunningServer.ts"
import { readAgain } from "./readAgain.ts"
import { type Reading, readSnapshot } from "./readSnapshot.ts"

/**
 * How old the lists of protocols may be in a `recheck`. A publisher that MediaMTX has lost (RTSP), while its session may stay, is found
 * that much later.
 */
const LISTS_VALID_MS = 10_000

type Snapshot = Effect.Effect<MediaServerSnapshot, MediaServerUnavailable>

export interface Snapshots {
  readonly snapshot: Snapshot
  readonly recheck: (lists: ReadonlySet<Protocol>) => Snapshot
  /** Whether the last two snapshots showed the source on a path and in no list. */
  readonly isLastingUnlisted: (id: string) => boolean
}

/** `meanwhile` runs beside the lists. It must not fail. `within` gives the whole snapshot its deadline. */
export const makeSnapshots = (
  access: ApiAccess,
  restartSign: RestartSign,
  meanwhile: (server: RunningServer) => Effect.Effect<void>,
  within: <A>(reading: Effect.Effect<A, MediaServerUnavailable>) => Effect.Effect<A, MediaServerUnavailable>
): Snapshots => {
  let last: Reading | null = null
  let unlisted = noneUnlisted

  const remember = (reading: Reading): MediaServerSnapshot => {
    const { snapshot } = reading
    const hasNewLists = reading.lists !== last?.lists
    last = reading
    if (!hasNewLists) return snapshot
    unlisted = nextUnlisted(unlisted, snapshot)
    access.rtspIds.retain(snapshot)
    const restartsSeen = restartSign.seenAt(snapshot)
    return snapshot.started === STARTED_UNKNOWN ? { ...snapshot, restartsSeen } : snapshot
  }

  const anew = readSnapshot(access, meanwhile)

  /** Where a restart cannot be seen by `started`, each snapshot has to show the connections anew. */
  const canCheckAgain = (reading: Reading, now: number): boolean =>
    now - reading.allReadAt < LISTS_VALID_MS && reading.server.started !== STARTED_UNKNOWN && unlisted.last.size === 0
  const again = (lists: ReadonlySet<Protocol>) =>
    Effect.gen(function* () {
      const before = last
      if (before === null || !canCheckAgain(before, yield* monotonicMillis)) return yield* anew
      return (yield* readAgain(access, meanwhile, before, lists)) ?? (yield* anew)
    })

  const take = (attempt: typeof anew): Snapshot => Effect.map(within(hedge(attempt)), remember)
  return {
    snapshot: take(anew),
    recheck: (lists) => take(again(lists)),
    isLastingUnlisted: (id) => unlisted.lasting.has(id)
  }
}
