/** Every command that speaks to the service: how it is called, what it asks, what the service says, and what a person then reads. */

import { authCheckExample } from "../../../src/http/api/authCheckSchemas.ts"
import { decisionExample } from "../../../src/http/api/authDecisionSchemas.ts"
import {
  API_TOKEN,
  apiToken,
  auditEntry,
  broadcaster,
  broadcasterId,
  delivery,
  detailsOf,
  endpointId,
  eventId,
  ingest,
  issuedKey,
  KEY,
  keyId,
  PLAYBACK_TOKEN,
  page,
  playbackToken,
  playbackTokenId,
  sentWebhook,
  signingKey,
  stream,
  streamId,
  streamKey,
  streamWith,
  viewer,
  viewerId,
  WEBHOOK_SECRET,
  webhookEndpoint,
  worker
} from "./answers.ts"
import type { Reply } from "./fakeService.ts"

export interface Example {
  readonly args: ReadonlyArray<string>
  /** Method and path with query. */
  readonly asks: string
  readonly sends?: unknown
  readonly reply: Reply
  readonly reads: string
}

const decision = { ...decisionExample, last_at: "2026-11-21T01:31:01.000Z" }

const created = (location: string) => ({ location, "cache-control": "no-store" })

const keyDetails = `\
id           ${keyId}
key          sk_AbCd…
status       in_use
label        Main camera
path         live/studio-1
playback     inherited
broadcaster  Studio One (${broadcasterId})
stream       ${streamId}
created      2026-11-20 22:28:09 UTC (3h 5m ago)
expires      2026-12-21 01:33:14 UTC (in 30d)
revoked      -
last used    2026-11-21 01:31:01 UTC (2m 13s ago)
`

const broadcasterDetails = `\
id           ${broadcasterId}
name         Studio One
external id  user-4711
contact      ops@studio.example
metadata     {"room":7}
playback     inherited
created      2026-11-20 22:28:09 UTC (3h 5m ago)
updated      2026-11-21 01:32:14 UTC (59s ago)
`

const tokenDetails = `\
id           ${apiToken.id}
name         dashboard
scopes       streams:read,events:read
broadcaster  -
created      2026-11-20 22:28:09 UTC (3h 5m ago)
expires      2027-11-21 00:00:00 UTC (in 364d 22h)
last used    2026-11-21 01:31:01 UTC (2m 13s ago)
`

const playbackTokenText = `\
id           ${playbackTokenId}
for          live/studio-1
broadcaster  ${broadcasterId}
viewer       user-4711
state        good
actions      read
sessions     2
from         192.0.2.0/24
metadata     {"order":"A-113"}
signed by    greenroom (k7Qm2xPa)
created      2026-11-21 01:31:01 UTC (2m 13s ago)
not before   -
expires      2026-11-21 02:31:01 UTC (in 57m 47s)
revoked      -
`

const playbackUrls = {
  hls: `https://media.example.com/live/studio-1/index.m3u8?token=${PLAYBACK_TOKEN}`,
  hls_bearer: {
    url: `https://media.example.com/live/studio-1/index.m3u8?v=${playbackTokenId}`,
    bearer: PLAYBACK_TOKEN
  },
  webrtc: { url: `https://media.example.com/live/studio-1/whep?v=${playbackTokenId}`, bearer: PLAYBACK_TOKEN },
  rtmp: null,
  rtsp: `rtsp://media.example.com:8554/live/studio-1?token=${PLAYBACK_TOKEN}`,
  rtsp_basic: null,
  srt: null
}

const signingKeyText = `\
id              k7Qm2xPa
of              greenroom
signs           yes
public key      ${signingKey.public_key.x}
created         2026-11-21 01:31:01 UTC (2m 13s ago)
verifies until  it is removed
`

const ffmpeg = `\
  ffmpeg -re -f lavfi -i testsrc2=size=1280x720:rate=30 -f lavfi -i sine=frequency=440 \\
    -c:v libx264 -preset veryfast -tune zerolatency -pix_fmt yuv420p -g 60 -c:a aac \\`

/** The one text that may hold a key. */
export const keysCreate: Example = {
  args: [
    "keys",
    "create",
    "--broadcaster",
    broadcasterId,
    "--label",
    "Main camera",
    "--path",
    "live/*",
    "--expires-in",
    "30d"
  ],
  asks: "POST /stream-keys",
  sends: {
    broadcaster_id: broadcasterId,
    label: "Main camera",
    path: "live/*",
    expires_at: "2026-12-21T01:33:14.000Z"
  },
  reply: { status: 201, body: issuedKey, headers: created(`/stream-keys/${keyId}`) },
  reads: `\
Stream key ${keyId}

  ${KEY}

This is the only time that it is shown: copy it now.

OBS: Settings, Stream, Service "Custom"
  Server      rtmp://127.0.0.1:1935/live
  Stream Key  studio-1?user=greenroom&pass=${KEY}

OBS over WebRTC: Service "WHIP"
  Server        http://127.0.0.1:8889/live/studio-1/whip
  Bearer Token  ${KEY}

SRT, in an encoder with fields of its own
  Server     srt://127.0.0.1:8890
  Stream ID  publish:live/studio-1:greenroom:${KEY}

ffmpeg over RTMP
${ffmpeg}
    -f flv 'rtmp://127.0.0.1:1935/live/studio-1?user=greenroom&pass=${KEY}'

ffmpeg over RTSP
${ffmpeg}
    -f rtsp -rtsp_transport tcp 'rtsp://greenroom:${KEY}@127.0.0.1:8554/live/studio-1'

ffmpeg over SRT
${ffmpeg}
    -f mpegts 'srt://127.0.0.1:8890?streamid=publish:live/studio-1:greenroom:${KEY}&pkt_size=1316'

The ffmpeg commands send a test picture; for a file put -re -i FILE in the place of both -f lavfi -i …

See it go live: greenroom streams watch
`
}

const endpointDetails = `\
id             ${endpointId}
url            https://app.example.com/hooks
state          enabled
types          stream.active,stream.ended
broadcaster    -
description    The app
position       4711
failing since  -
next attempt   -
created        2026-11-20 22:28:09 UTC (3h 5m ago)
updated        2026-11-21 01:32:14 UTC (59s ago)
`

const secretText = `\
Its secret, which verifies signatures:

  ${WEBHOOK_SECRET}

This is the only time that it is shown: copy it now.
`

const sentText = `\
delivered  no
status     503
took       84 ms
answer     Service Unavailable
`

const ended = streamWith({
  status: "inactive",
  path: "live/スタジオ",
  ended_at: "2026-11-21T01:33:04.000Z",
  end_reason: "revoked",
  viewer_count: 0,
  title: null as never
})
const ending = streamWith({ ending: { reason: "disabled", requested_at: "2026-11-21T01:33:13.000Z" } })

export const examples: ReadonlyArray<Example> = [
  {
    args: ["broadcasters", "create", "Studio One", "--contact", "ops@studio.example", "--metadata", '{"room":7}'],
    asks: "POST /broadcasters",
    sends: { display_name: "Studio One", contact: "ops@studio.example", metadata: { room: 7 } },
    reply: { status: 201, body: broadcaster, headers: created(`/broadcasters/${broadcasterId}`) },
    reads: `${broadcasterDetails}\nNext, a stream key: greenroom keys create --broadcaster ${broadcasterId}\n`
  },
  {
    args: ["broadcasters", "list"],
    asks: "GET /broadcasters?limit=200",
    reply: { body: page("broadcasters", [broadcaster, { ...broadcaster, display_name: "Ana", contact: null }]) },
    reads: `\
NAME        CONTACT             CREATED    ID
Studio One  ops@studio.example  3h 5m ago  ${broadcasterId}
Ana         -                   3h 5m ago  ${broadcasterId}
`
  },
  {
    args: ["broadcasters", "list", "--limit", "5"],
    asks: "GET /broadcasters?limit=5",
    reply: { body: page("broadcasters", []) },
    reads: 'There are no broadcasters yet: greenroom broadcasters create "Studio One"\n'
  },
  {
    args: ["broadcasters", "create", "Studio One", "--external-id", "user-4711"],
    asks: "POST /broadcasters",
    sends: { display_name: "Studio One", external_id: "user-4711" },
    reply: { status: 201, body: broadcaster, headers: created(`/broadcasters/${broadcasterId}`) },
    reads: `${broadcasterDetails}\nNext, a stream key: greenroom keys create --broadcaster ${broadcasterId}\n`
  },
  {
    args: ["broadcasters", "list", "--external-id", "user-4711"],
    asks: "GET /broadcasters?external_id=user-4711&limit=200",
    reply: { body: page("broadcasters", []) },
    reads: "No broadcaster has this external id.\n"
  },
  {
    args: ["broadcasters", "update", broadcasterId, "--external-id", ""],
    asks: `PATCH /broadcasters/${broadcasterId}`,
    sends: { external_id: null },
    reply: { body: broadcaster },
    reads: broadcasterDetails
  },
  {
    args: ["broadcasters", "show", broadcasterId],
    asks: `GET /broadcasters/${broadcasterId}`,
    reply: { body: broadcaster },
    reads: broadcasterDetails
  },
  {
    args: ["broadcasters", "update", broadcasterId, "--name", "Studio One", "--contact", ""],
    asks: `PATCH /broadcasters/${broadcasterId}`,
    sends: { display_name: "Studio One", contact: null },
    reply: { body: broadcaster },
    reads: broadcasterDetails
  },
  {
    args: ["broadcasters", "delete", broadcasterId],
    asks: `DELETE /broadcasters/${broadcasterId}`,
    reply: { status: 204 },
    reads: `Broadcaster ${broadcasterId} is deleted, its keys are revoked, and nothing of it is on the air.\n`
  },
  {
    args: ["broadcasters", "delete", broadcasterId],
    asks: `DELETE /broadcasters/${broadcasterId}`,
    reply: { status: 202, body: { id: broadcasterId, message: "on its way" } },
    reads: `Broadcaster ${broadcasterId} is deleted and its keys are revoked; its streams are still being taken off the air (greenroom streams list --broadcaster ${broadcasterId}).\n`
  },
  keysCreate,
  {
    ...keysCreate,
    args: ["keys", "create", "--broadcaster", broadcasterId, "--any-path"],
    sends: { broadcaster_id: broadcasterId, path: null }
  },
  {
    args: ["keys", "list", "--broadcaster", broadcasterId, "--status", "active,in_use"],
    asks: `GET /stream-keys?broadcaster_id=${broadcasterId}&status=active%2Cin_use&limit=200`,
    reply: {
      body: page("stream_keys", [
        streamKey,
        { ...streamKey, status: "active", label: null, path: null, expires_at: null, last_used_at: null }
      ])
    },
    reads: `\
KEY       STATUS  LABEL        PATH           LAST USED   EXPIRES  BROADCASTER  ID
sk_AbCd…  in_use  Main camera  live/studio-1  2m 13s ago  in 30d   Studio One   ${keyId}
sk_AbCd…  active  -            -              -           -        Studio One   ${keyId}
`
  },
  { args: ["keys", "show", keyId], asks: `GET /stream-keys/${keyId}`, reply: { body: streamKey }, reads: keyDetails },
  {
    args: ["keys", "ingest", keyId, "--encoder", "vmix"],
    asks: `GET /stream-keys/${keyId}/ingest`,
    reply: { body: JSON.parse(JSON.stringify(ingest).replaceAll(KEY, "{key}")) },
    reads: `\
Put the key in place of {key}: it was shown when it was created, and is not kept.

vMix: Stream settings, Destination "Custom RTMP Server"
  URL                 rtmp://127.0.0.1:1935/live
  Stream Name or Key  studio-1?user=greenroom&pass={key}

vMix over SRT: Enable SRT
  Type       Caller
  Hostname   127.0.0.1
  Port       8890
  Stream ID  publish:live/studio-1:greenroom:{key}

- Leave multi bitrate off: it puts a number behind the stream key, which makes it another key.
`
  },
  {
    args: ["keys", "update", keyId, "--label", "", "--expires-at", "never"],
    asks: `PATCH /stream-keys/${keyId}`,
    sends: { label: null, expires_at: null },
    reply: { body: streamKey },
    reads: keyDetails
  },
  {
    args: ["keys", "enable", keyId],
    asks: `PATCH /stream-keys/${keyId}`,
    sends: { enabled: true },
    reply: { body: { ...streamKey, status: "active", active_stream_id: null } },
    reads: `Key sk_AbCd… (${keyId}) may publish.\n`
  },
  {
    args: ["keys", "enable", keyId],
    asks: `PATCH /stream-keys/${keyId}`,
    sends: { enabled: true },
    reply: { body: { ...streamKey, status: "expired", active_stream_id: null } },
    reads: `Key sk_AbCd… (${keyId}) is enabled, but has expired: greenroom keys update ${keyId} --expires-at never\n`
  },
  {
    args: ["keys", "disable", keyId],
    asks: `PATCH /stream-keys/${keyId}`,
    sends: { enabled: false },
    reply: { body: { ...streamKey, status: "disabled" } },
    reads: `Key sk_AbCd… (${keyId}) is disabled; its stream ${streamId} is being taken off the air.\n`
  },
  {
    args: ["keys", "disable", keyId],
    asks: `PATCH /stream-keys/${keyId}`,
    sends: { enabled: false },
    reply: { body: { ...streamKey, status: "disabled", active_stream_id: null } },
    reads: `Key sk_AbCd… (${keyId}) is disabled; nothing of it is on the air.\n`
  },
  {
    args: ["keys", "unblock", keyId],
    asks: `PATCH /stream-keys/${keyId}`,
    sends: { blocked_until: null },
    reply: { body: streamKey },
    reads: `Key sk_AbCd… (${keyId}) is blocked on no path.\n`
  },
  {
    ...keysCreate,
    args: ["keys", "rotate", keyId],
    asks: `POST /stream-keys/${keyId}/rotate`,
    sends: {},
    reads: `The old key ${keyId} is revoked, and its stream ends.\n\n${keysCreate.reads}`
  },
  {
    ...keysCreate,
    args: ["keys", "rotate", keyId, "--overlap", "90m"],
    asks: `POST /stream-keys/${keyId}/rotate`,
    sends: { overlap_seconds: 5400 },
    reads: `The old key ${keyId} keeps publishing for 90m. An encoder with the new key takes over from it at any time.\n\n${keysCreate.reads}`
  },
  {
    args: ["keys", "revoke", keyId],
    asks: `DELETE /stream-keys/${keyId}`,
    reply: { status: 204 },
    reads: `Key ${keyId} is revoked; nothing of it is on the air.\n`
  },
  {
    args: ["keys", "revoke", keyId],
    asks: `DELETE /stream-keys/${keyId}`,
    reply: { status: 202, body: { ...streamKey, status: "revoked", revoked_at: "2026-11-21T01:33:14.000Z" } },
    reads: `Key sk_AbCd… (${keyId}) is revoked; its stream ${streamId} is still being taken off the air (greenroom keys show ${keyId}).\n`
  },
  {
    args: ["workers", "list", "--state", "retrying,failed"],
    asks: "GET /workers?state=retrying%2Cfailed&limit=200",
    reply: { body: page("workers", [worker]) },
    reads: `\
STREAM    STATE     SINCE   ATTEMPT  REASON
studio-1  retrying  1s ago  2        exit code 1: 404 Not Found
`
  },
  {
    args: ["workers", "list"],
    asks: "GET /workers?limit=200",
    reply: { body: { ...page("workers", []), message: "Workers are off (WORKERS=on switches them on)." } },
    reads: "Workers are off (WORKERS=on switches them on).\n"
  },
  {
    args: ["workers", "show", "studio-1"],
    asks: "GET /workers/studio-1",
    reply: { body: { ...worker, state: "running", reason: null, retry_at: null, host: "media-1", pid: 4711 } },
    reads: `\
stream     studio-1
state      running
since      2026-11-21 01:33:13 UTC (1s ago)
reason     -
attempt    2
retry      -
reads      live/studio-1/in (${streamId})
publishes  live/studio-1/out (-)
process    4711 on media-1
created    2026-11-20 22:28:09 UTC (3h 5m ago)
`
  },
  {
    args: ["streams", "list"],
    asks: "GET /streams",
    reply: { body: page("streams", [ending, stream]) },
    reads: `\
PATH           STATUS             PROTOCOL  VIEWERS  ON AIR  BROADCASTER  TITLE        ID
live/studio-1  ending (disabled)  rtmp      3        2m 13s  Studio One   Main camera  ${streamId}
live/studio-1  active             rtmp      3        2m 13s  Studio One   Main camera  ${streamId}
`
  },
  {
    args: ["streams", "list"],
    asks: "GET /streams",
    reply: { body: { ...page("streams", []), message: "No stream is live." } },
    reads: "No stream is live.\n"
  },
  {
    args: [
      "streams",
      "list",
      "--status",
      "active,inactive",
      "--path",
      "live/studio-1",
      "--key",
      keyId,
      "--limit",
      "20"
    ],
    asks: `GET /streams?status=active%2Cinactive&stream_key_id=${keyId}&path=live%2Fstudio-1&limit=20`,
    reply: { body: page("streams", [stream, ended]) },
    reads: `\
PATH           STATUS              PROTOCOL  VIEWERS  LASTED  ENDED    BROADCASTER  TITLE        ID
live/studio-1  active              rtmp      3        2m 13s  -        Studio One   Main camera  ${streamId}
live/スタジオ  inactive (revoked)  rtmp      0        2m 13s  10s ago  Studio One   -            ${streamId}
`
  },
  {
    args: ["streams", "show", streamId],
    asks: `GET /streams/${streamId}`,
    reply: { body: detailsOf(streamWith({ description: "First line\nsecond line" as never })) },
    reads: `\
id           ${streamId}
path         live/studio-1
status       active
title        Main camera
description  First line
             second line
broadcaster  Studio One (${broadcasterId})
contact      ops@studio.example
stream key   ${keyId}
source       rtmp, rtmpConn, 9b2f7c0a-1111-4222-8333-444455556666
started      2026-11-21 01:31:01 UTC (2m 13s ago)
ready        2026-11-21 01:31:03 UTC (2m 11s ago)
ended        -
lasted       2m 13s
viewers      3
playback     public
tracks       H264, MPEG-4 Audio
received     12.4 MB
recording    -
metadata     {}
plays at     hls     http://127.0.0.1:8888/live/studio-1/index.m3u8
             webrtc  http://127.0.0.1:8889/live/studio-1/whep
             rtmp    rtmp://127.0.0.1:1935/live/studio-1
             rtsp    rtsp://127.0.0.1:8554/live/studio-1
             srt     - off on the media server
confirmed    2026-11-21 01:33:13 UTC (1s ago)
`
  },
  {
    args: ["streams", "stop", streamId],
    asks: `DELETE /streams/${streamId}`,
    reply: { status: 204 },
    reads: `Stream ${streamId} is off the air; its key stays good (greenroom keys revoke ends that).\n`
  },
  {
    args: ["streams", "stop", streamId, "--block", "60"],
    asks: `DELETE /streams/${streamId}?block_seconds=60`,
    reply: { status: 204 },
    reads: `Stream ${streamId} is off the air; its key may not publish there for 60 s.\n`
  },
  {
    args: ["streams", "stop", streamId],
    asks: `DELETE /streams/${streamId}`,
    reply: { status: 202, body: detailsOf(ending) },
    reads: `Stream ${streamId} is still being taken off the air (greenroom streams show ${streamId}).\n`
  },
  {
    args: ["streams", "events", streamId],
    asks: `GET /streams/${streamId}/events?limit=200`,
    reply: {
      body: page("events", [
        { seq: 1, type: "admitted", at: "2026-11-21T01:31:01.000Z", data: {} },
        { seq: 2, type: "ready", at: "2026-11-21T01:31:03.000Z", data: { source_type: "rtmpConn" } }
      ])
    },
    reads: `\
SEQ  AT                       TYPE      DATA
1    2026-11-21 01:31:01 UTC  admitted  -
2    2026-11-21 01:31:03 UTC  ready     source_type=rtmpConn
`
  },
  {
    args: ["webhooks", "create", webhookEndpoint.url, "--types", "stream.active,stream.ended", "--disabled"],
    asks: "POST /webhook-endpoints",
    sends: { url: webhookEndpoint.url, types: ["stream.active", "stream.ended"], enabled: false },
    reply: {
      status: 201,
      body: { ...webhookEndpoint, secret: WEBHOOK_SECRET },
      headers: created(`/webhook-endpoints/${endpointId}`)
    },
    reads: `${endpointDetails}\n${secretText}\nNext, a test: greenroom webhooks test ${endpointId}\n`
  },
  {
    args: ["webhooks", "list"],
    asks: "GET /webhook-endpoints",
    reply: {
      body: page("webhook_endpoints", [
        webhookEndpoint,
        { ...webhookEndpoint, types: null, enabled: false, disabled_reason: "gone" },
        { ...webhookEndpoint, failing_since: "2026-11-21T01:31:01.000Z" },
        { ...webhookEndpoint, next_attempt_at: "2026-11-21T01:38:14.000Z" }
      ])
    },
    reads: `\
URL                            STATE            TYPES                       POSITION  ID
https://app.example.com/hooks  enabled          stream.active,stream.ended  4711      ${endpointId}
https://app.example.com/hooks  disabled (gone)  all                         4711      ${endpointId}
https://app.example.com/hooks  failing          stream.active,stream.ended  4711      ${endpointId}
https://app.example.com/hooks  stopped          stream.active,stream.ended  4711      ${endpointId}
`
  },
  {
    args: ["webhooks", "list"],
    asks: "GET /webhook-endpoints",
    reply: { body: page("webhook_endpoints", []) },
    reads: "There are no webhook endpoints yet: greenroom webhooks create https://app.example.com/hooks/greenroom\n"
  },
  {
    args: ["webhooks", "show", endpointId],
    asks: `GET /webhook-endpoints/${endpointId}`,
    reply: { body: webhookEndpoint },
    reads: endpointDetails
  },
  {
    args: ["webhooks", "enable", endpointId, "--from", "now"],
    asks: `PATCH /webhook-endpoints/${endpointId}`,
    sends: { enabled: true, from: "now" },
    reply: { body: webhookEndpoint },
    reads: `Endpoint ${endpointId} gets events again, after position 4711.\n`
  },
  {
    args: ["webhooks", "enable", endpointId, "--from", "0123456789abcdef-4711"],
    asks: `PATCH /webhook-endpoints/${endpointId}`,
    sends: { enabled: true, from: "0123456789abcdef-4711" },
    reply: { body: webhookEndpoint },
    reads: `Endpoint ${endpointId} gets events again, after position 4711.\n`
  },
  {
    args: ["webhooks", "disable", endpointId],
    asks: `PATCH /webhook-endpoints/${endpointId}`,
    sends: { enabled: false },
    reply: { body: { ...webhookEndpoint, enabled: false } },
    reads: `Endpoint ${endpointId} gets no events; enabled again, it goes on where it stopped.\n`
  },
  {
    args: ["webhooks", "delete", endpointId],
    asks: `DELETE /webhook-endpoints/${endpointId}`,
    reply: { status: 204 },
    reads: `Endpoint ${endpointId} is deleted.\n`
  },
  {
    args: ["webhooks", "rotate-secret", endpointId],
    asks: `POST /webhook-endpoints/${endpointId}/rotate-secret`,
    reply: { body: { ...webhookEndpoint, secret: WEBHOOK_SECRET }, headers: { "cache-control": "no-store" } },
    reads: `${secretText}\nFor 24 hours requests are signed with the secret of before, too.\n`
  },
  {
    args: ["webhooks", "test", endpointId],
    asks: `POST /webhook-endpoints/${endpointId}/test`,
    reply: { body: sentWebhook },
    reads: sentText
  },
  {
    args: ["webhooks", "deliveries", endpointId, "--limit", "20"],
    asks: `GET /webhook-endpoints/${endpointId}/deliveries?limit=20`,
    reply: {
      body: page("deliveries", [
        delivery,
        { ...delivery, outcome: "failed", response_status: null, next_attempt_at: null }
      ])
    },
    reads: `\
WHEN     OUTCOME   ATTEMPT  STATUS  TOOK   NEXT   TYPE           EVENT
10s ago  retrying  2        503     84 ms  in 5m  stream.active  ${eventId}
10s ago  failed    2        -       84 ms  -      stream.active  ${eventId}
`
  },
  {
    args: ["webhooks", "redeliver", endpointId, "--event", eventId],
    asks: `POST /webhook-endpoints/${endpointId}/redeliver`,
    sends: { event_id: eventId },
    reply: { body: { delivered: 1, failed: null, next: null } },
    reads: "1 event was delivered.\n"
  },
  {
    args: ["webhooks", "redeliver", endpointId, "--after", "12"],
    asks: `POST /webhook-endpoints/${endpointId}/redeliver`,
    sends: { after: 12 },
    reply: { body: { delivered: 3, failed: sentWebhook, next: "0123456789abcdef-15" } },
    reads: `3 events were delivered.\nEvent ${eventId} was not:\n${sentText}More are left: --after 0123456789abcdef-15\n`
  },
  {
    args: ["health"],
    asks: "GET /health",
    reply: {
      body: {
        status: "ok",
        service: "greenroom",
        database: "ok",
        media_server: "absent",
        unauthorized_publishers: null,
        warnings: []
      }
    },
    reads: `\
status        ok
database      ok
media server  absent
unauthorized  -
`
  },
  {
    args: ["streams", "stop", streamId, "--force"],
    asks: `DELETE /streams/${streamId}?force=true`,
    reply: { status: 204 },
    reads: `Stream ${streamId} has ended in the store, and its key is free. Its publisher, if it is still there, is kicked when the media server can be asked again.\n`
  },
  {
    args: ["reconcile"],
    asks: "POST /reconcile",
    sends: { enforce: false },
    reply: { body: looked({ unauthorized: 20, held_back: 20 }) },
    reads: `\
looked         2026-11-21 01:33:13 UTC (1s ago)
publishers     23
not admitted   20
kicked         0
held back      20
only reported  0

20 unauthorized publishers are held back, because more than MASS_KICK_LIMIT were there at once: greenroom reconcile --enforce kicks them.
`
  },
  {
    args: [
      "tokens",
      "create",
      "dashboard",
      "--scopes",
      "streams:read,events:read",
      "--expires",
      "2027-11-21T00:00:00Z"
    ],
    asks: "POST /api-tokens",
    sends: { name: "dashboard", scopes: ["streams:read", "events:read"], expires_at: "2027-11-21T00:00:00.000Z" },
    reply: { status: 201, body: { ...apiToken, token: API_TOKEN }, headers: created(`/api-tokens/${apiToken.id}`) },
    reads: `${tokenDetails}
The token, which takes the place of the API secret:

  ${API_TOKEN}

This is the only time that it is shown: copy it now.
`
  },
  {
    args: ["tokens", "list"],
    asks: "GET /api-tokens?limit=200",
    reply: { body: page("api_tokens", [apiToken]) },
    reads: `\
NAME       SCOPES                    BROADCASTER  EXPIRES      LAST USED   ID
dashboard  streams:read,events:read  -            in 364d 22h  2m 13s ago  ${apiToken.id}
`
  },
  {
    args: ["tokens", "list"],
    asks: "GET /api-tokens?limit=200",
    reply: { body: page("api_tokens", []) },
    reads: "There are no API tokens yet: greenroom tokens create dashboard --scopes streams:read\n"
  },
  {
    args: ["tokens", "show", apiToken.id],
    asks: `GET /api-tokens/${apiToken.id}`,
    reply: { body: apiToken },
    reads: tokenDetails
  },
  {
    args: ["tokens", "update", apiToken.id, "--scopes", "streams:read", "--expires", "never"],
    asks: `PATCH /api-tokens/${apiToken.id}`,
    sends: { scopes: ["streams:read"], expires_at: null },
    reply: { body: apiToken },
    reads: tokenDetails
  },
  {
    args: ["tokens", "delete", apiToken.id],
    asks: `DELETE /api-tokens/${apiToken.id}`,
    reply: { status: 204 },
    reads: `Token ${apiToken.id} is deleted: no instance takes it any more.\n`
  },
  {
    args: ["keys", "update", keyId, "--playback", "token"],
    asks: `PATCH /stream-keys/${keyId}`,
    sends: { playback: "token" },
    reply: { body: { ...streamKey, playback: "token" } },
    reads: keyDetails.replace("inherited", "token")
  },
  {
    args: ["broadcasters", "update", broadcasterId, "--playback", ""],
    asks: `PATCH /broadcasters/${broadcasterId}`,
    sends: { playback: null },
    reply: { body: broadcaster },
    reads: broadcasterDetails
  },
  {
    args: [
      ...["playback-tokens", "create", "--path", "live/studio-1", "--viewer", "user-4711", "--expires-in", "1h"],
      ...["--max-sessions", "2", "--ips", "192.0.2.0/24,2001:db8::1", "--actions", "read,playback"]
    ],
    asks: "POST /playback-tokens",
    sends: {
      path: "live/studio-1",
      viewer_id: "user-4711",
      expires_in: 3600,
      max_sessions: 2,
      ips: ["192.0.2.0/24", "2001:db8::1"],
      actions: ["read", "playback"]
    },
    reply: {
      status: 201,
      body: { ...playbackToken, token: PLAYBACK_TOKEN, urls: playbackUrls },
      headers: created(`/playback-tokens/${playbackTokenId}`)
    },
    reads: `${playbackTokenText}
The token:

  ${PLAYBACK_TOKEN}

This is the only time that it is shown: copy it now. With it, or a URL that has it, anyone can watch until it expires or is revoked.

HLS, with the token as Authorization: Bearer
  ${playbackUrls.hls_bearer.url}

HLS, for players that cannot set headers
  ${playbackUrls.hls}

WebRTC (WHEP), with the token as Authorization: Bearer
  ${playbackUrls.webrtc.url}

RTSP, for ffmpeg and what is built on it
  ${playbackUrls.rtsp}
`
  },
  {
    args: ["playback-tokens", "list", "--viewer", "user-4711"],
    asks: "GET /playback-tokens?viewer_id=user-4711&limit=200",
    reply: {
      body: page("playback_tokens", [
        playbackToken,
        { ...playbackToken, path: null, pattern: "live/**", revoked_at: "2026-11-21T01:33:13.000Z" },
        { ...playbackToken, path: null, max_sessions: null, not_before: "2026-11-21T02:00:00.000Z" },
        { ...playbackToken, path: null, stream_id: streamId, expires_at: "2026-11-21T01:33:04.000Z" }
      ])
    },
    reads: `\
FOR                                               VIEWER     STATE    SESSIONS  EXPIRES     ID
live/studio-1                                     user-4711  good     2         in 57m 47s  ${playbackTokenId}
live/**                                           user-4711  revoked  2         in 57m 47s  ${playbackTokenId}
broadcaster ${broadcasterId}  user-4711  not yet  -         in 57m 47s  ${playbackTokenId}
stream ${streamId}       user-4711  expired  2         10s ago     ${playbackTokenId}
`
  },
  {
    args: ["playback-tokens", "show", playbackTokenId],
    asks: `GET /playback-tokens/${playbackTokenId}`,
    reply: { body: playbackToken },
    reads: playbackTokenText
  },
  {
    args: ["playback-tokens", "revoke", playbackTokenId],
    asks: `DELETE /playback-tokens/${playbackTokenId}`,
    reply: { status: 204 },
    reads: `Playback token ${playbackTokenId} is revoked: its sessions are being ended (greenroom viewers list).\n`
  },
  {
    args: ["viewers", "list", "--path", "live/studio-1", "--limit", "20"],
    asks: "GET /viewers?path=live%2Fstudio-1&limit=20",
    reply: {
      body: page("viewers", [
        viewer,
        { ...viewer, protocol: "hls", viewer_id: null, token_id: null, ip: null, outbound_bytes: null }
      ])
    },
    reads: `\
PATH           PROTOCOL  VIEWER     FROM         SINCE       SENT    TOKEN             ID
live/studio-1  webrtc    user-4711  203.0.113.7  2m 13s ago  5.2 MB  ${playbackTokenId}  ${viewerId}
live/studio-1  hls       -          -            2m 13s ago  -       -                 ${viewerId}
`
  },
  {
    args: ["viewers", "list"],
    asks: "GET /viewers?limit=200",
    reply: { body: page("viewers", []) },
    reads: "No viewers.\n"
  },
  {
    args: ["viewers", "kick", viewerId],
    asks: `DELETE /viewers/${viewerId}`,
    reply: { status: 204 },
    reads: `Session ${viewerId} is ended. Its player may come back: greenroom playback-tokens revoke, or greenroom viewers revoke, keeps it out.\n`
  },
  {
    args: ["viewers", "revoke", "user-4711"],
    asks: "POST /viewers/user-4711/revoke",
    sends: {},
    reply: {
      body: { viewer_id: "user-4711", revoked_at: "2026-11-21T01:33:14.000Z", until: null, tokens: 1 }
    },
    reads: "Viewer user-4711 is revoked, with 1 known token; new tokens are good. Its sessions are being ended.\n"
  },
  {
    args: ["viewers", "revoke", "user-4711", "--until", "2027-01-31T18:00:00Z"],
    asks: "POST /viewers/user-4711/revoke",
    sends: { until: "2027-01-31T18:00:00.000Z" },
    reply: {
      body: {
        viewer_id: "user-4711",
        revoked_at: "2026-11-21T01:33:14.000Z",
        until: "2027-01-31T18:00:00.000Z",
        tokens: 2
      }
    },
    reads:
      "Viewer user-4711 is revoked, with 2 known tokens; no token of it is good until 2027-01-31 18:00:00 UTC. Its sessions are being ended.\n"
  },
  {
    args: ["signing-keys", "list"],
    asks: "GET /signing-keys",
    reply: {
      body: page("signing_keys", [
        signingKey,
        { ...signingKey, signs: false, verifies_until: "2026-12-21T01:33:14.000Z" }
      ])
    },
    reads: `\
ID        OF         SIGNS  CREATED     VERIFIES UNTIL  PUBLIC KEY
k7Qm2xPa  greenroom  yes    2m 13s ago  -               ${signingKey.public_key.x}
k7Qm2xPa  greenroom  -      2m 13s ago  in 30d          ${signingKey.public_key.x}
`
  },
  {
    args: ["signing-keys", "list"],
    asks: "GET /signing-keys",
    reply: { body: page("signing_keys", []) },
    reads: "There are no signing keys yet: the service makes its own with its first playback token.\n"
  },
  {
    args: ["signing-keys", "rotate", "--overlap", "12h"],
    asks: "POST /signing-keys/rotate",
    sends: { overlap_seconds: 43_200 },
    reply: { body: signingKey },
    reads: `${signingKeyText}\nIt signs from now on.\n`
  },
  {
    args: ["signing-keys", "remove", "shop-2026"],
    asks: "DELETE /signing-keys/shop-2026",
    reply: { status: 204 },
    reads: "Signing key shop-2026 is removed: tokens that it has signed are good no more (greenroom viewers list).\n"
  },
  {
    args: ["audit", "list", "--outcome", "refused", "--actor", "dashboard", "--limit", "20"],
    asks: "GET /audit-logs?actor=dashboard&outcome=refused&limit=20",
    reply: {
      body: page("audit_logs", [
        auditEntry,
        { ...auditEntry, claimed_actor: "ada@example.com", outcome: "succeeded", reason: null },
        { ...auditEntry, actor: { type: "secret", token_id: null, name: null }, resource_id: null }
      ])
    },
    reads: `\
WHEN        WHO                          ACTION             RESOURCE                              OUTCOME    WHY        FROM
2m 13s ago  dashboard                    stream_key.revoke  ${auditEntry.resource_id}  refused    forbidden  192.0.2.7
2m 13s ago  ada@example.com (dashboard)  stream_key.revoke  ${auditEntry.resource_id}  succeeded  -          192.0.2.7
2m 13s ago  secret                       stream_key.revoke  -                                     refused    forbidden  192.0.2.7
`
  },
  {
    args: ["auth", "decisions", "--outcome", "refuse,unavailable", "--key-prefix", "sk_EXAM", "--limit", "20"],
    asks: "GET /auth-decisions?key_prefix=sk_EXAM&outcome=refuse%2Cunavailable&limit=20",
    reply: {
      body: page("auth_decisions", [
        decision,
        {
          ...decision,
          count: 1,
          outcome: "unavailable",
          reason: null,
          rule: "store_unavailable",
          path: null,
          ip: null,
          key_prefix: null,
          detail: "The database did not answer in time"
        }
      ])
    },
    reads: `\
LAST        TIMES  ANSWER             PATH           KEY       FROM         WHY                                                         ID
2m 13s ago  12     stream_key_in_use  live/studio-1  sk_EXAM…  203.0.113.7  Stream key sk_EXAM… is publishing on live/studio-1 already  ${decisionExample.id}
2m 13s ago  1      unavailable        -              -         -            The database did not answer in time                         ${decisionExample.id}
`
  },
  {
    args: ["auth", "check", "--key", keyId, "--path", "live/studio-1"],
    asks: "POST /auth/check",
    sends: { stream_key_id: keyId, path: "live/studio-1" },
    reply: {
      body: {
        ...authCheckExample,
        checks: [
          { check: "path", outcome: "passed", detail: "The path is live/studio-1", remedy: null },
          {
            check: "key_status",
            outcome: "failed",
            detail: "Stream key sk_EXAM… is revoked",
            remedy: "Issue a new stream key."
          },
          { check: "in_use", outcome: "skipped", detail: "Not reached", remedy: null }
        ],
        reason: "stream_key_revoked",
        recent: []
      }
    },
    reads: `\
publish live/studio-1 over rtmp, with sk_EXAM… in the password

✓ path         The path is live/studio-1
✗ key's state  Stream key sk_EXAM… is revoked
               → Issue a new stream key.
- in use       Not reached

Refused: stream_key_revoked.

No refusal on this path or of this key is in the log.
`
  },
  {
    args: ["auth", "check", "rtmp://host/live", "--stream-key", "studio-1?pass=hunter2"],
    asks: "POST /auth/check",
    sends: { server: "rtmp://host/live", stream_key: "studio-1?pass=hunter2" },
    reply: {
      body: {
        ...authCheckExample,
        checks: [
          { check: "in_use", outcome: "passed", detail: "Neither the key nor the path is in use", remedy: null }
        ],
        decision: "allow",
        reason: null,
        recent: [decision]
      }
    },
    reads: `\
publish live/studio-1 over rtmp, with sk_EXAM… in the password

✓ in use  Neither the key nor the path is in use

Let in: the encoder may publish. If it does not connect, look at its address and port, and at a firewall.

Last refusals on this path or of this key:
LAST        TIMES  ANSWER             PATH           KEY       FROM         WHY                                                         ID
2m 13s ago  12     stream_key_in_use  live/studio-1  sk_EXAM…  203.0.113.7  Stream key sk_EXAM… is publishing on live/studio-1 already  ${decisionExample.id}
`
  },
  {
    args: ["reconcile", "--enforce"],
    asks: "POST /reconcile",
    sends: { enforce: true },
    reply: { body: looked({ publishers: 3, kicked: 20 }) },
    reads: `\
looked         2026-11-21 01:33:13 UTC (1s ago)
publishers     3
not admitted   0
kicked         20
held back      0
only reported  0

Every publisher was admitted; the others have been kicked.
`
  }
]

/** What `POST /reconcile` answers. */
function looked(more: Readonly<Record<string, unknown>>) {
  const none = { unauthorized: 0, kicked: 0, reported: 0, held_back: 0 }
  return { fresh: true, looked_at: "2026-11-21T01:33:13.000Z", publishers: 23, ...none, ...more }
}

export const named = (rows: ReadonlyArray<Example>) =>
  rows.map((row) => [`${row.args.slice(0, 2).join(" ")}: ${row.reads.split("\n")[0]}`, row] as const)
