/** Viewers: who is watching, ending one session, and taking a viewer's rights away. */
import {
  BroadcasterId,
  PlaybackTokenId,
  REVOKED_UNTIL_MAX_DAYS,
  StreamId,
  StreamPath,
  Timestamp,
  ViewerId,
  ViewerProtocol,
  ViewerSessionId
} from "@greenroom/core"
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import { ApiKey } from "./ApiKey.ts"
import { textPageQuery, totalQuery } from "./Cursor.ts"
import { needs } from "./OperationAccess.ts"
import { onBody, onInput, onList, problems } from "./problemSchemas.ts"
import { Count, exampleIds, maybeTotal, named, nullable, pageOf, summary, wire } from "./wire.ts"

/** What events have of a viewer, too. */
export const sessionFields = {
  id: Schema.String.annotate({ description: "The media server's id of the session" }),
  viewerId: nullable(Schema.String).annotate({ description: "Of its token" }),
  tokenId: nullable(PlaybackTokenId).annotate({ description: "The token that it has shown" }),
  path: Schema.String,
  streamId: nullable(StreamId).annotate({ description: "`null`: a source of the media server's own" }),
  protocol: ViewerProtocol,
  ip: nullable(Schema.String).annotate({ description: "As the media server sees it" }),
  userAgent: nullable(Schema.String),
  since: Timestamp
}

export const sessionExample = {
  id: "9f1f2f1e-0c0f-4a53-9d0a-6f1a1c7b2d90",
  viewer_id: "user-4711",
  token_id: "x7Kd02mQpL9vTz41",
  path: "live/studio-1",
  stream_id: exampleIds.stream,
  protocol: "webrtc",
  ip: "203.0.113.7",
  user_agent: "Mozilla/5.0",
  since: "2026-11-21T01:33:20.000Z"
}
const viewerExample = { ...sessionExample, outbound_bytes: 5_242_880 }

export const Viewer = wire(
  {
    ...sessionFields,
    outboundBytes: nullable(Count).annotate({
      description: "Sent to it so far; `null`: the media server does not show it, or does not answer"
    })
  },
  named("Viewer", viewerExample, "A session that reads a path; workers and the service's own are not among them")
)

export const ViewerPage = pageOf(
  "viewers",
  Viewer,
  named("ViewerPage", { viewers: [viewerExample], count: 1, next_cursor: null, total: 1 }),
  maybeTotal
)

export const NewViewerRevocation = wire(
  {
    until: Schema.optionalKey(
      nullable(Timestamp).annotate({
        description: `Until then no token of the viewer is good, whenever it was issued; at most ${REVOKED_UNTIL_MAX_DAYS} days ahead. Left out: new tokens are good at once`
      })
    )
  },
  named("NewViewerRevocation", { until: "2026-11-22T00:00:00Z" })
)

export const ViewerRevocation = wire(
  {
    viewerId: ViewerId,
    revokedAt: Timestamp.annotate({ description: "Tokens that were issued until then are not good any more" }),
    until: nullable(Timestamp),
    tokens: Count.annotate({ description: "How many known tokens were revoked" })
  },
  named("ViewerRevocation", {
    viewer_id: "user-4711",
    revoked_at: "2026-11-21T01:34:41.000Z",
    until: "2026-11-22T00:00:00.000Z",
    tokens: 2
  })
)

export class ViewersApi extends HttpApiGroup.make("viewers")
  .add(
    HttpApiEndpoint.get("list", "/viewers", {
      query: wire({
        path: Schema.optionalKey(StreamPath),
        streamId: Schema.optionalKey(StreamId),
        viewerId: Schema.optionalKey(ViewerId),
        broadcasterId: Schema.optionalKey(BroadcasterId),
        ...totalQuery,
        ...textPageQuery
      }),
      success: ViewerPage,
      error: problems(...onList)
    })
      .annotateMerge(needs("viewers:read"))
      .annotateMerge(
        summary(
          "List viewers",
          "Newest first: the sessions that are watching now, about a second behind the media server; those of HLS up to 10 seconds, because a player that has left is listed for a while."
        )
      ),
    HttpApiEndpoint.delete("kick", "/viewers/:id", {
      params: { id: ViewerSessionId },
      success: HttpApiSchema.NoContent,
      error: problems("not-found", "media-server-unavailable", ...onInput)
    })
      .annotateMerge(needs("viewers:write", "viewer.kick"))
      .annotateMerge(
        summary(
          "End a viewer's session",
          "Its player may come back: to keep it out, revoke its token or the viewer. 404 when it is gone already."
        )
      ),
    HttpApiEndpoint.post("revoke", "/viewers/:viewer_id/revoke", {
      params: { viewer_id: ViewerId },
      payload: NewViewerRevocation,
      success: ViewerRevocation,
      error: problems(...onBody)
    })
      .annotateMerge(needs("viewers:write", "viewer.revoke"))
      .annotateMerge(
        summary(
          "Revoke a viewer",
          "All tokens with this `viewer_id` that were issued so far, by whomever, and with `until` also new ones. Their sessions are ended within 2 seconds. Of a caller that is limited to a broadcaster it holds on that one's paths alone. Whether there is such a viewer is not known, so there is no 404."
        )
      )
  )
  .middleware(ApiKey)
  .annotateMerge(OpenApi.annotations({ title: "Viewers", description: "Who is watching." })) {}
