/**
 * New events, for all clients of event streams that have caught up. It follows the feed while it has such clients. Each event is written once, to
 * bytes that all of them share. The last events stay for clients that are about to join: so a client finds a place to join although the log
 * goes on. A client that has missed a batch leaves and catches up again, so no bound here can make a gap.
 */
import {
  type Attached,
  beginning,
  type EventCursor,
  EventFeed,
  end,
  type LoggedEvent,
  type LogHead,
  matchesFilter
} from "@greenroom/core"
import { inTurns } from "@greenroom/core/internal"
import { Deferred, Effect, Queue, Semaphore } from "effect"
import { eventWriter } from "../routes/eventShown.ts"
import type { EventReader } from "./EventReader.ts"
import { eventFrame, resetFrame } from "./frames.ts"

/** So many events stay for those who are about to join. */
const RECENT_EVENTS_MAX = 1_000
/** So many wait to be written; when there are more, the clients catch up from the store. */
const PENDING_EVENTS_MAX = 5_000
/** So many clients get a batch before the event loop does something else. */
const CLIENTS_A_TURN = 50

/**
 * A write costs about as much as ten events in it. So with many clients the rounds are further apart, and each writes more: a hundred milliseconds
 * with a thousand clients.
 */
const CLIENTS_A_MILLISECOND = 10

interface Written {
  readonly event: LoggedEvent
  readonly frame: Uint8Array
}

interface Batch<E> {
  /** The events after the one position, up to the other. */
  readonly after: EventCursor
  readonly to: number
  readonly events: ReadonlyArray<E>
}

/** The log became another one. */
interface Renewed {
  readonly renewed: LogHead
}

type Pending = Batch<LoggedEvent> | Renewed

const isRenewed = (pending: Pending): pending is Renewed => "renewed" in pending

/** Batches that follow on each other, as one. */
const merged = (all: ReadonlyArray<Pending>): ReadonlyArray<Pending> => {
  const result: Array<Pending> = []
  for (const next of all) {
    const last = result.at(-1)
    if (last === undefined || isRenewed(last) || isRenewed(next) || last.to !== next.after.position) result.push(next)
    else result[result.length - 1] = { after: last.after, to: next.to, events: [...last.events, ...next.events] }
  }
  return result
}

const matching = (batch: Batch<Written>, { filter, cursor }: EventReader): ReadonlyArray<Uint8Array> =>
  batch.events
    .filter(({ event }) => event.position > (cursor?.position ?? 0) && matchesFilter(event, filter))
    .map(({ frame }) => frame)

/** Those of one batch, put together once for all that want every event. */
const wholes = new WeakMap<Batch<Written>, Uint8Array>()
const wholeOf = (batch: Batch<Written>): Uint8Array => {
  const known = wholes.get(batch) ?? Buffer.concat(batch.events.map(({ frame }) => frame))
  wholes.set(batch, known)
  return known
}

const wantsAll = ({ filter }: EventReader): boolean => Object.values(filter).every((wanted) => wanted === undefined)

/** `missed`: there is a gap before the batch. */
export const giveBatch = (reader: EventReader, batch: Batch<Written>): "given" | "missed" | "over" => {
  const { cursor, output } = reader
  if (cursor === null || cursor.log !== batch.after.log || cursor.position < batch.after.position) return "missed"
  if (cursor.position >= batch.to) return "given"
  const isWhole = cursor.position === batch.after.position && wantsAll(reader)
  const frames = isWhole ? batch.events.map(({ frame }) => frame) : matching(batch, reader)
  if (frames.length > 0 && !output.offer(isWhole ? wholeOf(batch) : Buffer.concat(frames), frames.length)) return "over"
  reader.cursor = { log: cursor.log, position: batch.to }
  return "given"
}

export const makeLiveEvents = Effect.gen(function* () {
  const feed = yield* EventFeed
  /** With what is completed when the client has missed something. */
  const members = new Map<EventReader, Deferred.Deferred<void>>()
  const attaching = Semaphore.makeUnsafe(1)
  const wakes = yield* Queue.sliding<void>(1)
  let attached: Attached | null = null
  let offered: EventCursor | null = null
  let pending: Array<Pending> = []
  let pendingEvents = 0
  let recent: Batch<Written> | null = null

  const add = (more: Pending, events: number): void => {
    if (pendingEvents + events > PENDING_EVENTS_MAX) {
      pending = []
      pendingEvents = 0
    }
    pending.push(more)
    pendingEvents += events
    Queue.offerUnsafe(wakes, undefined)
  }
  const consumer = {
    offer: (events: ReadonlyArray<LoggedEvent>, head: LogHead) => {
      const after = offered ?? end(head)
      offered = end(head)
      add({ after, to: head.newest, events }, events.length)
    },
    reset: (head: LogHead) => {
      offered = end(head)
      pending = []
      pendingEvents = 0
      add({ renewed: head }, 0)
    }
  }
  const attach = attaching.withPermit(
    Effect.gen(function* () {
      if (attached !== null) return
      const now = yield* feed.attach(consumer)
      attached = now
      offered = end(now.head)
      recent = { after: offered, to: offered.position, events: [] }
    })
  )
  const leave = (reader: EventReader): void => {
    members.delete(reader)
    if (members.size > 0) return
    attached?.detach()
    attached = null
    recent = null
    pending = []
    pendingEvents = 0
  }
  const give = (reader: EventReader, batch: Batch<Written>): void => {
    const missed = members.get(reader)
    if (missed === undefined) return
    const given = giveBatch(reader, batch)
    if (given !== "given") members.delete(reader)
    if (given === "missed") Deferred.doneUnsafe(missed, Effect.void)
  }
  const renew = (reader: EventReader, head: LogHead): void => {
    const cursor = end(head)
    reader.cursor = cursor
    reader.output.offer(resetFrame({ reason: "other_log", oldest: beginning(head), cursor }), 1)
  }

  const write = Effect.fnUntraced(function* (batch: Batch<LoggedEvent>) {
    const writer = yield* eventWriter
    const frame = (event: LoggedEvent): Written => ({ event, frame: eventFrame(event, batch.after.log, writer(event)) })
    const parts = yield* inTurns(batch.events, (part) => part.map(frame))
    return { ...batch, events: parts.flat() } satisfies Batch<Written> as Batch<Written>
  })
  const handle = Effect.fnUntraced(function* (next: Pending) {
    if (isRenewed(next)) {
      recent = { after: end(next.renewed), to: next.renewed.newest, events: [] }
      for (const reader of members.keys()) renew(reader, next.renewed)
      return
    }
    const batch = yield* write(next)
    if (attached === null) return
    recent = withBatch(recent, batch)
    const giveTo = (part: ReadonlyArray<EventReader>) => {
      for (const reader of part) give(reader, batch)
    }
    yield* inTurns([...members.keys()], giveTo, CLIENTS_A_TURN)
  })
  const pump = Effect.gen(function* () {
    yield* Queue.take(wakes)
    const round = merged(pending)
    pending = []
    pendingEvents = 0
    for (const next of round) yield* handle(next)
    yield* Effect.sleep(members.size / CLIENTS_A_MILLISECOND)
  })
  // What is lost by a defect is a gap: the clients catch up.
  const guarded = Effect.catchDefect(pump, (defect) =>
    Effect.logError("event streams: a batch could not be written", defect)
  )
  yield* Effect.forkScoped(Effect.forever(guarded))

  return {
    /** Completes when the reader has missed something, at once when it is too far back to join. It gets new events until then. */
    follow: Effect.fnUntraced(function* (reader: EventReader) {
      yield* attach
      if (recent === null || giveBatch(reader, recent) !== "given") return
      const missed = Deferred.makeUnsafe<void>()
      members.set(reader, missed)
      yield* Deferred.await(missed)
    }),
    leave
  }
})

/** The last events, with those of a batch that follows on them. */
const withBatch = (recent: Batch<Written> | null, batch: Batch<Written>): Batch<Written> => {
  const isContiguous = recent !== null && recent.after.log === batch.after.log && recent.to === batch.after.position
  const events = isContiguous ? [...recent.events, ...batch.events] : batch.events
  const cut = events.length - RECENT_EVENTS_MAX
  const after = cut <= 0 ? (isContiguous ? recent.after : batch.after) : batch.after
  if (cut <= 0) return { after, to: batch.to, events }
  const position = events[cut - 1]?.event.position ?? batch.after.position
  return { after: { log: batch.after.log, position }, to: batch.to, events: events.slice(cut) }
}
