/** The streams' endpoints: who is live, who was, what is noted about it, and taking it off the air. */
import {
  annotateStream,
  describeStream,
  type StreamEvent as Event,
  forceStop,
  type StopOptions,
  type StreamId,
  stopStream,
  streamEvents,
  streamStatuses
} from "@greenroom/core"
import { Effect, Schema } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { ServedApi } from "../api/Api.ts"
import { EventCursor } from "../api/Cursor.ts"
import { LIMIT_DEFAULT } from "../api/Input.ts"
import type { StreamQuery } from "../api/StreamsApi.ts"
import { StreamEvent } from "../api/streamSchemas.ts"
import { ListSlots, noteBusy } from "../lists/ListSlots.ts"
import { pageAnswer } from "../lists/pageAnswer.ts"
import { makeStreamLists } from "../lists/streamLists.ts"
import { failWith } from "../problems/Problem.ts"
import { foundOr, storeFailureToDefect } from "./handling.ts"
import { streamDetailsShown, transitionShown } from "./streamShown.ts"

const found = foundOr(failWith("stream-not-found", "No stream, live or past, has this id"))

const answerEvents = pageAnswer("events", StreamEvent, transitionShown)

const writeEventCursor = Schema.encodeSync(EventCursor)

/** `events` were read one beyond `limit`, to learn whether there are more. */
const eventPage = (events: ReadonlyArray<Event>, limit: number) => {
  const items = events.slice(0, limit)
  const last = items.at(-1)
  return { items, next_cursor: events.length > limit && last !== undefined ? writeEventCursor(last.seq) : null }
}

/** Who was live at a time may have ended since. */
const ofThen = (query: typeof StreamQuery.Type): typeof StreamQuery.Type =>
  query.at === undefined ? query : { status: streamStatuses, ...query }

const stop = (id: StreamId, options: StopOptions) =>
  stopStream(id, options).pipe(
    Effect.flatMap(found),
    Effect.map((view) => (view.offAir ? undefined : streamDetailsShown(view))),
    storeFailureToDefect
  )

const canBeAsked = failWith(
  "conflict",
  "The media server answers, or was looked at within the last 3 seconds, so a stream is not ended by force: stop it without force"
)

const stopByForce = (id: StreamId, options: StopOptions) =>
  forceStop(id, options).pipe(
    Effect.flatMap(found),
    Effect.flatMap((outcome) => (outcome === "Ended" ? Effect.succeed(undefined) : canBeAsked)),
    storeFailureToDefect
  )

export const layer = HttpApiBuilder.group(
  ServedApi,
  "streams",
  Effect.fnUntraced(function* (handlers) {
    const slots = yield* ListSlots
    const listed = makeStreamLists(slots)
    return handlers.handleAll({
      list: ({ query, request }) => noteBusy(Effect.flatMap(listed(ofThen(query)), (answer) => answer(request))),
      get: ({ params }) =>
        describeStream(params.id).pipe(Effect.flatMap(found), Effect.map(streamDetailsShown), storeFailureToDefect),
      annotate: ({ params, payload }) =>
        annotateStream(params.id, payload).pipe(
          Effect.flatMap(found),
          Effect.map(streamDetailsShown),
          storeFailureToDefect
        ),
      stop: ({ params, query: { force, block_seconds: blockSeconds } }) =>
        (force === "true" ? stopByForce : stop)(params.id, blockSeconds === undefined ? {} : { blockSeconds }),
      events: ({ params, query: { limit = LIMIT_DEFAULT, cursor = 0 } }) =>
        streamEvents(params.id, cursor, limit + 1).pipe(
          Effect.flatMap(found),
          Effect.map((events) => eventPage(events, limit)),
          Effect.flatMap(answerEvents),
          slots.answerList
        )
    })
  })
)
