/** The event log for its readers: by cursor, with a wait for what is to come, and as a stream without an end. */
import { Effect, Option, Schedule, Schema, Stream } from "effect"
import { StreamPath } from "../domain/access/StreamPath.ts"
import {
  beginning,
  type EventCursor,
  end,
  type LogHead,
  type LostCursor,
  whyLost,
  writeCursor
} from "../domain/events/EventCursor.ts"
import { type EventFilter, EventType, type LoggedEvent } from "../domain/events/LoggedEvent.ts"
import { BroadcasterId, StreamId } from "../domain/values/Ids.ts"
import { EventFeed } from "../events/EventFeed.ts"
import { Events } from "../ports/Events.ts"
import { StoreUnavailable } from "../ports/StoreUnavailable.ts"
import { checkArguments } from "./InvalidArgument.ts"
import { withinCallersLimit } from "./visibleToCaller.ts"

export const EVENTS_LIMIT_MAX = 500
export const EVENTS_WAIT_MAX_MS = 30_000

/** Events after the cursor are lost to its reader. `oldest` is the cursor before the oldest event that is left. */
export class CursorLost extends Schema.TaggedError<CursorLost>()("CursorLost", {
  why: Schema.Literals(["other_log", "pruned", "future"] as const satisfies ReadonlyArray<LostCursor>),
  oldest: Schema.String
}) {
  override get message() {
    return `The cursor is lost (${this.why}); the oldest that is left: ${this.oldest}`
  }
}

export interface EventQuery extends EventFilter {
  /** `null`: from the oldest event that is kept. */
  readonly after: EventCursor | null
  readonly limit: number
  /** How long to wait for a first event, in milliseconds. */
  readonly waitMillis: number
}

export interface EventPage {
  readonly events: ReadonlyArray<LoggedEvent>
  /** After the last position that was looked at, also where nothing matched. */
  readonly next: EventCursor
  readonly head: LogHead
}

const filterFields = {
  types: Schema.optionalKey(Schema.NonEmptyArray(EventType)),
  broadcasterId: Schema.optionalKey(BroadcasterId),
  streamId: Schema.optionalKey(StreamId),
  path: Schema.optionalKey(StreamPath)
}
const check = checkArguments("readEvents", {
  ...filterFields,
  limit: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: EVENTS_LIMIT_MAX })),
  waitMillis: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: EVENTS_WAIT_MAX_MS }))
})
const checkFilter = checkArguments("followEvents", filterFields)

const lost = (why: LostCursor, head: LogHead) => new CursorLost({ why, oldest: writeCursor(beginning(head)) })

/** One look at the log: what is after the cursor now. */
const lookOnce = Effect.fnUntraced(function* (after: EventCursor | null, filter: EventFilter, limit: number) {
  const events = yield* Events
  let from = after ?? beginning(yield* events.head)
  while (true) {
    const { events: found, lookedTo, ...head } = yield* events.read(from.position, filter, limit)
    const why = whyLost(from, head)
    if (why === null) return { events: found, next: { log: head.log, position: lookedTo }, head } satisfies EventPage
    if (after !== null) return yield* lost(why, head)
    // The beginning has moved meanwhile.
    from = beginning(head)
  }
})

/**
 * Looks again whenever the log may have what the filter lets through, until a look finds something, or until `until` completes: then a last look moves
 * past what has come meanwhile. A look that ends before the newest position has looked at as many as it may: its reader goes on from there.
 */
export const lookUntilFound = Effect.fnUntraced(function* <A extends EventPage, E, R>(
  look: (after: EventCursor | null) => Effect.Effect<A, E, R>,
  after: EventCursor | null,
  filter: EventFilter,
  until: Effect.Effect<unknown>
) {
  const feed = yield* EventFeed
  let latest = yield* look(after)
  const isOver = () => latest.events.length > 0 || latest.next.position < latest.head.newest
  const lookOn = Effect.gen(function* () {
    while (!isOver()) {
      yield* feed.after(latest.next, filter)
      latest = yield* look(latest.next)
    }
  })
  if (isOver()) return latest
  yield* Effect.raceFirst(lookOn, until)
  const { newest } = yield* feed.head
  return isOver() || newest <= latest.next.position ? latest : yield* look(latest.next)
})

/** Waits for the first matching event, for `waitMillis` at most. A page without events is no end: go on from `next`. */
export const readEvents = Effect.fn("readEvents")(function* ({ after, ...given }: EventQuery) {
  const { limit, waitMillis, ...checked } = yield* check({ ...given })
  const filter = yield* withinCallersLimit(checked)
  const look = (after: EventCursor | null) => lookOnce(after, filter, limit)
  return yield* waitMillis === 0 ? look(after) : lookUntilFound(look, after, filter, Effect.sleep(waitMillis))
})

/** The store may be away: its reader waits so long and asks again. */
const ASK_AGAIN = "250 millis"
const FOLLOWED_AT_ONCE = 100

/** As `followEvents`, with the cursor of each event. */
export const followWithCursors = (
  from: EventCursor | "now" | "beginning",
  given: EventFilter
): Stream.Stream<
  { readonly event: LoggedEvent; readonly cursor: EventCursor },
  CursorLost | Effect.Error<ReturnType<typeof checkFilter>>,
  Effect.Services<ReturnType<typeof readEvents>>
> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const filter = yield* withinCallersLimit(yield* checkFilter({ ...given }))
      const feed = yield* EventFeed
      const start = from === "now" ? end(yield* feed.head) : from === "beginning" ? null : from
      const look = (after: EventCursor | null): ReturnType<typeof lookPatiently> => lookPatiently(after, filter)
      return Stream.paginate(start as EventCursor | null, (after) =>
        Effect.gen(function* () {
          const { events, next, head } = yield* look(after)
          if (events.length === 0 && next.position >= head.newest) yield* feed.after(next, filter)
          const found = events.map((event) => ({ event, cursor: { log: next.log, position: event.position } }))
          return [found, Option.some<EventCursor | null>(next)] as const
        })
      )
    })
  )

/**
 * Every matching event after `from`, once and in order, for ever. It reads the store when its consumer asks for more, so a slow consumer costs
 * nothing. It waits while the store is away. `now`: what is to come.
 */
export const followEvents = (from: EventCursor | "now" | "beginning", filter: EventFilter) =>
  Stream.map(followWithCursors(from, filter), ({ event }) => event)

const lookPatiently = (after: EventCursor | null, filter: EventFilter) =>
  Effect.retry(lookOnce(after, filter, FOLLOWED_AT_ONCE), {
    while: (error) => error instanceof StoreUnavailable,
    schedule: Schedule.spaced(ASK_AGAIN)
  }).pipe(Effect.catchTag("StoreUnavailable", Effect.die))
