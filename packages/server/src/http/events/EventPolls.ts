/**
 * `GET /events`: one look at the log, or a wait for the first event. Polls that wait hold no slot; they are bounded in number, and end when the
 * listener begins to. The same question at the same time is one look, so an event for which many wait is read and written once.
 */
import {
  type CursorLost,
  type EventFilter,
  type EventPage,
  type InvalidArgument,
  type EventCursor as LogCursor,
  readEvents,
  type StoreUnavailable,
  writeCursor
} from "@greenroom/core"
import { inTurns, lookUntilFound } from "@greenroom/core/internal"
import { Context, Effect, Layer, Metric, Semaphore } from "effect"
import { ListenerState } from "../listener/ListenerState.ts"
import type { Problem } from "../problems/Problem.ts"
import { coalesce } from "../routes/coalesce.ts"
import { eventWriter } from "../routes/eventShown.ts"
import type { ReadingEvents } from "./EventReader.ts"
import { EventStreams } from "./EventStreams.ts"

export const POLLS_MAX = 500
/** Looks at the store at once. */
const LOOKS_AT_ONCE = 4

const openPolls = Metric.gauge("greenroom_event_polls", { description: "Open calls of GET /events" })

type PollFailure = CursorLost | InvalidArgument | StoreUnavailable | Problem<"too-many-readers">

export interface PollQuestion {
  readonly after: LogCursor | null
  readonly filter: EventFilter
  readonly limit: number
}

/** A page with its JSON. */
interface WrittenPage extends EventPage {
  readonly body: string
}

const look = Effect.fnUntraced(function* ({ after, filter, limit }: PollQuestion) {
  const page = yield* readEvents({ ...filter, after, limit, waitMillis: 0 })
  const write = yield* eventWriter
  const parts = yield* inTurns(page.events, (part) => part.map(write).join(","))
  const end = JSON.stringify({ count: page.events.length, next: writeCursor(page.next) }).slice(1)
  return { ...page, body: `{"events":[${parts.join(",")}],${end}` } satisfies WrittenPage as WrittenPage
})

export class EventPolls extends Context.Service<
  EventPolls,
  {
    readonly poll: (
      question: PollQuestion,
      waitSeconds: number
    ) => Effect.Effect<WrittenPage, PollFailure, ReadingEvents>
  }
>()("greenroom/http/EventPolls") {}

const aborted = (signal: AbortSignal) =>
  Effect.callback<void>((resume) => {
    if (signal.aborted) return resume(Effect.void)
    const onAbort = () => resume(Effect.void)
    signal.addEventListener("abort", onAbort)
    return Effect.sync(() => signal.removeEventListener("abort", onAbort))
  })

export const layer = Layer.effect(
  EventPolls,
  Effect.gen(function* () {
    const { ending } = yield* ListenerState
    const { refuse } = yield* EventStreams
    const slots = Semaphore.makeUnsafe(LOOKS_AT_ONCE)
    const ask = coalesce((question: PollQuestion) => slots.withPermit(look(question)))
    let open = 0
    const count = (change: 1 | -1) =>
      Effect.suspend(() => {
        open += change
        return Metric.update(openPolls, open)
      })
    const answer = ({ after, filter, limit }: PollQuestion, waitSeconds: number) => {
      const lookAfter = (from: LogCursor | null) => ask({ after: from, filter, limit })
      return waitSeconds === 0
        ? lookAfter(after)
        : lookUntilFound(lookAfter, after, filter, Effect.raceFirst(Effect.sleep(waitSeconds * 1_000), aborted(ending)))
    }
    return EventPolls.of({
      poll: (question, waitSeconds) =>
        Effect.suspend(
          (): Effect.Effect<WrittenPage, PollFailure, ReadingEvents> =>
            open >= POLLS_MAX
              ? refuse
              : Effect.acquireUseRelease(
                  count(1),
                  () => answer(question, waitSeconds),
                  () => count(-1)
                )
        )
    })
  })
)
