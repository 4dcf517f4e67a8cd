/**
 * The pipeline's events, as the media server's hooks send them: in camelCase, each for the ingest (`in`) or the product (`out`)
 * of one stream. Plain routes serve them, as they do the other calls of the media server; here they are for the OpenAPI document.
 */
import { isAtMost, PIPELINE_PATH } from "@greenroom/core/internal"
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import { HookKey } from "./ApiKey.ts"
import { eventRefused, problems } from "./problemSchemas.ts"
import { exampleIds, named, summary } from "./wire.ts"

const SOURCE_TYPE = /^([A-Za-z]+(Conn|Session|Source)|rtmp|rtsp|webrtc|srt)$/u

const expected = (sentence: string) => ({ message: `Expected ${sentence}` })
const QUERY_MAX_LENGTH = 4096

export const HookEvent = Schema.Struct({
  path: Schema.String.check(
    Schema.isPattern(PIPELINE_PATH, expected("a path such as live/studio-1/in, ending in /in or /out"))
  ).annotate({ description: "`live/<streamId>/in` or `live/<streamId>/out`" }),
  sourceType: Schema.NullOr(
    Schema.String.check(
      isAtMost(64),
      Schema.isPattern(
        SOURCE_TYPE,
        expected("the media server's own name, such as rtmpConn, or rtmp, rtsp, webrtc, srt")
      )
    )
  ).annotate({
    description: "The media server's own name for it: `rtmpConn`, `rtspSession`, …; `null` where it has none"
  }),
  sourceId: Schema.NullOr(Schema.String.check(isAtMost(2048))).annotate({
    description:
      "The connection's id; `null` or empty for a source of the media server's own, such as one that it pulls"
  }),
  query: Schema.optionalKey(
    Schema.NullOr(Schema.RedactedFromValue(Schema.String.check(isAtMost(QUERY_MAX_LENGTH))))
  ).annotate({ description: "What followed the path in the publisher's URL, unescaped once" })
}).annotate(
  named(
    "HookEvent",
    { path: "live/studio-1/in", sourceType: "rtmpConn", sourceId: exampleIds.source, query: "lang=es" },
    "A hook of the media server; unknown fields are ignored"
  )
)

const received = <const M extends string>(message: M, identifier: string) =>
  Schema.Struct({
    status: Schema.Literal("received"),
    message: Schema.Literal(message),
    stream_id: Schema.String.annotate({ description: "The `streamId` of the path" }),
    direction: Schema.Literals(["in", "out"]),
    correlation_id: Schema.String.annotate({ description: "A UUID; the log line has it, too" })
  }).annotate(
    named(identifier, {
      status: "received",
      message,
      stream_id: "studio-1",
      direction: "in",
      correlation_id: "6b0c5c1e-0a57-4a0e-9a86-58b1a2a0b7c4"
    })
  )

export const ReadyReceived = received("Ready event received", "ReadyReceived")
export const NotReadyReceived = received("Not-ready event received", "NotReadyReceived")

const event = (title: string) =>
  summary(
    title,
    "Makes Greenroom look at the media server at once, as the webhooks do; repeated, late, lost or forged events do no harm. Each has a line in the log."
  )

const onEvent = [...eventRefused, ...problems("forbidden", "payload-too-large", "unsupported-media-type", "internal")]

export class PipelineApi extends HttpApiGroup.make("pipeline")
  .add(
    HttpApiEndpoint.post("ready", "/v1/mediamtx/events/ready", {
      payload: HookEvent,
      success: ReadyReceived,
      error: onEvent
    }).annotateMerge(event("An ingest or a product became ready")),
    HttpApiEndpoint.post("not_ready", "/v1/mediamtx/events/not-ready", {
      payload: HookEvent,
      success: NotReadyReceived,
      error: onEvent
    }).annotateMerge(event("An ingest or a product is no longer ready"))
  )
  .middleware(HookKey)
  .annotateMerge(
    OpenApi.annotations({
      title: "Pipeline",
      description:
        "What `mtx-hook` sends from the media server for `live/<streamId>/in` and `…/out`. The hook secret is asked for when one is configured."
    })
  ) {}
