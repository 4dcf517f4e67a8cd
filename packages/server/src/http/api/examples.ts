/** One example of everything that travels, by the name of its schema. A test decodes each of them with that schema. */
import { documentOf, problem } from "../problems/Problem.ts"
import { type ProblemName, problemType } from "../problems/problemTypes.ts"

const ids = {
  broadcaster: "0192e4a7-3f5e-4c1c-9d2a-5f0a3a1c7b11",
  key: "3b0f7c52-8a8e-4f0e-9a53-6a1f0f7c2d90",
  stream: "c6a2f1de-52b4-4a57-8a1c-0d9e6b7f3a24",
  source: "2d88d6ec-6d2b-4b5e-9a53-2f2a5b1f9f10"
}
const keyValue = "sk_EXAMPLE-EXAMPLE-EXAMPLE-EXAMPLE-EXAMPLE-123"
const cursor = "1763688794640-3b0f7c528a8e4f0e9a536a1f0f7c2d90"

const Broadcaster = {
  id: ids.broadcaster,
  display_name: "Studio One",
  contact: "ops@studio.example",
  metadata: { account: 4711 },
  created_at: "2026-11-21T01:30:00.000Z",
  updated_at: "2026-11-21T01:30:00.000Z"
}

const StreamKey = {
  id: ids.key,
  key_prefix: "sk_EXAM",
  broadcaster_id: ids.broadcaster,
  label: "Main camera",
  path: "live/studio-1",
  status: "in_use",
  active_stream_id: ids.stream,
  created_at: "2026-11-21T01:31:00.000Z",
  expires_at: "2027-01-01T00:00:00.000Z",
  revoked_at: null,
  last_used_at: "2026-11-21T01:33:14.640Z"
}

const Ingest = {
  obs: { server: "rtmp://media.example.com/live", stream_key: `studio-1?user=greenroom&pass=${keyValue}` },
  rtmp: `rtmp://media.example.com/live/studio-1?user=greenroom&pass=${keyValue}`,
  rtsp: `rtsp://greenroom:${keyValue}@media.example.com:8554/live/studio-1`,
  srt: `srt://media.example.com:8890?streamid=publish:live/studio-1:greenroom:${keyValue}&pkt_size=1316`,
  srt_streamid: `publish:live/studio-1:greenroom:${keyValue}`,
  whip: { url: "https://media.example.com/live/studio-1/whip", bearer: keyValue }
}

const PlaybackUrls = {
  hls: "https://media.example.com/live/studio-1/index.m3u8",
  webrtc: "https://media.example.com/live/studio-1/whep",
  rtmp: "rtmp://media.example.com/live/studio-1",
  rtsp: "rtsp://media.example.com:8554/live/studio-1",
  srt: "srt://media.example.com:8890?streamid=read:live/studio-1"
}

const picture = {
  codec: "H264",
  profile: "High",
  level: "4.1",
  tier: null,
  width: 1920,
  height: 1080,
  sample_rate: null,
  channel_count: null,
  bit_depth: null,
  mu_law: null
}

const sound = {
  ...picture,
  codec: "MPEG-4 Audio",
  profile: null,
  level: null,
  width: null,
  height: null,
  sample_rate: 48000,
  channel_count: 2
}

const Stream = {
  id: ids.stream,
  stream_key_id: ids.key,
  broadcaster: { id: ids.broadcaster, display_name: "Studio One" },
  path: "live/studio-1",
  status: "active",
  title: "Main camera",
  description: null,
  metadata: {},
  protocol: "rtmp",
  source_type: "rtmpConn",
  source_id: ids.source,
  started_at: "2026-11-21T01:33:14.640Z",
  ready_at: "2026-11-21T01:33:16.702Z",
  ended_at: null,
  end_reason: null,
  ending: null,
  duration_seconds: 86,
  recording_ref: null,
  viewer_count: 3,
  tracks: [picture, sound],
  inbound_bytes: 64211312,
  urls: PlaybackUrls,
  state_as_of: "2026-11-21T01:34:40.118Z"
}

const StreamDetails = {
  ...Stream,
  broadcaster: {
    id: ids.broadcaster,
    display_name: "Studio One",
    contact: "ops@studio.example",
    metadata: { account: 4711 }
  }
}

const StreamEvent = { seq: 2, type: "ready", at: "2026-11-21T01:33:16.702Z", data: { source_type: "rtmpConn" } }

const Worker = {
  stream_id: "studio-1",
  state: "running",
  reason: null,
  attempt: 1,
  input_path: "live/studio-1/in",
  output_path: "live/studio-1/out",
  input_stream_id: ids.stream,
  output_stream_id: "7d1f0a52-1c1e-4b39-8d43-5b0c2a9e4f11",
  retry_at: null,
  host: "media-1",
  pid: 4711,
  created_at: "2026-11-21T01:33:16.702Z",
  state_since: "2026-11-21T01:33:17.310Z",
  updated_at: "2026-11-21T01:33:17.310Z"
}

const health = {
  status: "ok",
  service: "greenroom",
  database: "ok",
  media_server: "ok",
  unauthorized_publishers: 0,
  warnings: []
}
const received = { stream_id: "studio-1", direction: "in", correlation_id: "6b0c5c1e-0a57-4a0e-9a86-58b1a2a0b7c4" }

const annotation = { title: "Evening service", recording_ref: "s3://recordings/2026/11/21/studio-1.mp4" }

export const examples: Readonly<Record<string, unknown>> = {
  Broadcaster,
  NewBroadcaster: { display_name: "Studio One", contact: "ops@studio.example", metadata: { account: 4711 } },
  BroadcasterChanges: { contact: null },
  BroadcasterPage: { broadcasters: [Broadcaster], count: 1, next_cursor: null },
  BroadcasterLeaving: {
    id: ids.broadcaster,
    message: "The broadcaster is deleted; its streams are being taken off the air"
  },
  StreamKey,
  NewStreamKey: {
    broadcaster_id: ids.broadcaster,
    label: "Main camera",
    path: "live/studio-1",
    expires_at: "2027-01-01T00:00:00Z"
  },
  IssuedStreamKey: {
    ...StreamKey,
    status: "active",
    active_stream_id: null,
    last_used_at: null,
    key_value: keyValue,
    ingest: Ingest
  },
  StreamKeyChanges: { enabled: false },
  StreamKeyPage: { stream_keys: [StreamKey], count: 1, next_cursor: cursor },
  Ingest,
  Stream,
  StreamDetails,
  StreamPage: { streams: [Stream], count: 1, next_cursor: null },
  StreamAnnotation: annotation,
  StreamEvent,
  StreamEventPage: {
    events: [{ seq: 1, type: "admitted", at: "2026-11-21T01:33:14.640Z", data: {} }, StreamEvent],
    count: 2,
    next_cursor: null
  },
  Worker,
  WorkerPage: { workers: [Worker], count: 1, next_cursor: null },
  Track: picture,
  PlaybackUrls,
  AuthRequest: {
    ip: "203.0.113.7",
    user: "greenroom",
    password: keyValue,
    action: "publish",
    path: "live/studio-1",
    protocol: "rtmp",
    id: ids.source,
    query: ""
  },
  AuthAllowed: { decision: "allow", stream_id: ids.stream },
  Hook: { path: "live/studio-1", source_type: "rtmpConn", source_id: ids.source },
  HookEvent: { path: "live/studio-1/in", sourceType: "rtmpConn", sourceId: ids.source, query: "lang=es" },
  ReadyReceived: { status: "received", message: "Ready event received", ...received },
  NotReadyReceived: { status: "received", message: "Not-ready event received", ...received },
  Index: { name: "greenroom", version: "0.1.0" },
  Healthy: health,
  Degraded: { ...health, status: "degraded", database: "unreachable" },
  Alive: { status: "ok" },
  ReconcileOrder: { enforce: true },
  Reconciliation: {
    fresh: true,
    looked_at: "2026-11-21T01:33:14.640Z",
    publishers: 3,
    unauthorized: 0,
    kicked: 20,
    reported: 0,
    held_back: 0
  }
}

/** The answers, by operation and status, that show what the call has done: the requests' examples, carried out. */
export const answerExamples: Readonly<Record<string, unknown>> = {
  "broadcasters.change 200": { ...Broadcaster, contact: null, updated_at: "2026-11-21T01:40:00.000Z" },
  "stream_keys.change 200": { ...StreamKey, status: "disabled", active_stream_id: null },
  "stream_keys.revoke 202": { ...StreamKey, status: "revoked", revoked_at: "2026-11-21T01:34:41.000Z" },
  "streams.annotate 200": { ...StreamDetails, ...annotation },
  "streams.stop 202": {
    ...StreamDetails,
    ending: { reason: "stopped", requested_at: "2026-11-21T01:34:41.000Z" }
  }
}

export const problemExample = (name: ProblemName, status: number = problemType(name).status) => {
  const { title, example = {} } = problemType(name)
  return {
    ...documentOf(
      problem(name, {
        detail: example.detail ?? title,
        ...(name === "validation"
          ? { errors: [{ pointer: "/expires_at", detail: "Expected a time in the future" }] }
          : {})
      }),
      example.instance ?? "/stream-keys",
      "6b0c5c1e-0a57-4a0e-9a86-58b1a2a0b7c4"
    ),
    status
  }
}
