/** Bugs in the event log. */
import { Effect } from "effect"
import type { Bug } from "./Bug.ts"

export const lateEventLost: Bug = {
  name: "a late commit is behind the reader",
  what: "a reader goes on after the newest event, as by an identity column, although one before it was not committed yet",
  change: (ports) => ({
    ...ports,
    events: {
      ...ports.events,
      read: (after, filter, limit) =>
        Effect.map(ports.events.read(after, filter, limit), (slice) =>
          slice.events.length < 3 ? slice : { ...slice, events: slice.events.toSpliced(-2, 1) }
        )
    }
  })
}

export const placedByWriterAlone: Bug = {
  name: "only the writer places",
  what: "an instance gives positions right after its own writes, and never to those of an instance that has died",
  change: (ports) => {
    let hasWritten = false
    return {
      ...ports,
      events: {
        ...ports.events,
        written: Effect.tap(
          ports.events.written,
          Effect.sync(() => {
            hasWritten = true
          })
        ),
        place: (most) =>
          Effect.suspend(() => {
            if (!hasWritten) return Effect.map(ports.events.head, (head) => ({ placed: 0, ...head }))
            hasWritten = false
            return ports.events.place(most)
          })
      }
    }
  }
}

export const placedInAnyOrder: Bug = {
  name: "positions in any order",
  what: "events get their positions in another order than that in which they were written",
  change: (ports, { store, call }) => ({
    ...ports,
    events: {
      ...ports.events,
      place: (most) =>
        call(
          "Events.place",
          Effect.suspend(() => {
            store.state.eventLog.unplaced.reverse()
            return store.services.events.place(most)
          })
        )
    }
  })
}
