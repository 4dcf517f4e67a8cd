/** Reads from the log what is to be sent next to an endpoint: events past its window, and those of held subjects that are due. */
import { Effect } from "effect"
import { matchesFilter } from "../domain/events/LoggedEvent.ts"
import { extendWindow, WINDOW_SIZE } from "../domain/webhooks/DeliveryState.ts"
import { afterRead, subjectsToRead } from "../domain/webhooks/planDeliveries.ts"
import { Events } from "../ports/Events.ts"
import type { EndpointRun } from "./EndpointRun.ts"
import type { RecentEvents } from "./RecentEvents.ts"

/** Of a held subject's events, in one read. */
const READ_OF_SUBJECT = 16
const READS_AT_ONCE = 4

/** Takes more of the log into the window. Whether there is more at once. */
export const readOn = Effect.fnUntraced(function* (run: EndpointRun, recent: RecentEvents) {
  const { lookedTo, window, unsettled } = run.state
  const room = WINDOW_SIZE - window.length
  const newest = recent.newest()
  if (room <= 0 || lookedTo >= newest || unsettled.disable !== null) return false
  const known = recent.after(lookedTo)
  if (known !== null) {
    const wanted = known.filter((event) => matchesFilter(event, run.filter))
    const taken = wanted.slice(0, room)
    run.state = extendWindow(run.state, taken, wanted.length > room ? taken.at(-1)!.position : newest)
    return false
  }
  const slice = yield* (yield* Events).read(lookedTo, run.filter, room)
  // Of another log: the run ends when the feed has noticed it, too.
  if (slice.log !== run.log) return false
  run.state = extendWindow(run.state, slice.events, slice.lookedTo)
  return slice.lookedTo > lookedTo && slice.lookedTo < newest
})

/** Reads the next events of held subjects that are due. Whether one of them has none left: then others may go on. */
export const readHeld = Effect.fnUntraced(function* (run: EndpointRun, now: number) {
  const events = yield* Events
  const { position } = run.state
  const found = yield* Effect.forEach(
    subjectsToRead(run.state, now),
    ({ subject, from }) =>
      from > position
        ? Effect.succeed({ subject, events: [], lookedTo: position })
        : Effect.map(events.read(from - 1, { ...run.filter, subject }, READ_OF_SUBJECT), (slice) => ({
            subject,
            events: slice.events.filter((event) => event.position <= position),
            lookedTo: Math.min(slice.lookedTo, position)
          })),
    { concurrency: READS_AT_ONCE }
  )
  for (const { subject, events, lookedTo } of found) run.state = afterRead(run.state, subject, events, lookedTo)
  return found.some(({ events }) => events.length === 0)
})
