/** What a pass does about publishers that are on the air, stand in no list of sessions, and hear no kick. */
import { Effect, Metric } from "effect"
import type { CommandOf } from "../domain/reconciliation/planReconciliation.ts"
import * as Metrics from "../Metrics.ts"
import { MediaServer } from "../ports/MediaServer.ts"
import type { KickTracker } from "./KickTracker.ts"
import { LeaseGuard } from "./LeaseGuard.ts"
import type { TimeBudget } from "./TimeBudget.ts"

/**
 * Resets the paths of publishers that no kick reaches, if another look shows them there still: a newcomer that has driven one out since
 * must not go in its place. The lease is renewed right before each, because a reset that was begun is not interrupted. A path that could
 * not be reset is seen again, and keeps the pass from nothing; how many these were is the result.
 */
export const resetPaths = Effect.fnUntraced(function* (
  resets: ReadonlyArray<CommandOf<"ResetPath">>,
  kickTracker: KickTracker,
  budget: TimeBudget
) {
  let failed = 0
  if (resets.length === 0) return failed
  const mediaServer = yield* MediaServer
  const { whileHeld, renew } = yield* LeaseGuard
  const again = yield* budget.inTime(
    whileHeld(Effect.catchTag(mediaServer.snapshot, "MediaServerUnavailable", () => Effect.succeed(null)))
  )
  if (again === null) return failed
  const { paths, sources } = again
  const isThere = ({ path, sourceId }: CommandOf<"ResetPath">) =>
    paths.some((one) => one.name === path && one.sourceId === sourceId) && !sources.some((one) => one.id === sourceId)
  const count = (outcome: "reset" | "failed") =>
    Metric.update(Metric.withAttributes(Metrics.pathResets, { outcome }), 1)
  for (const { path, sourceId } of resets.filter(isThere)) {
    const reset = mediaServer.resetPath(path).pipe(
      Effect.andThen(Effect.andThen(count("reset"), kickTracker.pathReset(path, sourceId))),
      Effect.catchTag("MediaServerUnavailable", (error) =>
        Effect.andThen(count("failed"), kickTracker.pathNotReset(path, sourceId, error)).pipe(
          Effect.tap(() => Effect.sync(() => failed++))
        )
      )
    )
    yield* budget.inTime(Effect.andThen(renew, whileHeld(reset)))
  }
  return failed
})
