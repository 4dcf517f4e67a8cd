/**
 * What the media server calls. These calls are served by plain routes: `/auth` is the hot path, and the hooks read
 * their body as JSON whatever its content type. They stand here for the OpenAPI document and for the bodies' schemas.
 */
import { PATH_MAX_LENGTH, StreamId } from "@greenroom/core"
import { isAtMost, isSourceId, SOURCE_ID_PATTERN } from "@greenroom/core/internal"
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import { refusalNames } from "../problems/refusals.ts"
import { HookKey } from "./ApiKey.ts"
import { onBody, problems } from "./problemSchemas.ts"
import { keyValueExample } from "./streamKeySchemas.ts"
import { exampleIds, named, summary } from "./wire.ts"

const bounded = (max: number) => Schema.String.check(isAtMost(max))
const text = Schema.optionalKey(Schema.NullOr(Schema.String))
const secret = Schema.optionalKey(Schema.NullOr(Schema.RedactedFromValue(Schema.String)))

/**
 * No field has a bound of its own: a field that does not matter to the decision must not decide it, and browsers send long tokens and
 * queries. Path, id and key are checked where the decision is made. The body as a whole is bounded.
 */
export const AuthBody = Schema.Struct({
  action: text.annotate({ description: "`publish`, `read`, `playback`, `api`, `metrics` or `pprof`" }),
  path: Schema.String,
  protocol: text,
  id: text.annotate({
    description:
      "The connection's id; needed to publish. `null` asks whether a key is good for the path, and admits no publisher"
  }),
  ip: text,
  user: secret,
  password: secret,
  token: secret,
  query: secret,
  userAgent: text
}).annotate(
  named(
    "AuthRequest",
    {
      ip: "203.0.113.7",
      user: "greenroom",
      password: keyValueExample,
      action: "publish",
      path: "live/studio-1",
      protocol: "rtmp",
      id: exampleIds.source,
      query: ""
    },
    "As MediaMTX sends it; unknown fields are ignored"
  )
)

export const AuthAllowed = Schema.Struct({
  decision: Schema.Literal("allow"),
  stream_id: Schema.NullOr(StreamId).annotate({ description: "The stream of an admitted publisher" })
}).annotate(named("AuthAllowed", { decision: "allow", stream_id: exampleIds.stream }))

/** As in an auth call; empty is none. */
const hookSourceId = Schema.String.check(
  Schema.makeFilter(
    (text) =>
      text === "" || isSourceId(text)
        ? undefined
        : "Expected a connection's id: at most 255 visible ASCII characters, and no stream key",
    { toJsonSchema: () => ({ pattern: `^$|${SOURCE_ID_PATTERN}` }) }
  )
)

export const HookBody = Schema.Struct({
  path: bounded(PATH_MAX_LENGTH),
  source_type: Schema.optionalKey(Schema.NullOr(bounded(255))),
  source_id: Schema.optionalKey(Schema.NullOr(hookSourceId)).annotate({
    description: "The connection's id; empty or `null` for a source of the media server's own"
  }),
  query: secret
}).annotate(named("Hook", { path: "live/studio-1", source_type: "rtmpConn", source_id: exampleIds.source }))

const hook = (title: string) =>
  summary(
    title,
    "Makes Greenroom look at the media server at once, and nothing else: repeated, late, lost or forged hooks do no harm. Only while the control API is absent or does not answer is it believed; not-ready only with the hook secret. The body is read as JSON whatever its content type."
  )

const onHook = problems("forbidden", "validation", "payload-too-large", "unsupported-media-type", "internal")

export class MediaServerApi extends HttpApiGroup.make("media_server")
  .add(
    HttpApiEndpoint.post("auth", "/auth", {
      payload: AuthBody,
      success: AuthAllowed,
      error: problems("unauthorized", "forbidden", ...refusalNames, ...onBody)
    }).annotateMerge(
      OpenApi.annotations({
        summary: "May this client in?",
        description:
          "MediaMTX's `authHTTPAddress`. A publisher's stream key is its `password`, else its `token`, else the query parameter `key`, `token` or `pass`. When that is not a stream key and nothing else, the one whole key that stands in any of these, in `user` or elsewhere in the query counts. A `publish` whose `id` is `null` (WHIP's OPTIONS, the publish pages) is a check: 200 with `stream_id` `null` when the key is good for the path, whether it is in use or not. Viewers are let in; `api`, `metrics` and `pprof` need the API secret."
      })
    ),
    HttpApiEndpoint.post("ready", "/webhook/ready", {
      payload: HookBody,
      success: HttpApiSchema.NoContent,
      error: onHook
    }).annotateMerge(hook("A stream became ready")),
    HttpApiEndpoint.post("not_ready", "/webhook/not-ready", {
      payload: HookBody,
      success: HttpApiSchema.NoContent,
      error: onHook
    }).annotateMerge(hook("A stream is no longer ready"))
  )
  .middleware(HookKey)
  .annotateMerge(
    OpenApi.annotations({
      title: "Media server",
      description: "What MediaMTX calls. The hook secret is asked for when one is configured."
    })
  ) {}
