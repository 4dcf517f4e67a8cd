/** Media workers: what reads a stream at `live/<id>/in` and publishes its product at `live/<id>/out`, and their states. */
import { PipelineId, StreamId, Timestamp, workerStates } from "@greenroom/core"
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import { ApiKey } from "./ApiKey.ts"
import { pageQuery } from "./Cursor.ts"
import { commaSeparated } from "./Input.ts"
import { needsWholeFleet } from "./OperationAccess.ts"
import { onInput, onList, problems } from "./problemSchemas.ts"
import { Count, exampleIds, named, nullable, pageOf, summary, wire } from "./wire.ts"

export const workerExample = {
  stream_id: "studio-1",
  state: "running",
  reason: null,
  attempt: 1,
  input_path: "live/studio-1/in",
  output_path: "live/studio-1/out",
  input_stream_id: exampleIds.stream,
  output_stream_id: "7d1f0a52-1c1e-4b39-8d43-5b0c2a9e4f11",
  retry_at: null,
  host: "media-1",
  pid: 4711,
  created_at: "2026-11-21T01:33:16.702Z",
  state_since: "2026-11-21T01:33:17.310Z",
  updated_at: "2026-11-21T01:33:17.310Z"
}

export const Worker = wire(
  {
    streamId: PipelineId,
    state: Schema.Literals(workerStates),
    reason: nullable(Schema.String).annotate({
      description: "Why it is in this state, where that is not obvious"
    }),
    attempt: Count.annotate({
      description: "How often it was tried on its present source: once, and three times again"
    }),
    inputPath: Schema.String,
    outputPath: Schema.String,
    inputStreamId: nullable(StreamId).annotate({
      description: "The stream that it reads; `null` when it reads a source of the media server's own"
    }),
    outputStreamId: nullable(StreamId).annotate({ description: "The stream that it publishes, while it runs" }),
    retryAt: nullable(Timestamp).annotate({ description: "When it is tried again" }),
    host: nullable(Schema.String).annotate({ description: "The machine that its process is on" }),
    pid: nullable(Schema.Int),
    createdAt: Timestamp.annotate({ description: "When its stream was first worked on" }),
    stateSince: Timestamp,
    updatedAt: Timestamp
  },
  named("Worker", workerExample)
)

export const WorkerPage = pageOf(
  "workers",
  Worker,
  named("WorkerPage", { workers: [workerExample], count: 1, next_cursor: null }),
  {
    message: Schema.optionalKey(Schema.String).annotate({ description: "Only when the list is empty: why it is" })
  }
)

export class WorkersApi extends HttpApiGroup.make("workers")
  .add(
    HttpApiEndpoint.get("list", "/workers", {
      query: {
        state: Schema.optionalKey(commaSeparated(workerStates, "Only workers in these states, separated by commas")),
        ...pageQuery
      },
      success: WorkerPage,
      error: problems(...onList)
    })
      .annotateMerge(needsWholeFleet("operate"))
      .annotateMerge(
        summary(
          "List media workers",
          "One for each stream that was ever worked on, newest first: also those that have stopped or failed. While workers are off (`WORKERS`) the list is empty, with a `message`."
        )
      ),
    HttpApiEndpoint.get("get", "/workers/:streamId", {
      params: { streamId: PipelineId },
      success: Worker,
      error: problems("not-found", ...onInput)
    })
      .annotateMerge(needsWholeFleet("operate"))
      .annotateMerge(summary("Get a media worker", "By the `<id>` of `live/<id>/in`."))
  )
  .middleware(ApiKey)
  .annotateMerge(
    OpenApi.annotations({
      title: "Workers",
      description: "What is made of `live/<id>/in` and published at `live/<id>/out`."
    })
  ) {}
