/**
 * The events of the log as the API shows them: one schema for each kind of resource, and `Event`, which is any of them. `data` is the resource
 * as its own call shows it, as the event left it. Readers and webhooks get the same JSON.
 */
import {
  BroadcasterId,
  broadcasterEventNames,
  DecisionId,
  departures,
  EventId,
  keyEventNames,
  mediaServerEventNames,
  PlaybackTokenId,
  refusalEventNames,
  SigningKeyId,
  StreamId,
  signingKeyEventNames,
  streamEventNames,
  Timestamp,
  tokenEventNames,
  tokenIssuers,
  ViewerId,
  viewerEventNames,
  viewerRevocationEventNames,
  webhookEventNames,
  workerEventNames
} from "@greenroom/core"
import { Schema } from "effect"
import { Broadcaster, broadcasterExample } from "./BroadcastersApi.ts"
import { keyExample, StreamKey } from "./streamKeySchemas.ts"
import { StreamDetails, streamDetailsExample } from "./streamSchemas.ts"
import { sessionExample, sessionFields } from "./ViewersApi.ts"
import { Worker, workerExample } from "./WorkersApi.ts"
import { Count, named, nullable, wire } from "./wire.ts"

const mediaServerExample = { id: "default", reachable: false, started: "2026-11-20T22:10:03Z" }

export const MediaServerState = wire(
  {
    id: Schema.String,
    reachable: Schema.Boolean.annotate({ description: "Whether the control API answers the leader" }),
    started: nullable(Schema.String).annotate({
      description: "Its own start, in its own words; `null` before it was first reached"
    })
  },
  named("MediaServerState", mediaServerExample)
)

const disabledEndpointExample = {
  id: "5b1c0c1a-7f0e-4d6e-8a1f-2f8f6f0f9c33",
  url: "https://app.example.com",
  reason: "failing"
}

export const DisabledEndpoint = wire(
  {
    id: Schema.String,
    url: Schema.String.annotate({ description: "Scheme and host: the rest may have a secret of its receiver" }),
    reason: Schema.Literals(["gone", "failing"]).annotate({
      description: "`gone`: it answered 410. `failing`: no delivery has succeeded for five days"
    })
  },
  named("DisabledEndpoint", disabledEndpointExample)
)

const viewerSessionExample = { ...sessionExample, reason: "token_revoked" }

export const ViewerSession = wire(
  {
    ...sessionFields,
    reason: nullable(Schema.Literals(departures)).annotate({
      description:
        "Of `viewer.left`: why. `left`: by itself, or with its stream. `idle`: an HLS player that asks for nothing"
    })
  },
  named("ViewerSession", viewerSessionExample)
)

const refusalExample = {
  path: "live/studio-1",
  stream_id: streamDetailsExample.id,
  broadcaster_id: broadcasterExample.id,
  protocol: "webrtc",
  ip: "203.0.113.7",
  user_agent: "Mozilla/5.0",
  token_id: sessionExample.token_id,
  viewer_id: sessionExample.viewer_id,
  reason: "playback_token_expired",
  rule: "playback_token_expired",
  detail: "Playback token x7Kd02mQpL9vTz41 has expired at 2026-11-21T01:30:00.000Z",
  decision_id: "2ebede4e-bd8a-49a2-b800-c76a08331e9a"
}

export const RefusedViewer = wire(
  {
    path: Schema.String,
    streamId: nullable(StreamId),
    broadcasterId: nullable(BroadcasterId),
    protocol: nullable(Schema.String),
    ip: nullable(Schema.String),
    userAgent: nullable(Schema.String),
    tokenId: nullable(PlaybackTokenId).annotate({ description: "Of a token whose signature is good" }),
    viewerId: nullable(ViewerId),
    reason: Schema.String,
    rule: Schema.String.annotate({ description: "Narrower than the reason" }),
    detail: Schema.String,
    decisionId: DecisionId.annotate({ description: "The decision's id in GET /auth-decisions, where it was kept" })
  },
  named("RefusedViewer", refusalExample, "A sample: at most ten a second of each instance")
)

const revokedTokenExample = {
  id: sessionExample.token_id,
  viewer_id: sessionExample.viewer_id,
  expires_at: "2026-11-21T02:30:00.000Z"
}

export const RevokedPlaybackToken = wire(
  { id: PlaybackTokenId, viewerId: nullable(ViewerId), expiresAt: Timestamp },
  named("RevokedPlaybackToken", revokedTokenExample)
)

const revokedViewerExample = {
  viewer_id: sessionExample.viewer_id,
  broadcaster_id: null,
  revoked_at: "2026-11-21T01:34:41.000Z",
  until: null
}

export const RevokedViewer = wire(
  {
    viewerId: ViewerId,
    broadcasterId: nullable(BroadcasterId).annotate({ description: "On whose paths alone; `null`: on all" }),
    revokedAt: Timestamp.annotate({ description: "Tokens that were issued until then are not good any more" }),
    until: nullable(Timestamp)
  },
  named("RevokedViewer", revokedViewerExample)
)

const changedKeyExample = { id: "k7Qm2xPa", issuer: "greenroom" }

export const ChangedSigningKey = wire(
  { id: SigningKeyId, issuer: Schema.Literals(tokenIssuers) },
  named("ChangedSigningKey", changedKeyExample)
)

const envelope = {
  id: EventId.annotate({ description: "Stays the same for ever: by it a reader knows an event that it has seen" }),
  position: Count.annotate({ description: "Counts from 1 without a gap over all events: this is the order" })
}
const at = Timestamp.annotate({ description: "When it happened, by the database's clock; no order follows from it" })
const streamSeq = Schema.Int.annotate({ description: "Counts the events of its stream, from 1 without a gap" })
const noSeq = Schema.Null.annotate({ description: "Only events of streams have a number in their stream" })

const eventOf = <const T extends string, Seq extends number | null, D>(
  identifier: string,
  types: ReadonlyArray<T>,
  seq: Schema.Codec<Seq>,
  data: Schema.Codec<D, object>,
  example: object
) =>
  wire(
    { ...envelope, type: Schema.Literals(types), at, streamSeq: seq, data },
    named(identifier, {
      id: "evt_4711_7d1f0a521c1e4b39",
      position: 4711,
      at: "2026-11-21T01:33:16.702Z",
      ...example
    })
  )

const streamEventExample = { type: "stream.active", stream_seq: 2, data: streamDetailsExample }

export const EventOfStream = eventOf("EventOfStream", streamEventNames, streamSeq, StreamDetails, streamEventExample)
export const EventOfStreamKey = eventOf("EventOfStreamKey", keyEventNames, noSeq, StreamKey, {
  type: "key.created",
  stream_seq: null,
  data: { ...keyExample, status: "active", active_stream_id: null, last_used_at: null }
})
export const EventOfBroadcaster = eventOf("EventOfBroadcaster", broadcasterEventNames, noSeq, Broadcaster, {
  type: "broadcaster.created",
  stream_seq: null,
  data: broadcasterExample
})
export const EventOfWorker = eventOf("EventOfWorker", workerEventNames, noSeq, Worker, {
  type: "worker.started",
  stream_seq: null,
  data: workerExample
})
export const EventOfMediaServer = eventOf("EventOfMediaServer", mediaServerEventNames, noSeq, MediaServerState, {
  type: "media_server.unreachable",
  stream_seq: null,
  data: mediaServerExample
})
export const EventOfWebhookEndpoint = eventOf("EventOfWebhookEndpoint", webhookEventNames, noSeq, DisabledEndpoint, {
  type: "webhook_endpoint.disabled",
  stream_seq: null,
  data: disabledEndpointExample
})

export const EventOfViewer = eventOf("EventOfViewer", viewerEventNames, noSeq, ViewerSession, {
  type: "viewer.left",
  stream_seq: null,
  data: viewerSessionExample
})
export const EventOfRefusedViewer = eventOf("EventOfRefusedViewer", refusalEventNames, noSeq, RefusedViewer, {
  type: "viewer.refused",
  stream_seq: null,
  data: refusalExample
})
export const EventOfPlaybackToken = eventOf("EventOfPlaybackToken", tokenEventNames, noSeq, RevokedPlaybackToken, {
  type: "playback_token.revoked",
  stream_seq: null,
  data: revokedTokenExample
})
export const EventOfRevokedViewer = eventOf("EventOfRevokedViewer", viewerRevocationEventNames, noSeq, RevokedViewer, {
  type: "viewer.revoked",
  stream_seq: null,
  data: revokedViewerExample
})
export const EventOfSigningKey = eventOf("EventOfSigningKey", signingKeyEventNames, noSeq, ChangedSigningKey, {
  type: "signing_key.rotated",
  stream_seq: null,
  data: changedKeyExample
})

export const eventExample = {
  id: "evt_4711_7d1f0a521c1e4b39",
  position: 4711,
  type: "stream.active",
  at: "2026-11-21T01:33:16.702Z",
  stream_seq: 2,
  data: streamDetailsExample
}

/** For the document and for clients, who decode. The service encodes with the schema of the event's own kind. */
export const Event = Schema.Union([
  EventOfStream,
  EventOfStreamKey,
  EventOfBroadcaster,
  EventOfWorker,
  EventOfMediaServer,
  EventOfWebhookEndpoint,
  EventOfViewer,
  EventOfRefusedViewer,
  EventOfPlaybackToken,
  EventOfRevokedViewer,
  EventOfSigningKey
]).annotate(named("Event", eventExample, "What has happened; `type` decides what `data` is"))
