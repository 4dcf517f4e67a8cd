/** What a pass does about publishers on a path that no list shows, so that no kick reaches them. */
import { Effect, Metric } from "effect"
import type { CommandOf } from "../domain/reconciliation/Command.ts"
import type { MediaServerSnapshot } from "../domain/reconciliation/MediaServerSnapshot.ts"
import * as Metrics from "../Metrics.ts"
import type { LeaderPorts } from "./LeaderPorts.ts"
import type { PassJournal } from "./PassJournal.ts"
import type { TimeBudget } from "./TimeBudget.ts"

type Reset = CommandOf<"ResetPath">

const isThere = ({ paths, sources }: MediaServerSnapshot, { path, sourceId }: Reset): boolean =>
  paths.some((one) => one.name === path && one.sourceId === sourceId) && !sources.some((one) => one.id === sourceId)

/**
 * Resets the paths of these publishers, if another snapshot shows them there still: a newcomer that has replaced one since
 * must not go in its place. A path that could not be reset is found again by the next pass, and does not fail this one.
 */
export const resetPaths = Effect.fnUntraced(function* (
  resets: ReadonlyArray<Reset>,
  { mediaServer }: LeaderPorts,
  budget: TimeBudget,
  journal: PassJournal
) {
  if (resets.length === 0) return
  const snapshot = yield* budget.inTime(
    Effect.catchTag(mediaServer.snapshot, "MediaServerUnavailable", () => Effect.succeed(null))
  )
  if (snapshot === null) return
  for (const { path, sourceId } of resets.filter((one) => isThere(snapshot, one))) {
    const reset = mediaServer.resetPath(path).pipe(
      Effect.as(null),
      Effect.catchTag("MediaServerUnavailable", ({ message }) => Effect.succeed(message)),
      Effect.tap((error) => {
        journal.resets.push({ path, sourceId, error })
        const outcome = error === null ? "reset" : "failed"
        return Metric.update(Metric.withAttributes(Metrics.pathResets, { outcome }), 1)
      })
    )
    yield* budget.inTime(reset)
  }
})
