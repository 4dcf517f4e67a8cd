/** Whether the store is what its own history makes of it. */
import { StreamId } from "@greenroom/core"
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import { ApiKey } from "./ApiKey.ts"
import { CheckCursor } from "./Cursor.ts"
import { Limit } from "./Input.ts"
import { onList } from "./Problems.ts"
import { pageOf } from "./Wire.ts"

export const HistoryProblem = Schema.Struct({
  stream_id: StreamId,
  detail: Schema.String.annotate({ description: "All that is wrong with it, in sentences" })
}).annotate({ identifier: "HistoryProblem" })

export const HistoryCheck = Schema.Struct({
  checked: Schema.Int.annotate({ description: "How many streams were looked at for this page" }),
  ...pageOf("problems", HistoryProblem)
}).annotate({ identifier: "HistoryCheck" })

export class HistoryApi extends HttpApiGroup.make("history")
  .add(
    HttpApiEndpoint.get("check", "/check", {
      query: { limit: Schema.optionalKey(Limit), cursor: Schema.optionalKey(CheckCursor) },
      success: HistoryCheck,
      error: onList
    }).annotateMerge(
      OpenApi.annotations({
        summary: "Check streams against their events",
        description:
          "Compares the stored streams, a page of them, with what their events make of them, and the events' numbers for gaps. `limit` counts streams looked at, not problems: follow `next_cursor` until it is `null`, even when a page has none."
      })
    )
  )
  .middleware(ApiKey)
  .annotateMerge(OpenApi.annotations({ title: "History", description: "Is what is stored what has happened?" })) {}
