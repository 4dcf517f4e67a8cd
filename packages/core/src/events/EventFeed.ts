/**
 * The event log as this process follows it. One loop gives positions to what was written and reads each new event once, for any number of
 * consumers. A consumer is called with each batch and must not block: it has a bound of its own.
 */
import { Context, Effect, Layer, Queue, Stream } from "effect"
import type { EventCursor, LogHead } from "../domain/events/EventCursor.ts"
import { type EventFilter, type LoggedEvent, matchesFilter } from "../domain/events/LoggedEvent.ts"
import { Events, type EventsPort, READ_AT_MOST } from "../ports/Events.ts"
import type { Repositories } from "../ports/Repositories.ts"
import { runFeed, type Wake } from "./runFeed.ts"

export interface EventConsumer {
  /** All events of the log up to `head.newest` that came since the last call, in order. */
  readonly offer: (events: ReadonlyArray<LoggedEvent>, head: LogHead) => void
  /** The log was renewed: what comes from now on does not follow on what came before. */
  readonly reset: (head: LogHead) => void
}

export interface Attached {
  /** The log as far as the feed has read it: the first `offer` begins right after `newest`. */
  readonly head: LogHead
  readonly detach: () => void
}

/** A reader that has waited past so many positions looks from further on: one look does not look at more. */
const READ_ON_AFTER = READ_AT_MOST / 2

export class EventFeed extends Context.Service<
  EventFeed,
  {
    /** The log as far as the feed has read it. Answers from memory once the store has answered. */
    readonly head: Effect.Effect<LogHead>
    /** Takes effect at once, in one step. */
    readonly attach: (consumer: EventConsumer) => Effect.Effect<Attached>
    /**
     * Completes when it is worth while to read on from the cursor: the log has grown since the feed has last read it, has an event that the filter lets
     * through, has moved on by many others, or is another one. What the filter does not let through costs its reader nothing.
     */
    readonly after: (cursor: EventCursor, filter: EventFilter) => Effect.Effect<void>
  }
>()("greenroom/EventFeed") {
  static readonly layer: Layer.Layer<EventFeed, never, Repositories> = Layer.effect(
    EventFeed,
    Effect.gen(function* () {
      const events = yield* Events
      const context = yield* Effect.context<never>()
      const consumers = new Set<EventConsumer>()
      const waiters = new Set<() => void>()
      let head: LogHead | null = null

      const advance = (next: LogHead, found: ReadonlyArray<LoggedEvent>): void => {
        const isOther = head !== null && head.log !== next.log
        head = next
        for (const consumer of [...consumers]) {
          try {
            isOther ? consumer.reset(next) : consumer.offer(found, next)
          } catch (defect) {
            // The others must not miss the batch, and this one has missed it.
            consumers.delete(consumer)
            Effect.runForkWith(context)(Effect.logError("a consumer of events failed; it gets no more events", defect))
          }
        }
        for (const waiter of [...waiters]) waiter()
      }
      yield* Effect.forkScoped(
        runFeed({
          events,
          nextWake: yield* wakesOf(events),
          known: () => head,
          hasConsumers: () => consumers.size > 0,
          advance
        })
      )

      const started = Effect.callback<LogHead>((resume) => {
        const check = () => {
          if (head === null) return
          waiters.delete(check)
          resume(Effect.succeed(head))
        }
        waiters.add(check)
        check()
        return Effect.sync(() => waiters.delete(check))
      })

      const awaitWanted = ({ log, position }: EventCursor, filter: EventFilter) =>
        Effect.callback<void>((resume) => {
          if (head === null || head.log !== log || head.newest > position) return resume(Effect.void)
          const isWanted = (event: LoggedEvent) => event.position > position && matchesFilter(event, filter)
          const found = () => {
            consumers.delete(consumer)
            resume(Effect.void)
          }
          const consumer: EventConsumer = {
            offer: (events, { newest }) => {
              if (newest - position >= READ_ON_AFTER || events.some(isWanted)) found()
            },
            reset: found
          }
          consumers.add(consumer)
          return Effect.sync(() => consumers.delete(consumer))
        })

      return EventFeed.of({
        head: started,
        attach: (consumer) =>
          Effect.map(started, () => {
            consumers.add(consumer)
            return { head: head!, detach: () => void consumers.delete(consumer) }
          }),
        after: (cursor, filter) => Effect.andThen(started, awaitWanted(cursor, filter))
      })
    })
  )
}

/**
 * A wake when this process has written, or the store says that a position was given. Any number of them before the next turn are one; it is
 * "written" if one of them was, because only that turn places.
 */
const wakesOf = Effect.fnUntraced(function* (events: EventsPort) {
  const wakes = yield* Queue.sliding<void>(1)
  let hasWritten = false
  const written = Effect.andThen(
    events.written,
    Effect.suspend(() => {
      hasWritten = true
      return Queue.offer(wakes, undefined)
    })
  )
  yield* Effect.forkScoped(Effect.forever(written))
  yield* Effect.forkScoped(Stream.runForEach(events.newest, () => Queue.offer(wakes, undefined)))
  return Effect.map(Queue.take(wakes), (): Wake => {
    const wake = hasWritten ? "written" : "placed"
    hasWritten = false
    return wake
  })
})
