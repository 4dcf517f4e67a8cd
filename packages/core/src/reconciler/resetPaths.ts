/** What a pass does about publishers that are on the air, stand in no list of sessions, and hear no kick. */
import { Effect, Metric } from "effect"
import type { CommandOf } from "../domain/reconciliation/planReconciliation.ts"
import * as Telemetry from "../Metrics.ts"
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
  cures: ReadonlyArray<CommandOf<"CurePath">>,
  chronicle: KickTracker,
  acting: TimeBudget
) {
  let failed = 0
  if (cures.length === 0) return failed
  const mediaServer = yield* MediaServer
  const { whileHeld, renew } = yield* LeaseGuard
  const again = yield* acting.inTime(
    whileHeld(Effect.catchTag(mediaServer.snapshot, "MediaServerUnavailable", () => Effect.succeed(null)))
  )
  if (again === null) return failed
  const { paths, sources } = again
  const isThere = ({ path, sourceId }: CommandOf<"CurePath">) =>
    paths.some((one) => one.name === path && one.sourceId === sourceId) && !sources.some((one) => one.id === sourceId)
  const count = (outcome: "reset" | "failed") => Metric.update(Metric.withAttributes(Telemetry.cures, { outcome }), 1)
  for (const { path, sourceId } of cures.filter(isThere)) {
    const cure = mediaServer.resetPath(path).pipe(
      Effect.andThen(Effect.andThen(count("reset"), chronicle.cured(path, sourceId))),
      Effect.catchTag("MediaServerUnavailable", (error) =>
        Effect.andThen(count("failed"), chronicle.notCured(path, sourceId, error)).pipe(
          Effect.tap(() => Effect.sync(() => failed++))
        )
      )
    )
    yield* acting.inTime(Effect.andThen(renew, whileHeld(cure)))
  }
  return failed
})
