/** An event log in memory for the feed alone: `write` adds an event without a position, of this process or of another one. */

import { type EventFilter, type LoggedEvent, type LogHead, matchesFilter } from "@greenroom/core"
import { Effect, Latch, Queue, Stream } from "effect"
import { type EventsPort, READ_AT_MOST } from "../../src/ports/Events.ts"

export const anEvent = (position: number, type: LoggedEvent["type"] = "broadcaster.created"): LoggedEvent =>
  ({
    id: `event-${position}`,
    position,
    type,
    subject: "broadcaster:one",
    broadcasterId: "one",
    streamSeq: null
  }) as never

export const fakeEvents = () => {
  let log = "a".repeat(16)
  let oldest = 1
  let unplaced = 0
  let placedEvents: Array<LoggedEvent> = []
  let beforeRead = () => {}
  let reads = 0
  const written = Latch.makeUnsafe(false)
  const notifications = Effect.runSync(Queue.unbounded<number>())
  const head = (): LogHead => ({ log, newest: placedEvents.length, oldest })

  const place = (most: number) => {
    const placed = Math.min(most, unplaced)
    for (let index = 0; index < placed; index++) placedEvents.push(anEvent(placedEvents.length + 1))
    unplaced -= placed
    return placed
  }
  const events: EventsPort = {
    place: (most) => Effect.sync(() => ({ placed: place(most), ...head() })),
    written: Effect.andThen(
      written.await,
      Effect.sync(() => written.closeUnsafe())
    ) as Effect.Effect<void>,
    head: Effect.sync(() => head()),
    read: (after, filter: EventFilter, limit) =>
      Effect.sync(() => {
        reads += 1
        beforeRead()
        beforeRead = () => {}
        const looked = placedEvents.slice(Math.max(after, oldest - 1), after + READ_AT_MOST)
        const found = looked.filter((event) => matchesFilter(event, filter)).slice(0, limit)
        const isCut = found.length === limit
        const lookedTo = isCut
          ? found.at(-1)!.position
          : Math.max(after, Math.min(placedEvents.length, after + READ_AT_MOST))
        return { ...head(), events: found, lookedTo }
      }),
    newest: Stream.fromQueue(notifications),
    prune: () => Effect.succeed(0),
    renew: Effect.sync(() => {
      log = log.startsWith("a") ? "b".repeat(16) : "a".repeat(16)
      return head()
    })
  }
  return {
    events,
    /** This process has written so many events. */
    write: (count = 1) => {
      unplaced += count
      written.openUnsafe()
    },
    /** Another process has written and placed. */
    placeElsewhere: (count = 1) => {
      unplaced += count
      place(count)
      Queue.offerUnsafe(notifications, placedEvents.length)
    },
    prune: (upTo: number) => {
      oldest = upTo + 1
    },
    reads: () => reads,
    /** Once. */
    beforeNextRead: (act: () => void) => {
      beforeRead = act
    },
    /** As after a restore: the log begins again with so many events. */
    renew: (count: number) => {
      log = "c".repeat(16)
      oldest = 1
      placedEvents = []
      unplaced = count
      place(count)
    }
  }
}
