/**
 * New events, for all clients of event streams that have caught up. It follows the feed while it has such clients. Each event is written once, to
 * bytes that all of them share. The last events stay for clients that are about to join: so a client finds a place to join although the log
 * goes on. A client that has missed a batch leaves and catches up again, so no bound here can make a gap.
 */
import { type Attached, beginning, EventFeed, end, type LoggedEvent, type LogHead } from "@greenroom/core"
import { inTurns } from "@greenroom/core/internal"
import { Deferred, Effect, Queue, Semaphore } from "effect"
import { eventWriter } from "../routes/eventShown.ts"
import { type Batch, giveBatch, isRenewed, merged, type Pending, type Written, withBatch } from "./batches.ts"
import type { EventReader } from "./EventReader.ts"
import { eventFrame, resetFrame } from "./frames.ts"

/** So many wait to be written; when there are more, the clients catch up from the store. */
const PENDING_EVENTS_MAX = 5_000
/** So many clients get a batch before the event loop does something else. */
const CLIENTS_A_TURN = 50
/**
 * A write costs about as much as ten events in it. So with many clients the rounds are further apart, and each writes more: a hundred milliseconds
 * with a thousand clients.
 */
const CLIENTS_A_MILLISECOND = 10

interface Live {
  /** With what is completed when the client has missed something. */
  readonly members: Map<EventReader, Deferred.Deferred<void>>
  /** `null` while the feed is not followed. */
  recent: Batch<Written> | null
}

/** What the feed has offered and is not written yet. */
const makeInbox = (wakes: Queue.Queue<void>) => {
  let pending: Array<Pending> = []
  let events = 0
  const clear = (): void => {
    pending = []
    events = 0
  }
  const add = (more: Pending, count: number): void => {
    if (events + count > PENDING_EVENTS_MAX) clear()
    pending.push(more)
    events += count
    Queue.offerUnsafe(wakes, undefined)
  }
  return {
    clear,
    takeAll: (): ReadonlyArray<Pending> => {
      const all = merged(pending)
      clear()
      return all
    },
    consumer: {
      offer: (found: ReadonlyArray<LoggedEvent>, head: LogHead) => {
        // Positions have no gap. A batch that does not follow on the one before shows that something was missed.
        const after = { log: head.log, position: head.newest - found.length }
        add({ after, to: head.newest, events: found }, found.length)
      },
      reset: (head: LogHead) => {
        clear()
        add({ renewed: head }, 0)
      }
    }
  }
}

const give = ({ members }: Live, reader: EventReader, batch: Batch<Written>): void => {
  const missed = members.get(reader)
  if (missed === undefined) return
  const given = giveBatch(reader, batch)
  if (given !== "given") members.delete(reader)
  if (given === "missed") Deferred.doneUnsafe(missed, Effect.void)
}

const renew = (live: Live, head: LogHead): void => {
  const cursor = end(head)
  live.recent = { after: cursor, to: cursor.position, events: [] }
  for (const reader of live.members.keys()) {
    reader.cursor = cursor
    reader.output.offer(resetFrame({ reason: "other_log", oldest: beginning(head), cursor }), 1)
  }
}

const write = Effect.fnUntraced(function* (batch: Batch<LoggedEvent>) {
  const writer = yield* eventWriter
  const frame = (event: LoggedEvent): Written => ({ event, frame: eventFrame(event, batch.after.log, writer(event)) })
  const parts = yield* inTurns(batch.events, (part) => part.map(frame))
  return { ...batch, events: parts.flat() } satisfies Batch<Written> as Batch<Written>
})

const handle = Effect.fnUntraced(function* (live: Live, next: Pending) {
  if (isRenewed(next)) return renew(live, next.renewed)
  const batch = yield* write(next)
  if (live.recent === null) return
  live.recent = withBatch(live.recent, batch)
  const giveTo = (part: ReadonlyArray<EventReader>) => {
    for (const reader of part) give(live, reader, batch)
  }
  yield* inTurns([...live.members.keys()], giveTo, CLIENTS_A_TURN)
})

export const makeLiveEvents = Effect.gen(function* () {
  const feed = yield* EventFeed
  const attaching = Semaphore.makeUnsafe(1)
  const wakes = yield* Queue.sliding<void>(1)
  const inbox = makeInbox(wakes)
  const live: Live = { members: new Map(), recent: null }
  let attached: Attached | null = null

  const attach = attaching.withPermit(
    Effect.gen(function* () {
      if (attached !== null) return
      attached = yield* feed.attach(inbox.consumer)
      const { head } = attached
      live.recent = { after: end(head), to: head.newest, events: [] }
    })
  )
  const leave = (reader: EventReader): void => {
    live.members.delete(reader)
    if (live.members.size > 0) return
    attached?.detach()
    attached = null
    live.recent = null
    inbox.clear()
  }
  const round = Effect.gen(function* () {
    yield* Queue.take(wakes)
    for (const next of inbox.takeAll()) yield* handle(live, next)
    yield* Effect.sleep(live.members.size / CLIENTS_A_MILLISECOND)
  })
  // What is lost by a defect is a gap: the clients catch up.
  const guarded = Effect.catchDefect(round, (defect) =>
    Effect.logError("event streams: a batch could not be written", defect)
  )
  yield* Effect.forkScoped(Effect.forever(guarded))

  return {
    /** Completes when the reader has missed something, at once when it is too far back to join. It gets new events until then. */
    follow: Effect.fnUntraced(function* (reader: EventReader) {
      yield* attach
      if (live.recent === null || giveBatch(reader, live.recent) !== "given") return
      const missed = Deferred.makeUnsafe<void>()
      live.members.set(reader, missed)
      yield* Deferred.await(missed)
    }),
    leave
  }
})
