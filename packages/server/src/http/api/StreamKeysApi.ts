/** Stream keys: the credentials of publishers. The value leaves the service once, in the answer that creates the key. */
import { BroadcasterId, keyStatuses, Label, NewPathLimit, StreamId, StreamKeyId, Timestamp } from "@greenroom/core"
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import { ApiKey } from "./ApiKey.ts"
import { cursorExample, pageQuery } from "./Cursor.ts"
import { commaSeparated } from "./Input.ts"
import { onBody, onInput, onList, problems } from "./problemSchemas.ts"
import { exampleIds, named, nullable, pageOf, summary, wire } from "./wire.ts"

const keyFields = {
  id: StreamKeyId,
  keyPrefix: Schema.String.annotate({ description: "The first 7 characters of the key, to recognise it by" }),
  broadcasterId: BroadcasterId,
  label: nullable(Schema.String),
  path: nullable(Schema.String).annotate({
    description: "The path or pattern that the key is limited to; `null`: none"
  }),
  status: Schema.Literals(keyStatuses).annotate({ description: "The first of these that holds" }),
  activeStreamId: nullable(StreamId).annotate({
    description: "Its stream, from admission until it has left the air"
  }),
  createdAt: Timestamp,
  expiresAt: nullable(Timestamp),
  revokedAt: nullable(Timestamp),
  lastUsedAt: nullable(Timestamp).annotate({ description: "The start of its last stream" })
}

export const keyExample = {
  id: exampleIds.key,
  key_prefix: "sk_EXAM",
  broadcaster_id: exampleIds.broadcaster,
  label: "Main camera",
  path: "live/studio-1",
  status: "in_use",
  active_stream_id: exampleIds.stream,
  created_at: "2026-11-21T01:31:00.000Z",
  expires_at: "2027-01-01T00:00:00.000Z",
  revoked_at: null,
  last_used_at: "2026-11-21T01:33:14.640Z"
}

export const StreamKey = wire(keyFields, named("StreamKey", keyExample))

export const keyValueExample = "sk_EXAMPLE-EXAMPLE-EXAMPLE-EXAMPLE-EXAMPLE-123"

const ingestExample = (key: string) => ({
  obs: { server: "rtmp://media.example.com/live", stream_key: `studio-1?user=greenroom&pass=${key}` },
  rtmp: `rtmp://media.example.com/live/studio-1?user=greenroom&pass=${key}`,
  rtsp: `rtsp://greenroom:${key}@media.example.com:8554/live/studio-1`,
  srt: `srt://media.example.com:8890?streamid=publish:live/studio-1:greenroom:${key}&pkt_size=1316`,
  srt_streamid: `publish:live/studio-1:greenroom:${key}`,
  whip: { url: "https://media.example.com/live/studio-1/whip", bearer: key }
})

/** `null` where the protocol is off or has no public address. */
const ingestFields = {
  obs: nullable(Schema.Struct({ server: Schema.String, stream_key: Schema.String })),
  rtmp: nullable(Schema.String),
  rtsp: nullable(Schema.String),
  srt: nullable(Schema.String),
  srt_streamid: nullable(Schema.String).annotate({
    description: "The `streamid` of `srt` alone, for encoders with a field for it"
  }),
  whip: nullable(Schema.Struct({ url: Schema.String, bearer: Schema.String }))
}

/** What to type into an encoder. */
export const Ingest = Schema.Struct(ingestFields).annotate(
  named(
    "Ingest",
    ingestExample(keyValueExample),
    "What to type into an encoder, for each protocol that is on. It holds the key: treat it as one"
  )
)

/** The same without the key. */
export const IngestTemplate = Schema.Struct(ingestFields).annotate(
  named(
    "IngestTemplate",
    ingestExample("{key}"),
    "What to type into an encoder, for each protocol that is on, with `{key}` where the key belongs"
  )
)

export const IssuedStreamKey = wire(
  {
    ...keyFields,
    keyValue: Schema.String.annotate({ description: "The key itself: shown this once, and stored nowhere" }),
    ingest: Ingest
  },
  named("IssuedStreamKey", {
    ...keyExample,
    status: "active",
    active_stream_id: null,
    last_used_at: null,
    key_value: keyValueExample,
    ingest: ingestExample(keyValueExample)
  })
)

export const NewStreamKey = wire(
  {
    broadcasterId: BroadcasterId,
    expiresAt: Schema.optionalKey(
      nullable(Timestamp).annotate({ description: "When it stops admitting; never, unless given" })
    ),
    label: Schema.optionalKey(nullable(Label).annotate({ description: "What the key is for" })),
    path: Schema.optionalKey(
      nullable(NewPathLimit).annotate({
        description:
          "One path, one more segment (`live/*`), or any depth (`live/**`): letters, digits and `_`, `-`, `.` between slashes; `null` for no limit. Left out, it is the key's own path: `live/` and the first 8 characters of its id"
      })
    )
  },
  named("NewStreamKey", {
    broadcaster_id: exampleIds.broadcaster,
    label: "Main camera",
    path: "live/studio-1",
    expires_at: "2027-01-01T00:00:00Z"
  })
)

export const StreamKeyChanges = wire(
  {
    label: Schema.optionalKey(nullable(Label)),
    expiresAt: Schema.optionalKey(nullable(Timestamp)),
    enabled: Schema.optionalKey(Schema.Boolean)
  },
  named("StreamKeyChanges", { enabled: false }, "What is left out stays as it is; `null` clears")
)

export const StreamKeyPage = pageOf(
  "stream_keys",
  StreamKey,
  named("StreamKeyPage", { stream_keys: [keyExample], count: 1, next_cursor: cursorExample })
)

const params = { id: StreamKeyId }

export class StreamKeysApi extends HttpApiGroup.make("stream_keys")
  .add(
    HttpApiEndpoint.post("issue", "/stream-keys", {
      payload: NewStreamKey,
      success: HttpApiSchema.WithHeaders(IssuedStreamKey.pipe(HttpApiSchema.status(201)), {
        location: Schema.String,
        "cache-control": Schema.String
      }),
      error: problems("conflict", ...onBody)
    }).annotateMerge(
      summary(
        "Issue a stream key",
        "The only answer that holds the key itself (`key_value`), with what to type into an encoder (`ingest`). `path` limits the key to one path, to one more segment (`live/*`) or to any depth (`live/**`); left out, the key is limited to a path of its own, `live/` and the first 8 characters of its id; `null` limits it to nothing. The path of `ingest` (the limit when that is one path, else one made from the id) belongs to the key's broadcaster until the key is revoked: keys of other broadcasters cannot publish there, whatever their limit, and asking for a key limited to it is a conflict. An unknown broadcaster and an expiry in the past are validation errors."
      )
    ),
    HttpApiEndpoint.get("list", "/stream-keys", {
      query: wire({
        broadcasterId: Schema.optionalKey(BroadcasterId),
        status: Schema.optionalKey(commaSeparated(keyStatuses, "Only keys of these statuses, separated by commas")),
        ...pageQuery
      }),
      success: StreamKeyPage,
      error: problems(...onList)
    }).annotateMerge(summary("List stream keys", "Newest first, never with their values.")),
    HttpApiEndpoint.get("get", "/stream-keys/:id", {
      params,
      success: StreamKey,
      error: problems("not-found", ...onInput)
    }).annotateMerge(summary("Get a stream key")),
    HttpApiEndpoint.get("ingest", "/stream-keys/:id/ingest", {
      params,
      success: IngestTemplate,
      error: problems("not-found", ...onInput)
    }).annotateMerge(
      summary(
        "Get what to type into an encoder",
        "As the answer that created the key, with `{key}` in place of the key, which is not kept. Also for a key that is revoked, disabled or has expired."
      )
    ),
    HttpApiEndpoint.patch("change", "/stream-keys/:id", {
      params,
      payload: StreamKeyChanges,
      success: StreamKey,
      error: problems("not-found", "conflict", ...onBody)
    }).annotateMerge(
      summary(
        "Change a stream key",
        "`enabled: false` suspends the key and takes its stream off the air; `true` lets it publish again. A revoked key cannot be changed: 409."
      )
    ),
    HttpApiEndpoint.delete("revoke", "/stream-keys/:id", {
      params,
      // The body first: the schema of an empty answer takes any value.
      success: [StreamKey.pipe(HttpApiSchema.status(202)), HttpApiSchema.NoContent],
      error: problems("not-found", ...onInput)
    }).annotateMerge(
      summary(
        "Revoke a stream key",
        "For good. The key is dead in the store first, then its stream is taken off the air. 204 when no stream of it is left on the media server; 202 with the key when that could not be confirmed within 2 seconds: the service goes on trying, and `active_stream_id` turns `null` when it is done. Repeating it answers by what is still on the air."
      )
    )
  )
  .middleware(ApiKey)
  .annotateMerge(
    OpenApi.annotations({ title: "Stream keys", description: "The credentials of publishers, one at a time each." })
  ) {}
