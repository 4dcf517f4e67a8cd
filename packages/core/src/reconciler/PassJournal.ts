/**
 * What a pass has done so far. It is written while the pass goes on and read when it is over, also when it failed half way: a publisher that
 * was kicked stays kicked.
 */
import { afterAttempts, afterSnapshot, type KickAttempt } from "../domain/reconciliation/KickTracker.ts"
import type { MediaServerSnapshot } from "../domain/reconciliation/MediaServerSnapshot.ts"
import type { Findings, PathReset } from "../domain/reconciliation/PassReport.ts"
import type { LeftOnAir } from "../domain/reconciliation/summarizePass.ts"

export interface PassJournal {
  /** What was taken, and when it was complete, in milliseconds of the monotonic clock. */
  snapshot: { readonly value: MediaServerSnapshot; readonly at: number } | null
  readonly kicks: Array<KickAttempt>
  readonly resets: Array<PathReset>
}

export const newJournal = (): PassJournal => ({ snapshot: null, kicks: [], resets: [] })

export const kicksAfterSnapshot = ({ kicks }: Findings, { snapshot }: PassJournal) =>
  snapshot === null ? kicks : afterSnapshot(kicks, new Set(snapshot.value.sources.map(({ id }) => id)), snapshot.at)

const failedResetsAfter = ({ failedResets }: Findings, { snapshot, resets }: PassJournal): Findings["failedResets"] => {
  const next = new Map(failedResets)
  if (snapshot !== null) {
    const listed = new Set(snapshot.value.sources.map(({ id }) => id))
    const onPaths = new Set(snapshot.value.paths.map(({ sourceId }) => sourceId))
    for (const id of next.keys()) if (listed.has(id) || !onPaths.has(id)) next.delete(id)
  }
  for (const reset of resets) {
    if (reset.error === null) next.delete(reset.sourceId)
    else if (!next.has(reset.sourceId)) next.set(reset.sourceId, reset)
  }
  return next
}

/** `left`: `null` for a pass that did not complete; then what the pass before left on the air remains valid. */
export const findingsAfter = (before: Findings, journal: PassJournal, left: LeftOnAir | null): Findings => ({
  ...(left ?? {
    reported: before.reported,
    held: before.held,
    unlisted: before.unlisted,
    unwritten: before.unwritten
  }),
  kicks: afterAttempts(kicksAfterSnapshot(before, journal), journal.kicks),
  resets: journal.resets.filter(({ error }) => error === null),
  failedResets: failedResetsAfter(before, journal)
})
