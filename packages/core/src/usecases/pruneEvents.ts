/** Prunes the event log in the background: events older than `EVENTS_KEEP`. Any instance may do it, several at once, too. */
import { Effect } from "effect"
import { Events } from "../ports/Events.ts"
import { pruneInBatches } from "./pruneInBatches.ts"
import { pruneRegularly } from "./pruneRegularly.ts"

const pruneAll = Effect.fn("pruneEvents")(function* (keepDays: number) {
  const events = yield* Events
  yield* pruneInBatches("events", keepDays, (limit) => events.prune(keepDays, limit))
})

/** Runs until it is interrupted. */
export const pruneEvents = (keepDays: number) =>
  pruneRegularly({ kind: "events_not_pruned", what: "old events" }, pruneAll(keepDays))
