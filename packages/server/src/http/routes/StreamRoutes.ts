/** The streams' endpoints: who is live, who was, what is said about it, and taking it off the air. */
import {
  annotateStream,
  describeStream,
  forceStop,
  listActive,
  type StreamId,
  type StreamStatus,
  stopStream,
  streamEvents
} from "@greenroom/core"
import { Effect, Option } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { ServedApi } from "../api/Api.ts"
import { LIMIT_DEFAULT } from "../api/Input.ts"
import type { StreamAnnotation, StreamQuery } from "../api/StreamsApi.ts"
import { Stream, StreamEvent } from "../api/Wire.ts"
import { ListSlots, noteBusy } from "../lists/ListSlots.ts"
import { pageAnswer } from "../lists/pageAnswer.ts"
import { failWith } from "../problems/Problem.ts"
import { coalesce } from "./coalesce.ts"
import { pageRequest, storeFailureToDefect } from "./storeFailureToDefect.ts"
import { envelopeOf, eventPageOf, eventToWire, streamDetailsToWire, streamToWire } from "./toWire.ts"

const notFound = failWith("stream-not-found", "No stream, live or past, has this id")
const found = <A>(option: Option.Option<A>) =>
  Option.match(option, { onNone: () => notFound, onSome: (value) => Effect.succeed(value) })

const toAnnotation = (said: typeof StreamAnnotation.Type) => ({
  ...(said.title === undefined ? {} : { title: said.title }),
  ...(said.description === undefined ? {} : { description: said.description }),
  ...(said.metadata === undefined ? {} : { metadata: said.metadata ?? {} }),
  ...(said.recording_ref === undefined ? {} : { recordingRef: said.recording_ref })
})

/** Those on the air are few and wanted whole; what has ended is history, and read by pages. */
const unlimited = (status: ReadonlyArray<StreamStatus>) => (status.includes("inactive") ? LIMIT_DEFAULT : null)

/** What an empty list says of itself. That nobody is live is true only when all who are live were asked for. */
const emptiness = ({ status = ["active"], limit: _, cursor, ...filters }: typeof StreamQuery.Type): string => {
  if (cursor !== undefined) return "No further stream matches."
  const filtered = Object.values(filters).some((value) => value !== undefined)
  return filtered || !status.includes("active") || status.includes("inactive")
    ? "No stream matches."
    : "No stream is live."
}

const streamsAnswer = pageAnswer("streams", Stream, streamToWire)
const eventsAnswer = pageAnswer("events", StreamEvent, eventToWire)

/** The whole answer, written out: reading the rows is a small part of the work. */
const list = (query: typeof StreamQuery.Type) => {
  const { status = ["active"], broadcaster_id, stream_key_id, path, ...page } = query
  return listActive(
    {
      status,
      ...(broadcaster_id === undefined ? {} : { broadcasterId: broadcaster_id }),
      ...(stream_key_id === undefined ? {} : { streamKeyId: stream_key_id }),
      ...(path === undefined ? {} : { path })
    },
    pageRequest(page, unlimited(status))
  ).pipe(
    Effect.flatMap((streams) =>
      streamsAnswer(streams.items, {
        ...envelopeOf(streams),
        ...(streams.items.length === 0 ? { message: emptiness(query) } : {})
      })
    ),
    storeFailureToDefect
  )
}

const stop = (id: StreamId) =>
  stopStream(id).pipe(
    Effect.flatMap(found),
    Effect.map((view) => (view.offAir ? undefined : streamDetailsToWire(view))),
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
        describeStream(params.id).pipe(Effect.flatMap(found), Effect.map(streamDetailsToWire), storeFailureToDefect),
      annotate: ({ params, payload }) =>
        annotateStream(params.id, toAnnotation(payload)).pipe(
          Effect.flatMap(found),
          Effect.map(streamDetailsToWire),
          storeFailureToDefect
        ),
      stop: ({ params, query: { force } }) => (force === "true" ? stopByForce(params.id) : stop(params.id)),
      events: ({ params, query: { limit = LIMIT_DEFAULT, cursor = 0 } }) =>
        streamEvents(params.id, cursor, limit + 1).pipe(
          Effect.flatMap(found),
          Effect.map((events) => eventPageOf(events, limit)),
          Effect.flatMap(({ shown, envelope }) => eventsAnswer(shown, envelope)),
          storeFailureToDefect,
          slots.run,
          noteBusy
        )
    })
  })
)
