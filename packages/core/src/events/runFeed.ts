/**
 * The loop behind `EventFeed`: places what was written, and reads on. It turns when this process has written, when the store says that another one
 * has placed, and every 250 ms for what neither says: the writes of a process that has died before it placed them.
 */
import { Cause, Effect, Metric, Option } from "effect"
import type { LogHead } from "../domain/events/EventCursor.ts"
import type { LoggedEvent } from "../domain/events/LoggedEvent.ts"
import * as Metrics from "../Metrics.ts"
import type { EventsPort } from "../ports/Events.ts"
import { StoreUnavailable } from "../ports/StoreUnavailable.ts"
import { makeConditions } from "../resilience/Conditions.ts"

export const PLACE_EVERY_MS = 250
/** Of one statement. */
const PLACED_AT_ONCE = 1_000
const READ_AT_ONCE = 500
/** Writes that come one upon the other are placed together. */
const BETWEEN_TURNS_MS = 20

/** Why the loop turns: there may be something to place, or only something to read. */
export type Wake = "written" | "placed"

export interface Feed {
  readonly events: EventsPort
  readonly nextWake: Effect.Effect<Wake>
  /** As far as the log was read; `null` before the first turn. */
  readonly known: () => LogHead | null
  readonly hasConsumers: () => boolean
  readonly advance: (head: LogHead, events: ReadonlyArray<LoggedEvent>) => void
}

const placeAll = Effect.fnUntraced(function* (events: EventsPort) {
  while (true) {
    const placed = yield* events.place(PLACED_AT_ONCE)
    if (placed.placed > 0) yield* Metric.update(Metrics.eventsPlaced, placed.placed)
    if (placed.placed < PLACED_AT_ONCE) return placed
  }
})

/** Reads up to `head`, in parts. Without consumers there is nothing to read. */
const readTo = Effect.fnUntraced(function* ({ events, known, hasConsumers, advance }: Feed, head: LogHead) {
  while (true) {
    const at = known()
    if (at === null || at.log !== head.log || !hasConsumers()) {
      if (at === null || at.log !== head.log || at.newest < head.newest) advance(head, [])
      return
    }
    if (at.newest >= head.newest) return
    const slice = yield* events.read(at.newest, {}, READ_AT_ONCE)
    const { log, oldest } = slice
    // It may be shorter than what was looked at.
    if (log !== at.log) return advance({ log, oldest, newest: slice.newest }, [])
    // Without progress the loop would not end: the store does not show what it has placed.
    if (slice.lookedTo <= at.newest) return
    advance({ log, oldest, newest: slice.lookedTo }, slice.events)
  }
})

const turn = Effect.fnUntraced(function* (feed: Feed, why: Wake) {
  const { placed: _, ...head } = yield* why === "placed"
    ? Effect.map(feed.events.head, (head) => ({ placed: 0, ...head }))
    : placeAll(feed.events)
  yield* readTo(feed, head)
})

const LATE = "events are late: the log cannot be written or read"
const AGAIN = "events are on time again"

/** Runs until it is interrupted. */
export const runFeed = (feed: Feed) => {
  const conditions = makeConditions()
  const next = Effect.map(
    Effect.timeoutOption(feed.nextWake, PLACE_EVERY_MS),
    Option.getOrElse((): Wake => "written")
  )
  const attempt = Effect.fnUntraced(function* (why: Wake) {
    const exit = yield* Effect.exit(turn(feed, why))
    if (exit._tag === "Success") return yield* conditions.set("events_late", false, AGAIN)
    if (Cause.hasInterruptsOnly(exit.cause)) return yield* Effect.failCause(exit.cause)
    const error = Cause.squash(exit.cause)
    if (!(error instanceof StoreUnavailable)) yield* Effect.logError("a defect in the event feed", exit.cause)
    const message = error instanceof Error ? error.message : String(error)
    yield* conditions.set("events_late", true, LATE, { annotations: { error: message } })
    yield* Effect.sleep(PLACE_EVERY_MS)
  })
  return Effect.andThen(
    attempt("written"),
    Effect.forever(Effect.andThen(Effect.flatMap(next, attempt), Effect.sleep(BETWEEN_TURNS_MS)))
  )
}
