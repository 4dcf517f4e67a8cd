/** Streams: who is live, who was, what is noted about it, and taking it off the air. */
import {
  BLOCK_MAX_SECONDS,
  BroadcasterId,
  Description,
  RecordingRef,
  StreamId,
  StreamKeyId,
  StreamPath,
  streamStatuses,
  Timestamp,
  Title
} from "@greenroom/core"
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import { ApiKey } from "./ApiKey.ts"
import { EventCursor, pageQuery, totalQuery } from "./Cursor.ts"
import { commaSeparated, Limit, MetadataInput, Switch, wholeNumber } from "./Input.ts"
import { needs } from "./OperationAccess.ts"
import { onBody, onInput, onList, problems } from "./problemSchemas.ts"
import { eventExample, Stream, StreamDetails, StreamEvent, streamExample } from "./streamSchemas.ts"
import { maybeTotal, named, nullable, pageOf, summary, wire } from "./wire.ts"

export const StreamAnnotation = wire(
  {
    title: Schema.optionalKey(nullable(Title)),
    description: Schema.optionalKey(nullable(Description)),
    metadata: Schema.optionalKey(MetadataInput),
    recordingRef: Schema.optionalKey(nullable(RecordingRef))
  },
  named(
    "StreamAnnotation",
    { title: "Evening service", recording_ref: "s3://recordings/2026/11/21/studio-1.mp4" },
    "What is left out stays as it is; `null` clears; `metadata` is replaced as a whole"
  )
)

export const StreamQuery = wire({
  status: Schema.optionalKey(
    commaSeparated(streamStatuses, "Only streams of these statuses, separated by commas; `active` unless given", {
      default: ["active"]
    })
  ),
  broadcasterId: Schema.optionalKey(BroadcasterId),
  streamKeyId: Schema.optionalKey(StreamKeyId),
  path: Schema.optionalKey(StreamPath),
  at: Schema.optionalKey(Timestamp),
  ...totalQuery,
  ...pageQuery
})

export const StreamPage = pageOf(
  "streams",
  Stream,
  named("StreamPage", { streams: [streamExample], count: 1, next_cursor: null, total: 1 }),
  {
    ...maybeTotal,
    message: Schema.optionalKey(Schema.String).annotate({
      description: "Only when the list is empty: that no stream is live, or that none matches"
    })
  }
)

export const StreamEventPage = pageOf(
  "events",
  StreamEvent,
  named("StreamEventPage", {
    events: [{ seq: 1, type: "admitted", at: "2026-11-21T01:33:14.640Z", data: {} }, eventExample],
    count: 2,
    next_cursor: null
  })
)

export const BlockSecondsText = wholeNumber(
  1,
  BLOCK_MAX_SECONDS,
  "60",
  "For so many seconds the stream's key may not publish on its path"
)

const params = { id: StreamId }

export class StreamsApi extends HttpApiGroup.make("streams")
  .add(
    HttpApiEndpoint.get("list", "/streams", {
      query: StreamQuery,
      success: StreamPage,
      error: problems(...onList)
    })
      .annotateMerge(needs("streams:read"))
      .annotateMerge(
        summary(
          "List streams",
          "The active ones unless `status` is given, newest first. All of them are listed unless `limit` is given or `status` names `inactive`, which comes in pages of 50. With `at` those that were live then, of any status unless `status` is given, in pages of 50. An empty list has a `message`. Answers come from the store and do not wait for the media server: `state_as_of` shows how fresh each is. Poll with `If-None-Match`: a list that has not changed is answered with 304. `duration_seconds` is by at most a second too low; count from `started_at` to show it."
        )
      ),
    HttpApiEndpoint.get("get", "/streams/:id", {
      params,
      success: StreamDetails,
      error: problems("stream-not-found", ...onInput)
    })
      .annotateMerge(needs("streams:read"))
      .annotateMerge(
        summary(
          "Get a stream",
          "Live or past, with its broadcaster's contact and metadata. A past one is gone `HISTORY_KEEP` days (400) after its end."
        )
      ),
    HttpApiEndpoint.patch("annotate", "/streams/:id", {
      params,
      payload: StreamAnnotation,
      success: StreamDetails,
      error: problems("stream-not-found", ...onBody)
    })
      .annotateMerge(needs("streams:write", "stream.change"))
      .annotateMerge(summary("Annotate a stream", "Title, description, metadata, and where its recording lies.")),
    HttpApiEndpoint.delete("stop", "/streams/:id", {
      params,
      query: {
        force: Schema.optionalKey(Switch).annotate({
          description:
            "`true` ends the stream in the store alone, which frees its key; only while the control API is absent or does not answer"
        }),
        block_seconds: Schema.optionalKey(BlockSecondsText)
      },
      // The body first: the schema of an empty answer takes any value.
      success: [StreamDetails.pipe(HttpApiSchema.status(202)), HttpApiSchema.NoContent],
      error: problems("stream-not-found", "conflict", ...onInput)
    })
      .annotateMerge(needs("streams:write", "stream.stop"))
      .annotateMerge(
        summary(
          "Take a stream off the air",
          "Its key stays good: the encoder may come back, unless `block_seconds` keeps it off this path for a while (`PATCH /stream-keys/{id}` with `blocked_until: null` lifts that; a key has one block, and a newer one replaces it). 204 when it has left the media server; 202 with the stream when that could not be confirmed within 2 seconds: the service goes on trying. With `force=true` it ends at once, and is a conflict while the media server can be asked; a publisher that is there after all is kicked when it can be asked again."
        )
      ),
    HttpApiEndpoint.get("events", "/streams/:id/events", {
      params,
      query: { limit: Schema.optionalKey(Limit), cursor: Schema.optionalKey(EventCursor) },
      success: StreamEventPage,
      error: problems("stream-not-found", ...onList)
    })
      .annotateMerge(needs("streams:read"))
      .annotateMerge(summary("List a stream's events", "Every transition, in order."))
  )
  .middleware(ApiKey)
  .annotateMerge(OpenApi.annotations({ title: "Streams", description: "Who is live, and who was." })) {}
