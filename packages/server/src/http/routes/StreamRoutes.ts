/** The streams' endpoints: who is live, who was, what is noted about it, and taking it off the air. */
import {
  annotateStream,
  describeStream,
  type StreamEvent as Event,
  forceStop,
  listActive,
  type StreamId,
  type StreamStatus,
  stopStream,
  streamEvents
} from "@greenroom/core"
import { Effect, Schema } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { ServedApi } from "../api/Api.ts"
import { EventCursor } from "../api/Cursor.ts"
import { LIMIT_DEFAULT } from "../api/Input.ts"
import type { StreamQuery } from "../api/StreamsApi.ts"
import { Stream, StreamEvent } from "../api/streamSchemas.ts"
import { ListSlots, noteBusy } from "../lists/ListSlots.ts"
import { pageAnswer } from "../lists/pageAnswer.ts"
import { failWith } from "../problems/Problem.ts"
import { coalesce } from "./coalesce.ts"
import { foundOr, pageRequest, storeFailureToDefect, withCursor } from "./handling.ts"
import { eventShown, streamDetailsShown, streamShown } from "./streamShown.ts"

const found = foundOr(failWith("stream-not-found", "No stream, live or past, has this id"))

/** Those on the air are few and wanted whole; what has ended is history, and read by pages. */
const unlimited = (status: ReadonlyArray<StreamStatus>) => (status.includes("inactive") ? LIMIT_DEFAULT : null)

/** The message of an empty list. That no stream is live is true only when all that are live were asked for. */
const emptiness = ({ status = ["active"], limit: _, cursor, ...filters }: typeof StreamQuery.Type): string => {
  if (cursor !== undefined) return "No further stream matches."
  return Object.keys(filters).length > 0 || !status.includes("active") || status.includes("inactive")
    ? "No stream matches."
    : "No stream is live."
}

const answerStreams = pageAnswer("streams", Stream, streamShown)
const answerEvents = pageAnswer("events", StreamEvent, eventShown)

/** The whole answer, written out: reading the rows is a small part of the work. */
const list = (query: typeof StreamQuery.Type) => {
  const { status = ["active"], limit, cursor, ...filter } = query
  return listActive({ status, ...filter }, pageRequest({ limit, cursor }, unlimited(status))).pipe(
    Effect.map((streams) => ({
      ...withCursor(streams),
      ...(streams.items.length === 0 ? { message: emptiness(query) } : {})
    })),
    Effect.flatMap(answerStreams),
    storeFailureToDefect
  )
}

const writeEventCursor = Schema.encodeSync(EventCursor)

/** `events` were read one beyond `limit`, to learn whether there are more. */
const eventPage = (events: ReadonlyArray<Event>, limit: number) => {
  const items = events.slice(0, limit)
  const last = items.at(-1)
  return { items, next_cursor: events.length > limit && last !== undefined ? writeEventCursor(last.seq) : null }
}

const stop = (id: StreamId) =>
  stopStream(id).pipe(
    Effect.flatMap(found),
    Effect.map((view) => (view.offAir ? undefined : streamDetailsShown(view))),
    storeFailureToDefect
  )

const canBeAsked = failWith(
  "conflict",
  "The media server answers, or was looked at within the last 3 seconds, so a stream is not ended by force: stop it without force"
)

const stopByForce = (id: StreamId) =>
  forceStop(id).pipe(
    Effect.flatMap(found),
    Effect.flatMap((outcome) => (outcome === "Ended" ? Effect.succeed(undefined) : canBeAsked)),
    storeFailureToDefect
  )

export const layer = HttpApiBuilder.group(
  ServedApi,
  "streams",
  Effect.fnUntraced(function* (handlers) {
    const slots = yield* ListSlots
    const listed = coalesce((query: typeof StreamQuery.Type) => slots.run(list(query)))
    return handlers.handleAll({
      list: ({ query }) => noteBusy(listed(query)),
      get: ({ params }) =>
        describeStream(params.id).pipe(Effect.flatMap(found), Effect.map(streamDetailsShown), storeFailureToDefect),
      annotate: ({ params, payload }) =>
        annotateStream(params.id, payload).pipe(
          Effect.flatMap(found),
          Effect.map(streamDetailsShown),
          storeFailureToDefect
        ),
      stop: ({ params, query: { force } }) => (force === "true" ? stopByForce(params.id) : stop(params.id)),
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
