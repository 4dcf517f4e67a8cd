/**
 * The event streams of one listener: how many there are, what each of them does, and how they end. A stream catches up from its cursor, follows
 * what is new, and catches up again when it has missed something. They all end when the listener begins to.
 */
import type { ApiTokenId, EventCursor, EventFilter } from "@greenroom/core"
import { EventFeed, end } from "@greenroom/core"
import { Cause, Context, Effect, type Fiber, Layer, Metric, Semaphore } from "effect"
import { makeCondition } from "../listener/Condition.ts"
import { ListenerState } from "../listener/ListenerState.ts"
import { failWith, type Problem } from "../problems/Problem.ts"
import { BoundedOutput, type Dropped } from "./BoundedOutput.ts"
import { catchUp } from "./catchUp.ts"
import type { EventReader, ReadingEvents } from "./EventReader.ts"
import { endRefused } from "./endRefused.ts"
import { bareComment, keepAlive } from "./frames.ts"
import { makeLiveEvents } from "./LiveEvents.ts"

const CATCH_UP_AT_ONCE = 4
/** Shorter than any usual idle time of proxies, and than the silence after which the listener closes a connection. */
const COMMENT_EVERY = "15 seconds"

const openStreams = Metric.gauge("greenroom_event_streams", { description: "Open event streams (GET /events/stream)" })
const dropped = Metric.counter("greenroom_event_streams_dropped_total", {
  description: "Event streams that were cut off, because their client took too little or nothing",
  incremental: true
})
const refused = Metric.counter("greenroom_event_readers_refused_total", {
  description: "Event streams and polls that were answered with 503: there were too many",
  incremental: true
})

export interface StreamRequest {
  readonly from: EventCursor | "now"
  readonly filter: EventFilter
  /** The token that opens it; `null`: another credential. */
  readonly token: ApiTokenId | null
  /** When the page's session ends, in seconds since 1970; `null`: no session opens it. */
  readonly ends: number | null
  /** Closes the client's connection; `null` where there is none to reach. */
  readonly cut: (() => void) | null
}

export class EventStreams extends Context.Service<
  EventStreams,
  {
    /** The body of a response. It never ends by itself. */
    readonly open: (request: StreamRequest) => Effect.Effect<BoundedOutput, Problem<"too-many-readers">>
    /** Counts and logs a reader that finds no place, and refuses it. */
    readonly refuse: Effect.Effect<never, Problem<"too-many-readers">>
  }
>()("greenroom/http/EventStreams") {}

const makeRefusal = Effect.gen(function* () {
  const context = yield* Effect.context<never>()
  const condition = makeCondition((effect) => void Effect.runForkWith(context)(effect), "event_readers_refused", {
    begins: "readers of events are refused: there are too many at once",
    ends: "no reader of events has been refused for a while"
  })
  yield* Effect.addFinalizer(() => Effect.sync(condition.close))
  return Effect.andThen(
    Effect.andThen(
      Effect.sync(() => condition.observe({})),
      Metric.update(refused, 1)
    ),
    failWith("too-many-readers")
  )
})

type LiveEvents = Effect.Success<typeof makeLiveEvents>

/** What one stream does: it never ends by itself. */
const serveWith = (live: LiveEvents) => {
  const slots = Semaphore.makeUnsafe(CATCH_UP_AT_ONCE)
  const loop = Effect.fnUntraced(function* (reader: EventReader) {
    if (reader.cursor === null) {
      reader.cursor = end(yield* Effect.flatMap(EventFeed, ({ head }) => head))
      // Counted as an event, so that it is not left out: a client that loses its connection before the first event goes on from here.
      reader.output.offer(keepAlive(reader.cursor), 1)
    }
    while (true) {
      yield* catchUp(reader, slots)
      yield* live.follow(reader)
    }
  })
  return (reader: EventReader) =>
    Effect.onError(loop(reader), (cause) =>
      Cause.hasInterruptsOnly(cause)
        ? Effect.void
        : Effect.andThen(
            Effect.logError("an event stream failed; its client has to connect again", cause),
            Effect.sync(() => reader.output.finish())
          )
    )
}

export const layer = Layer.effect(
  EventStreams,
  Effect.gen(function* () {
    const { ending, eventStreamsMax } = yield* ListenerState
    const live = yield* makeLiveEvents
    const context = yield* Effect.context<ReadingEvents>()
    const refuse = yield* makeRefusal
    const readers = new Set<EventReader>()
    const showSize = () => openStreams.updateUnsafe(readers.size, context)
    const countDropped = (reason: Dropped) => Metric.withAttributes(dropped, { reason }).updateUnsafe(1, context)

    const serve = serveWith(live)
    const begin = ({ from, filter, token, ends, cut }: StreamRequest): BoundedOutput => {
      const output: BoundedOutput = new BoundedOutput({
        cut: cut ?? (() => void output.destroy()),
        onDropped: countDropped
      })
      const reader: EventReader = { filter, output, token, ends, cursor: from === "now" ? null : from }
      readers.add(reader)
      showSize()
      output.offer(bareComment, 1)
      const fiber: Fiber.Fiber<unknown, unknown> = Effect.runForkWith(context)(serve(reader))
      output.once("close", () => {
        fiber.interruptUnsafe()
        live.leave(reader)
        readers.delete(reader)
        showSize()
      })
      return output
    }
    const endAll = (): void => {
      for (const { output } of readers) output.finish()
    }
    ending.addEventListener("abort", endAll)
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        ending.removeEventListener("abort", endAll)
        endAll()
      })
    )
    const comment = Effect.sync(() => {
      for (const { output, cursor } of readers) output.offer(cursor === null ? bareComment : keepAlive(cursor), 0)
    })
    yield* Effect.forkScoped(Effect.forever(Effect.delay(comment, COMMENT_EVERY)))
    // A fiber of its own: a store that is silent must not hold up the comments.
    const settle = Effect.suspend(() => endRefused(readers))
    yield* Effect.forkScoped(Effect.forever(Effect.delay(settle, COMMENT_EVERY)))

    return EventStreams.of({
      refuse,
      open: (request) =>
        Effect.suspend(() =>
          ending.aborted || readers.size >= eventStreamsMax ? refuse : Effect.sync(() => begin(request))
        )
    })
  })
)
