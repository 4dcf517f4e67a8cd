/**
 * The newest events of the log, shared by the deliveries to all endpoints: the feed reads each event once, and an endpoint that is up to date
 * reads nothing from the store.
 */
import { Effect } from "effect"
import type { LogHead, LogId, LogPosition } from "../domain/events/EventCursor.ts"
import type { LoggedEvent } from "../domain/events/LoggedEvent.ts"
import { EventFeed } from "../events/EventFeed.ts"

const KEPT = 1_000

export interface RecentEvents {
  /** The log that the events and `newest` are of. */
  readonly log: () => LogId
  readonly newest: () => LogPosition
  /** All events after the position; `null` when the store has to be asked. */
  readonly after: (position: LogPosition) => ReadonlyArray<LoggedEvent> | null
}

/** Follows the log until the scope closes. `changed` is called when the log has grown, and must not block. */
export const followRecentEvents = Effect.fnUntraced(function* (changed: () => void) {
  const feed = yield* EventFeed
  let kept: Array<LoggedEvent> = []
  /** Every event after this position is kept. */
  let from = 0
  let newest = 0
  let log: LogId = ""
  const restart = (head: LogHead): void => {
    kept = []
    from = head.newest
    newest = head.newest
    log = head.log
  }
  const consumer = {
    offer: (events: ReadonlyArray<LoggedEvent>, head: LogHead) => {
      kept.push(...events)
      newest = head.newest
      if (kept.length > 2 * KEPT) {
        const dropped = kept.splice(0, kept.length - KEPT)
        from = dropped.at(-1)!.position
      }
      changed()
    },
    reset: (head: LogHead) => {
      restart(head)
      changed()
    }
  }
  yield* Effect.acquireRelease(
    Effect.tap(feed.attach(consumer), ({ head }) => Effect.sync(() => restart(head))),
    ({ detach }) => Effect.sync(detach)
  )
  const recent: RecentEvents = {
    log: () => log,
    newest: () => newest,
    after: (position) => {
      if (position < from) return null
      let first = kept.length
      while (first > 0 && kept[first - 1]!.position > position) first--
      return kept.slice(first)
    }
  }
  return recent
})
