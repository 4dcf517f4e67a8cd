/** Stream keys: the credentials of publishers. The value leaves the service once, in the answer that creates the key. */
import { BroadcasterId, keyStatuses, StreamKeyId } from "@greenroom/core"
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import { ApiKey } from "./ApiKey.ts"
import { pageQuery, totalQuery } from "./Cursor.ts"
import { commaSeparated, Switch } from "./Input.ts"
import { needs } from "./OperationAccess.ts"
import { onBody, onInput, onList, problems } from "./problemSchemas.ts"
import {
  IngestTemplate,
  IssuedStreamKey,
  NewStreamKey,
  StreamKey,
  StreamKeyChanges,
  StreamKeyPage,
  StreamKeyRotation
} from "./streamKeySchemas.ts"
import { summary, wire } from "./wire.ts"

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
    })
      .annotateMerge(needs("keys:write", "stream_key.create"))
      .annotateMerge(
        summary(
          "Issue a stream key",
          "The only answer that holds the key itself (`key_value`), with what to type into an encoder (`ingest`). `path` limits the key to one path, to one more segment (`live/*`) or to any depth (`live/**`); left out, the key is limited to a path of its own, `live/` and the first 8 characters of its id; `null` limits it to nothing. The path of `ingest` (the limit when that is one path, else one made from the id) belongs to the key's broadcaster until the key is revoked: keys of other broadcasters cannot publish there, whatever their limit, and asking for a key limited to it is a conflict. An unknown broadcaster and an expiry in the past are validation errors."
        )
      ),
    HttpApiEndpoint.get("list", "/stream-keys", {
      query: wire({
        broadcasterId: Schema.optionalKey(BroadcasterId),
        status: Schema.optionalKey(commaSeparated(keyStatuses, "Only keys of these statuses, separated by commas")),
        deleted: Schema.optionalKey(Switch).annotate({
          description: "`true`: also the keys of deleted broadcasters, which are left out otherwise"
        }),
        ...totalQuery,
        ...pageQuery
      }),
      success: StreamKeyPage,
      error: problems(...onList)
    })
      .annotateMerge(needs("keys:read"))
      .annotateMerge(
        summary(
          "List stream keys",
          "Newest first, never with their values. Keys of deleted broadcasters only with `deleted=true`."
        )
      ),
    HttpApiEndpoint.get("get", "/stream-keys/:id", {
      params,
      success: StreamKey,
      error: problems("not-found", ...onInput)
    })
      .annotateMerge(needs("keys:read"))
      .annotateMerge(summary("Get a stream key")),
    HttpApiEndpoint.get("ingest", "/stream-keys/:id/ingest", {
      params,
      success: IngestTemplate,
      error: problems("not-found", ...onInput)
    })
      .annotateMerge(needs("keys:read"))
      .annotateMerge(
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
    })
      .annotateMerge(needs("keys:write", "stream_key.change"))
      .annotateMerge(
        summary(
          "Change a stream key",
          "`enabled: false` suspends the key and takes its stream off the air; `true` lets it publish again. `blocked_until: null` lifts the block of a stopped stream. A revoked key cannot be changed: 409."
        )
      ),
    HttpApiEndpoint.post("rotate", "/stream-keys/:id/rotate", {
      params,
      payload: StreamKeyRotation,
      success: HttpApiSchema.WithHeaders(IssuedStreamKey.pipe(HttpApiSchema.status(201)), {
        location: Schema.String,
        "cache-control": Schema.String
      }),
      error: problems("not-found", "conflict", ...onBody)
    })
      .annotateMerge(needs("keys:write", "stream_key.rotate"))
      .annotateMerge(
        summary(
          "Rotate a stream key",
          "A new key for the same broadcaster, label, limit, expiry and ingest path; its value is shown this once. The old key (`rotated_from`) keeps publishing for `overlap_seconds`, at most a week. Then it is revoked and its stream ends. With 0, which is the default, that happens at once, and the answer comes when its stream is off the air, or after 2 seconds. An encoder with the new key takes the path over from one with the old key at any time. A key that is revoked or has expired is a conflict; so is one that was rotated, and one whose predecessor still publishes: revoke that one first."
        )
      ),
    HttpApiEndpoint.delete("revoke", "/stream-keys/:id", {
      params,
      // The body first: the schema of an empty answer takes any value.
      success: [StreamKey.pipe(HttpApiSchema.status(202)), HttpApiSchema.NoContent],
      error: problems("not-found", ...onInput)
    })
      .annotateMerge(needs("keys:write", "stream_key.revoke"))
      .annotateMerge(
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
