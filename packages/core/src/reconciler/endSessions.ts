/** What a pass does about sessions whose publisher has left: they end, after the id itself was asked for where the lists are not enough. */
import { Effect } from "effect"
import type { CommandOf } from "../domain/reconciliation/Command.ts"
import type { StreamId } from "../domain/values/Ids.ts"
import type { LeaderPorts } from "./LeaderPorts.ts"
import type { TimeBudget } from "./TimeBudget.ts"

type End = CommandOf<"End">

/** A question that fails leaves the session as it is. The sessions that ended now. */
export const endSessions = Effect.fnUntraced(function* (
  ends: ReadonlyArray<End>,
  holder: string,
  { sessions, mediaServer }: LeaderPorts,
  budget: TimeBudget
) {
  const isGone = ({ verify, session }: End) =>
    verify
      ? budget.inTime(
          mediaServer.find(session.source).pipe(
            Effect.map((answer) => answer === "gone"),
            Effect.catchTag("MediaServerUnavailable", () => Effect.succeed(false))
          )
        )
      : Effect.succeed(true)
  const ended = new Set<StreamId>()
  for (const cause of ["left", "media_server_restarted"] as const) {
    const candidates = ends.filter((end) => end.cause === cause)
    if (candidates.length === 0) continue
    const gone = yield* Effect.forEach(candidates, isGone, { concurrency: 8 })
    const ids = candidates.filter((_, index) => gone[index] === true).map((end) => end.session.streamId)
    if (ids.length === 0) continue
    for (const id of yield* sessions.end(ids, cause, holder)) ended.add(id)
  }
  return ended
})
