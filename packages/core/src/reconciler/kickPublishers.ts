/**
 * What a pass does about publishers that must go: each is kicked if the reason holds when the store is read once more, because
 * between the decision and the kick this process may have been frozen for any time.
 */
import { Effect, Metric } from "effect"
import type { CommandOf } from "../domain/reconciliation/Command.ts"
import {
  isUnanswered,
  type KickAttempt,
  type KickReason,
  type KickTracker
} from "../domain/reconciliation/KickTracker.ts"
import type { ListedSource } from "../domain/reconciliation/MediaServerSnapshot.ts"
import type { StreamId } from "../domain/values/Ids.ts"
import * as Metrics from "../Metrics.ts"
import { monotonicMillis } from "../resilience/ProcessClock.ts"
import type { LeaderPorts } from "./LeaderPorts.ts"
import type { PassJournal } from "./PassJournal.ts"
import type { TimeBudget } from "./TimeBudget.ts"

type KickCommand = CommandOf<"KickStopping"> | CommandOf<"KickUnauthorized">

const isKick = (command: { readonly _tag: string }): command is KickCommand =>
  command._tag === "KickStopping" || command._tag === "KickUnauthorized"

/** Kicks that were not answered so far come last: they must not take the time of the others. */
const inOrder = (commands: ReadonlyArray<KickCommand>, kicks: KickTracker) =>
  [...commands].sort(
    (one, other) => Number(isUnanswered(kicks, one.listed.id)) - Number(isUnanswered(kicks, other.listed.id))
  )

const kick = Effect.fnUntraced(function* (
  listed: ListedSource,
  reason: KickReason,
  { mediaServer }: LeaderPorts,
  journal: PassJournal
) {
  const result = yield* mediaServer.kick({ protocol: listed.protocol, id: listed.id }).pipe(
    Effect.tap(() => Metric.update(Metric.withAttributes(Metrics.kicks, { why: reason }), 1)),
    Effect.map((answer): KickAttempt["result"] => ({ _tag: "Answered", answer })),
    Effect.catchTag("MediaServerUnavailable", ({ message }) =>
      Effect.succeed<KickAttempt["result"]>({ _tag: "Failed", error: message })
    )
  )
  journal.kicks.push({ listed, reason, at: yield* monotonicMillis, result })
  return result._tag === "Answered"
})

/** `kicks`: those of the passes before. What was attempted is in the journal. */
export const kickPublishers = Effect.fnUntraced(function* (
  commands: ReadonlyArray<{ readonly _tag: string }>,
  kicks: KickTracker,
  holder: string,
  ports: LeaderPorts,
  budget: TimeBudget,
  journal: PassJournal
) {
  const due = commands.filter(isKick)
  if (due.length === 0) return
  const now = yield* ports.sessions.bySource(due.map(({ listed }) => listed.id))
  const bySource = new Map(now.map((session) => [session.source.id, session]))
  const kicked: Array<StreamId> = []

  const kickStopping = Effect.fnUntraced(function* ({ listed }: CommandOf<"KickStopping">) {
    const session = bySource.get(listed.id)
    if (session === undefined || session.state.ending === null) return
    const answered = yield* budget.inTime(kick(listed, "stopping", ports, journal))
    if (answered === true && session.state.ending.kickedAt === null) kicked.push(session.streamId)
  })
  const kickUnauthorized = ({ listed, former }: CommandOf<"KickUnauthorized">) =>
    bySource.has(listed.id)
      ? Effect.void
      : budget.inTime(kick(listed, former ? "former" : "unauthorized", ports, journal))

  yield* Effect.forEach(
    inOrder(due, kicks),
    (command) => (command._tag === "KickStopping" ? kickStopping(command) : kickUnauthorized(command)),
    { concurrency: 8, discard: true }
  )
  if (kicked.length > 0) yield* ports.sessions.markKicked(kicked, holder)
})
