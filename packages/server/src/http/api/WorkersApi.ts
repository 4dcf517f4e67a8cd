/** Media workers: what reads a stream at `live/<id>/in` and publishes its product at `live/<id>/out`, and how it fares. */
import { PipelineId, workerStates } from "@greenroom/core"
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import { ApiKey } from "./ApiKey.ts"
import { ListCursor } from "./Cursor.ts"
import { commaSeparated, Limit } from "./Input.ts"
import { onInput, onList, problems } from "./problemSchemas.ts"
import { pageOf, Worker } from "./Wire.ts"

export const WorkerPage = Schema.Struct({
  ...pageOf("workers", Worker),
  message: Schema.optionalKey(Schema.String).annotate({ description: "Only when the list is empty: why it is" })
}).annotate({ identifier: "WorkerPage" })

const say = (summary: string, description?: string) => OpenApi.annotations({ summary, description })

export class WorkersApi extends HttpApiGroup.make("workers")
  .add(
    HttpApiEndpoint.get("list", "/workers", {
      query: {
        state: Schema.optionalKey(commaSeparated(workerStates, "Only workers in these states, separated by commas")),
        limit: Schema.optionalKey(Limit),
        cursor: Schema.optionalKey(ListCursor)
      },
      success: WorkerPage,
      error: problems(...onList)
    }).annotateMerge(
      say(
        "List media workers",
        "One for each stream that was ever worked on, newest first: also those that have stopped or failed. While workers are off (`WORKERS`) the list is empty, and its `message` says so."
      )
    ),
    HttpApiEndpoint.get("get", "/workers/:streamId", {
      params: { streamId: PipelineId },
      success: Worker,
      error: problems("not-found", ...onInput)
    }).annotateMerge(say("Get a media worker", "By the `<id>` of `live/<id>/in`."))
  )
  .middleware(ApiKey)
  .annotateMerge(
    OpenApi.annotations({
      title: "Workers",
      description: "What is made of `live/<id>/in` and published at `live/<id>/out`."
    })
  ) {}
