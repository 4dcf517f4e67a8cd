/**
 * The event log. Appending is part of the other ports' operations: whatever changes a resource writes its event in the same atomic step. Laws:
 * - every transition of a stream, and every change of another resource that has a type of event, is exactly one event;
 * - positions are 1, 2, 3, …, without a gap. `place` gives them, after the commit; a store in which one transaction writes at a time may give them with
 *   the change. Events of one subject have the order of their changes, those of a stream the order of `streamSeq`. An event never changes and never moves;
 * - `read` gives the events after a position in order. What is read once is complete: no event comes to stand before it later;
 * - `data` is the resource as the change left it. A stream's state is exactly that of the event. Its title, metadata, broadcaster and observation are no
 *   transitions: they are as of the change, or as of when the position was given. So the newest event of a quiet stream has what `Streams.find` gives;
 * - an event outlasts what it is of: `Retention.prune` deletes none;
 * - `prune` deletes the oldest events, and never one that is younger than `keepDays`;
 * - a log that was restored from an earlier state has another `log` id before it gives a position again.
 */
import type { Effect, Stream } from "effect"
import type { LogHead, LogPosition } from "../domain/events/EventCursor.ts"
import type { EventFilter, LoggedEvent } from "../domain/events/LoggedEvent.ts"
import { port } from "./Repositories.ts"
import type { StoreUnavailable } from "./StoreUnavailable.ts"

/** So many positions a filtered read looks at. */
export const READ_AT_MOST = 5_000

export interface EventSlice extends LogHead {
  readonly events: ReadonlyArray<LoggedEvent>
  /** The last position that was looked at: all matching events up to here are in `events`. */
  readonly lookedTo: LogPosition
}

export interface EventsPort {
  /**
   * Writes `key.expired` of each key that has expired since, once. Gives positions to events that have none, at most `most` of them, in the order in
   * which they were written. Any number of processes may call it at once, four times a second each: what finds nothing to do writes nothing.
   */
  readonly place: (most: number) => Effect.Effect<{ readonly placed: number } & LogHead, StoreUnavailable>
  /** Completes when this process has written events since the last completion: a reason to place, and to read. May complete without one. */
  readonly written: Effect.Effect<void>
  readonly head: Effect.Effect<LogHead, StoreUnavailable>
  /** The first `limit` matching events after the position, of the `READ_AT_MOST` positions after it. */
  readonly read: (after: LogPosition, filter: EventFilter, limit: number) => Effect.Effect<EventSlice, StoreUnavailable>
  /**
   * The newest position: emits when any process has given a position, as far as the store knows, and never fails. It may miss
   * some or all, so a reader also asks by itself from time to time.
   */
  readonly newest: Stream.Stream<LogPosition>
  /** Deletes events that are older than `keepDays`, at most `limit`. How many it deleted. */
  readonly prune: (keepDays: number, limit: number) => Effect.Effect<number, StoreUnavailable>
  /** Gives the log another id: after a restore that the store cannot notice. */
  readonly renew: Effect.Effect<LogHead, StoreUnavailable>
}

export class Events extends port("events") {}
