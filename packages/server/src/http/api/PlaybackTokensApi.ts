/** Playback tokens: who may watch what, until when. A token leaves the service once, in the answer that creates it. */
import { BroadcasterId, PlaybackTokenId, SRT_STREAM_ID_MAX_LENGTH, TOKEN_MAX_LENGTH, ViewerId } from "@greenroom/core"
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import { ApiKey } from "./ApiKey.ts"
import { textPageQuery } from "./Cursor.ts"
import { needs } from "./OperationAccess.ts"
import { IssuedPlaybackToken, NewPlaybackToken, PlaybackToken, PlaybackTokenPage } from "./playbackTokenSchemas.ts"
import { onBody, onInput, onList, problems } from "./problemSchemas.ts"
import { summary, wire } from "./wire.ts"

const params = { id: PlaybackTokenId }

export class PlaybackTokensApi extends HttpApiGroup.make("playback_tokens")
  .add(
    HttpApiEndpoint.post("create", "/playback-tokens", {
      payload: NewPlaybackToken,
      success: HttpApiSchema.WithHeaders(IssuedPlaybackToken.pipe(HttpApiSchema.status(201)), {
        location: Schema.String,
        "cache-control": Schema.String
      }),
      error: problems("conflict", "playback-token-too-long", ...onBody)
    })
      .annotateMerge(needs("viewers:write", "playback_token.create"))
      .annotateMerge(
        summary(
          "Create a playback token",
          `For exactly one of \`path\`, \`stream_id\`, \`broadcaster_id\` and \`pattern\`. The only answer that holds the token, and URLs with it. It has at most ${TOKEN_MAX_LENGTH} characters, and its SRT stream id at most ${SRT_STREAM_ID_MAX_LENGTH}: 422 names what would be longer. An unknown target is a validation error; so is a path that is not of the broadcaster that the caller is limited to. A conflict when the service has no key to encrypt its signing key with (ENCRYPTION_KEY).`
        )
      ),
    HttpApiEndpoint.get("list", "/playback-tokens", {
      query: wire({
        viewerId: Schema.optionalKey(ViewerId),
        broadcasterId: Schema.optionalKey(BroadcasterId),
        ...textPageQuery
      }),
      success: PlaybackTokenPage,
      error: problems(...onList)
    })
      .annotateMerge(needs("viewers:read"))
      .annotateMerge(
        summary(
          "List playback tokens",
          "Newest first, without the tokens themselves; those of applications from their first use on. A token is gone a week after it has expired."
        )
      ),
    HttpApiEndpoint.get("get", "/playback-tokens/:id", {
      params,
      success: PlaybackToken,
      error: problems("not-found", ...onInput)
    })
      .annotateMerge(needs("viewers:read"))
      .annotateMerge(summary("Get a playback token", "Without the token itself.")),
    HttpApiEndpoint.delete("revoke", "/playback-tokens/:id", {
      params,
      success: HttpApiSchema.NoContent,
      error: problems("not-found", ...onInput)
    })
      .annotateMerge(needs("viewers:write", "playback_token.revoke"))
      .annotateMerge(
        summary(
          "Revoke a playback token",
          "For good. No request is let in by it any more, and the sessions that it has let in are ended within 2 seconds. Recordings have no sessions: what is being played of them plays on."
        )
      )
  )
  .middleware(ApiKey)
  .annotateMerge(
    OpenApi.annotations({
      title: "Playback tokens",
      description:
        'Who may watch streams whose `playback` is "token". Tokens are signed, and verified without the database.'
    })
  ) {}
