/** The event log: what has happened, in one order, by cursor or as it happens. */
import { BroadcasterId, EVENTS_WAIT_MAX_MS, eventTypes, StreamId, StreamPath } from "@greenroom/core"
import { Schema, SchemaTransformation } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import { ApiKey } from "./ApiKey.ts"
import { LogPlace, logCursorExample } from "./Cursor.ts"
import { Event, eventExample } from "./eventSchemas.ts"
import { commaSeparated, EventsLimit } from "./Input.ts"
import { needs } from "./OperationAccess.ts"
import { onInput, problems } from "./problemSchemas.ts"
import { Count, named, summary, wire } from "./wire.ts"

export const WAIT_MAX_SECONDS = EVENTS_WAIT_MAX_MS / 1_000

const isWait = (text: string): boolean => /^\d{1,2}$/.test(text) && Number(text) <= WAIT_MAX_SECONDS

const Wait = Schema.String.annotate({ examples: ["20"] })
  .check(
    Schema.makeFilter((text) => (isWait(text) ? undefined : `Expected a whole number from 0 to ${WAIT_MAX_SECONDS}`))
  )
  .pipe(Schema.decodeTo(Schema.Int, SchemaTransformation.transform({ decode: Number, encode: String })))

const filter = {
  types: Schema.optionalKey(commaSeparated(eventTypes, "Only events of these types, separated by commas")),
  broadcasterId: Schema.optionalKey(BroadcasterId),
  streamId: Schema.optionalKey(StreamId),
  path: Schema.optionalKey(StreamPath)
}

export const EventQuery = wire({
  after: Schema.optionalKey(LogPlace),
  ...filter,
  limit: Schema.optionalKey(EventsLimit),
  wait: Schema.optionalKey(Wait)
})

export const EventStreamQuery = wire({ after: Schema.optionalKey(LogPlace), ...filter })

export const EventPage = wire(
  {
    events: Schema.Array(Event),
    count: Count.annotate({ description: "How many are in this answer" }),
    next: Schema.String.annotate({
      description: "The cursor after the last position that was looked at: send it as `after`, also when no event came"
    })
  },
  named("EventPage", { events: [eventExample], count: 1, next: logCursorExample })
)

const eventStream = Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/event-stream" }))

export class EventsApi extends HttpApiGroup.make("events")
  .add(
    HttpApiEndpoint.get("list", "/events", {
      query: EventQuery,
      success: EventPage,
      error: problems("cursor-lost", "too-many-readers", ...onInput)
    })
      .annotateMerge(needs("events:read"))
      .annotateMerge(
        summary(
          "Read events",
          "In their order, after the cursor. Always go on from `next`, which is there even when no event is: a call looks at 5,000 positions at most, so with a filter it may answer with no event before it has reached the newest. With `wait` a call that has reached the newest waits so many seconds for the next event."
        )
      ),
    HttpApiEndpoint.get("stream", "/events/stream", {
      query: EventStreamQuery,
      headers: { "last-event-id": Schema.optionalKey(LogPlace) },
      success: eventStream,
      error: problems("too-many-readers", ...onInput)
    })
      .annotateMerge(needs("events:read"))
      .annotateMerge(
        summary(
          "Follow events",
          "Server-sent events, from now on unless a cursor is given: `id` is the cursor, `event` the type, `data` the event as JSON. Connect again with the last `id` as `Last-Event-ID` (it goes before `after`) and nothing is missed. A comment comes every 15 seconds. The event `reset`: events after the cursor are lost (`reason`, `oldest`), and the stream goes on from now. A client that takes less than it is sent is cut off."
        )
      )
  )
  .middleware(ApiKey)
  .annotateMerge(
    OpenApi.annotations({ title: "Events", description: "What has happened, in one order, and what happens now." })
  ) {}
