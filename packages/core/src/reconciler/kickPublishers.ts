/**
 * What a pass does about publishers that must go: each is kicked if the reason holds when the store is read once more, because
 * between the decision and the kick this process may have been frozen for any time.
 */
import { Effect, Metric } from "effect"
import type { ListedSource } from "../domain/reconciliation/MediaServerSnapshot.ts"
import type { CommandOf } from "../domain/reconciliation/planReconciliation.ts"
import type { StreamId } from "../domain/values/Ids.ts"
import * as Metrics from "../Metrics.ts"
import { MediaServer } from "../ports/MediaServer.ts"
import { Sessions } from "../ports/Sessions.ts"
import type { KickReason, KickTracker } from "./KickTracker.ts"
import { LeaseGuard } from "./LeaseGuard.ts"
import type { TimeBudget } from "./TimeBudget.ts"

/** Kicks those for whom the reason still holds. How many strangers were told to go for the first time, and whether anybody was. */
export const kickPublishers = Effect.fnUntraced(function* (
  stopping: ReadonlyArray<CommandOf<"KickStopping">>,
  strangers: ReadonlyArray<CommandOf<"KickUnauthorized">>,
  holder: string,
  kickTracker: KickTracker,
  budget: TimeBudget
) {
  const outcome = { strangers: 0, first: false }
  if (stopping.length + strangers.length === 0) return outcome
  const sessions = yield* Sessions
  const mediaServer = yield* MediaServer
  const { whileHeld } = yield* LeaseGuard
  const ids = [...stopping, ...strangers].map((command) => command.listed.id)
  const now = yield* whileHeld(sessions.bySource(ids))
  const bySource = new Map(now.map((session) => [session.source.id, session]))

  const kick = (listed: ListedSource, why: KickReason) =>
    budget.inTime(
      whileHeld(
        mediaServer.kick({ protocol: listed.protocol, id: listed.id }).pipe(
          Effect.tap(() => Metric.update(Metric.withAttributes(Metrics.kicks, { why }), 1)),
          Effect.flatMap((answer) => kickTracker.told(listed, why, answer)),
          Effect.map((first) => {
            if (first) outcome.first = true
            if (first && why !== "stopping") outcome.strangers++
            return true
          }),
          Effect.catchTag("MediaServerUnavailable", (error) =>
            Effect.as(kickTracker.notAnswered(listed, why, error), false)
          )
        )
      )
    )

  const told: Array<StreamId> = []
  const kickStopping = Effect.fnUntraced(function* ({ listed }: CommandOf<"KickStopping">) {
    const session = bySource.get(listed.id)
    if (session === undefined || session.state.ending === null) return
    if ((yield* kick(listed, "stopping")) === true && session.state.ending.kickedAt === null)
      told.push(session.streamId)
  })
  const kickStranger = Effect.fnUntraced(function* ({ listed, former }: CommandOf<"KickUnauthorized">) {
    if (bySource.has(listed.id)) return
    yield* kick(listed, former ? "former" : "unauthorized")
  })

  // Those whose last kick got no answer come last: they must not take the time of the others.
  const doubtful = ({ listed }: { readonly listed: ListedSource }) => Number(kickTracker.isUnanswered(listed.id))
  yield* Effect.forEach(
    [...stopping, ...strangers].sort((one, other) => doubtful(one) - doubtful(other)),
    (command) => (command._tag === "KickStopping" ? kickStopping(command) : kickStranger(command)),
    { concurrency: 8, discard: true }
  )
  if (told.length > 0) yield* whileHeld(sessions.markKicked(told, holder))
  return outcome
})
