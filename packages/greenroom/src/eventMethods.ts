/**
 * The event log for a host: as an iterator that it pulls, and as handlers that are called. Both read the log, so a host that keeps the cursor of
 * the last event that it has handled misses nothing, across restarts and outages of the store.
 */
import * as Core from "@greenroom/core"
import { followWithCursors, makePlayable } from "@greenroom/core/internal"
import { Cause, type Context, Effect, Fiber, Option, Stream } from "effect"
import type { Services } from "./application.ts"
import { given, unchecked } from "./argumentForms.ts"
import { type EventOf, type EventType, eventShape, type GreenroomEvent } from "./eventShapes.ts"
import { GreenroomError, invalidArgument } from "./GreenroomError.ts"

/** `now`: what is to come. `beginning`: from the oldest event that is kept. Else the cursor of the last event that was handled. */
export type EventsFrom = "now" | "beginning" | (string & {})

export interface EventFilter {
  readonly broadcasterId?: string
  readonly streamId?: string
  /** Of streams: their path. */
  readonly path?: string
}

export interface EventOptions extends EventFilter {
  /** `now` unless given. */
  readonly from?: EventsFrom
  /** All unless given. */
  readonly types?: ReadonlyArray<EventType>
  readonly signal?: AbortSignal
}

/** Events after a cursor are lost: they are not kept any more, the database was restored, or the cursor is ahead of the log. */
export interface EventsLost {
  readonly reason: Core.LostCursor
  /** The cursor before the oldest event that is left. */
  readonly oldest: string
}

export interface HandlerOptions extends EventFilter {
  /** `now` unless given. */
  readonly from?: EventsFrom
  /** Called when events are lost, before the handler goes on from now. */
  readonly onLost?: (lost: EventsLost) => void
}

type Handler<T extends EventType> = (event: EventOf<T>) => unknown

const placeOf = (from: unknown): Core.EventCursor | "now" | "beginning" => {
  if (from === undefined || from === "now") return "now"
  if (from === "beginning") return from
  const cursor = typeof from === "string" ? Core.readCursor(from) : Option.none()
  if (Option.isNone(cursor)) throw invalidArgument("from", 'expected "now", "beginning" or the cursor of an event')
  return cursor.value
}

const checkTypes = (argument: string, types: ReadonlyArray<unknown>): void => {
  const known: ReadonlyArray<unknown> = Core.eventTypes
  if (!Array.isArray(types) || types.length === 0 || !types.every((type) => known.includes(type)))
    throw invalidArgument(argument, `expected one of ${Core.eventTypes.join(", ")}`)
}

interface Question extends EventFilter {
  readonly types?: ReadonlyArray<EventType> | undefined
}

const follow = (from: Core.EventCursor | "now" | "beginning", { types, broadcasterId, streamId, path }: Question) =>
  Stream.unwrap(
    Effect.map(makePlayable(), (playable) =>
      Stream.map(
        followWithCursors(from, unchecked<Core.EventFilter>(given({ types, broadcasterId, streamId, path }))),
        ({ event, cursor }) => eventShape(event, Core.writeCursor(cursor), playable)
      )
    )
  )

const errorOf = (error: Core.CursorLost | Core.InvalidArgument): GreenroomError =>
  error instanceof Core.CursorLost
    ? new GreenroomError("cursor_lost", error.message, { oldest: error.oldest })
    : invalidArgument(error.faults[0]?.path.join(".") ?? "filter", error.message)

/** Ends when `signal` fires or Greenroom is closed. It reads when the next event is asked for. Fails with `cursor_lost` or `invalid_argument`. */
export async function* iterateEvents(
  services: Context.Context<Services>,
  { from, types, signal, ...filter }: EventOptions,
  closed: AbortSignal
): AsyncGenerator<GreenroomEvent, void, undefined> {
  const place = placeOf(from)
  if (types !== undefined) checkTypes("types", types)
  const ends = signal === undefined ? closed : AbortSignal.any([signal, closed])
  if (ends.aborted) return
  const events = Stream.mapError(follow(place, { ...filter, types }), errorOf)
  const iterator = Stream.toAsyncIterableWith(events, services)[Symbol.asyncIterator]()
  const over = Promise.withResolvers<null>()
  const onEnd = () => over.resolve(null)
  ends.addEventListener("abort", onEnd)
  try {
    while (!ends.aborted) {
      const next = await Promise.race([iterator.next(), over.promise])
      if (next === null || next.done === true) return
      yield next.value
    }
  } finally {
    ends.removeEventListener("abort", onEnd)
    await iterator.return?.()
  }
}

export interface Handlers {
  readonly add: <T extends EventType>(type: T, handler: Handler<T>, options: HandlerOptions) => () => void
  readonly stop: () => Promise<void>
}

/** `warn` logs. */
export const handlersOf = (
  services: Context.Context<Services>,
  warn: (message: string, error: unknown) => void
): Handlers => {
  const running = new Set<Fiber.Fiber<unknown, unknown>>()

  const deliver = (handler: (event: never) => unknown, event: GreenroomEvent) =>
    Effect.promise(async () => {
      try {
        await handler(event as never)
      } catch (error) {
        warn("a handler of events failed", error)
      }
    })
  const noteLost = (lost: Core.CursorLost, onLost: HandlerOptions["onLost"]) =>
    Effect.sync(() => {
      try {
        if (onLost === undefined) warn("events are lost: a handler goes on from now", lost)
        else onLost({ reason: lost.why, oldest: lost.oldest })
      } catch (error) {
        warn("a handler of lost events failed", error)
      }
    })

  return {
    add: (type, handler, { from, onLost, ...filter }) => {
      const place = placeOf(from)
      checkTypes("type", [type])
      const run = (at: typeof place): Effect.Effect<void, Core.InvalidArgument, Services> =>
        Stream.runForEach(follow(at, { ...filter, types: [type] }), (event) => deliver(handler, event)).pipe(
          Effect.catchTag("CursorLost", (lost) => Effect.andThen(noteLost(lost, onLost), run("now")))
        )
      const guarded = Effect.onError(run(place), (cause) =>
        Cause.hasInterruptsOnly(cause)
          ? Effect.void
          : Effect.sync(() => warn("a handler gets no more events", Cause.squash(cause)))
      )
      const fiber: Fiber.Fiber<unknown, unknown> = Effect.runForkWith(services)(guarded)
      running.add(fiber)
      fiber.addObserver(() => running.delete(fiber))
      return () => fiber.interruptUnsafe()
    },
    stop: () => Effect.runPromise(Fiber.interruptAll([...running]))
  }
}
