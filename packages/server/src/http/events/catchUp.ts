/**
 * Brings a client of an event stream from its cursor to the end of the log, page by page, at the pace at which it takes them. Few pages are read at
 * once, however many clients catch up. While the store is away it waits.
 */
import { type CursorLost, type EventPage, Events, end, readCursor, readEvents, StoreUnavailable } from "@greenroom/core"
import { inTurns } from "@greenroom/core/internal"
import { Effect, Option, type Semaphore } from "effect"
import { eventWriter } from "../routes/eventShown.ts"
import type { EventReader } from "./EventReader.ts"
import { eventFrame, keepAlive, resetFrame } from "./frames.ts"

const PAGE_EVENTS = 100
/** The pause after a look for which the store was away. */
const ASK_AGAIN = "250 millis"

const writePage = Effect.fnUntraced(function* ({ events, next }: EventPage) {
  const write = yield* eventWriter
  const parts = yield* inTurns(events, (part) => part.map((event) => eventFrame(event, next.log, write(event))))
  return Buffer.concat(parts.flat())
})

const look = Effect.fnUntraced(function* ({ filter, cursor }: EventReader) {
  const page = yield* readEvents({ ...filter, after: cursor, limit: PAGE_EVENTS, waitMillis: 0 })
  return { ...page, bytes: yield* writePage(page) }
})

/** The client hears why, and goes on from now: it has to read the state again in any case. */
const reset = Effect.fnUntraced(function* (reader: EventReader, { why, oldest }: CursorLost) {
  const cursor = end(yield* (yield* Events).head)
  const beginning = Option.getOrElse(readCursor(oldest), () => cursor)
  reader.output.offer(resetFrame({ reason: why, oldest: beginning, cursor }), 1)
  reader.cursor = cursor
})

/** One page: whether there is more. */
const step = Effect.fnUntraced(function* (reader: EventReader, slots: Semaphore.Semaphore) {
  const found = yield* Effect.catchTag(slots.withPermit(look(reader)), "CursorLost", (lost) =>
    Effect.as(reset(reader, lost), null)
  )
  if (found === null) return true
  const bytes = found.events.length === 0 ? keepAlive(found.next) : found.bytes
  reader.output.offer(bytes, found.events.length)
  reader.cursor = found.next
  yield* reader.output.room
  return found.next.position < found.head.newest
})

/**
 * Completes when everything that was in the log at the last look is in the output. It begins when the client has taken what waits for it: a page of
 * large events would be too much beside that.
 */
export const catchUp = (reader: EventReader, slots: Semaphore.Semaphore) =>
  Effect.repeat(
    Effect.catchIf(
      step(reader, slots),
      (error): error is StoreUnavailable => error instanceof StoreUnavailable,
      () => Effect.as(Effect.sleep(ASK_AGAIN), true)
    ),
    { while: (isMore) => isMore }
  ).pipe(Effect.orDie, (pages) => Effect.andThen(reader.output.room, pages))
