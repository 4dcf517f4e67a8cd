/** Answers as the contract has them, with fixed ids and dates: what a service might say on 21 November 2026 at 01:33:14. */

export const NOW = Date.UTC(2026, 10, 21, 1, 33, 14)

export const KEY = "sk_AbCdEFGHIJKLMNOPQRSTUVWXYZ0123456789-_abcdefg"
export const SECRET = "the-operator-secret-of-these-tests"

export const broadcasterId = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
export const keyId = "0192e4a7-3f5e-4c1c-9d2a-5f0a3a1c7b11"
export const streamId = "5f0a3a1c-7b11-4c1c-9d2a-0192e4a73f5e"

export const broadcaster = {
  id: broadcasterId,
  external_id: "user-4711",
  display_name: "Studio One",
  contact: "ops@studio.example",
  metadata: { room: 7 },
  playback: null as string | null,
  created_at: "2026-11-20T22:28:09.000Z",
  updated_at: "2026-11-21T01:32:14.500Z"
}

export const streamKey = {
  id: keyId,
  key_prefix: "sk_AbCd",
  broadcaster_id: broadcasterId,
  broadcaster: { id: broadcasterId, display_name: "Studio One", deleted: false },
  label: "Main camera",
  path: "live/studio-1",
  playback: null as string | null,
  status: "in_use",
  active_stream_id: streamId,
  created_at: "2026-11-20T22:28:09.000Z",
  expires_at: "2026-12-21T01:33:14.000Z",
  revoked_at: null,
  revokes_at: null,
  rotated_to: null,
  rotated_from: null,
  blocked_until: null,
  blocked_path: null,
  last_used_at: "2026-11-21T01:31:01.000Z"
}

export const ingest = {
  obs: { server: "rtmp://127.0.0.1:1935/live", stream_key: `studio-1?user=greenroom&pass=${KEY}` },
  rtmp: `rtmp://127.0.0.1:1935/live/studio-1?user=greenroom&pass=${KEY}`,
  rtsp: `rtsp://greenroom:${KEY}@127.0.0.1:8554/live/studio-1`,
  srt: `srt://127.0.0.1:8890?streamid=publish:live/studio-1:greenroom:${KEY}&pkt_size=1316`,
  srt_streamid: `publish:live/studio-1:greenroom:${KEY}`,
  whip: { url: "http://127.0.0.1:8889/live/studio-1/whip", bearer: KEY }
}

export const issuedKey = {
  ...streamKey,
  status: "active",
  active_stream_id: null,
  last_used_at: null,
  key_value: KEY,
  ingest
}

const track = {
  profile: null,
  level: null,
  tier: null,
  width: null as number | null,
  height: null as number | null,
  sample_rate: null as number | null,
  channel_count: null,
  bit_depth: null,
  mu_law: null
}

export const stream = {
  id: streamId,
  stream_key_id: keyId,
  broadcaster: { id: broadcasterId, display_name: "Studio One" },
  path: "live/studio-1",
  status: "active",
  title: "Main camera",
  description: null,
  metadata: {},
  protocol: "rtmp",
  source_type: "rtmpConn",
  source_id: "9b2f7c0a-1111-4222-8333-444455556666",
  started_at: "2026-11-21T01:31:01.000Z",
  ready_at: "2026-11-21T01:31:03.000Z",
  ended_at: null as string | null,
  end_reason: null as string | null,
  ending: null as { readonly reason: string; readonly requested_at: string } | null,
  duration_seconds: 133,
  recording_ref: null,
  playback: "public",
  viewer_count: 3,
  tracks: [
    { ...track, codec: "H264", width: 1920, height: 1080 },
    { ...track, codec: "MPEG-4 Audio", sample_rate: 48_000 }
  ],
  inbound_bytes: 12_400_000,
  urls: {
    hls: "http://127.0.0.1:8888/live/studio-1/index.m3u8",
    webrtc: "http://127.0.0.1:8889/live/studio-1/whep",
    rtmp: "rtmp://127.0.0.1:1935/live/studio-1",
    rtsp: "rtsp://127.0.0.1:8554/live/studio-1",
    srt: null
  },
  unplayable: { hls: null, webrtc: null, rtmp: null, rtsp: null, srt: "protocol_off" },
  state_as_of: "2026-11-21T01:33:13.000Z"
}

export const streamWith = (changes: Partial<typeof stream>) => ({ ...stream, ...changes })

export const detailsOf = (of: typeof stream) => ({
  ...of,
  broadcaster: { ...of.broadcaster, external_id: null, contact: "ops@studio.example", metadata: {} }
})

export const worker = {
  stream_id: "studio-1",
  state: "retrying",
  reason: "exit code 1: 404 Not Found",
  attempt: 2,
  input_path: "live/studio-1/in",
  output_path: "live/studio-1/out",
  input_stream_id: streamId,
  output_stream_id: null,
  retry_at: "2026-11-21T01:33:16.000Z",
  host: null,
  pid: null,
  created_at: "2026-11-20T22:28:09.000Z",
  state_since: "2026-11-21T01:33:13.000Z",
  updated_at: "2026-11-21T01:33:13.000Z"
}

export const endpointId = "5b1c0c1a-7f0e-4d6e-8a1f-2f8f6f0f9c33"
export const eventId = "evt_4711_9f86d081884c7d65"
export const WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

export const webhookEndpoint = {
  id: endpointId,
  url: "https://app.example.com/hooks",
  types: ["stream.active", "stream.ended"] as ReadonlyArray<string> | null,
  broadcaster_id: null,
  description: "The app",
  enabled: true,
  disabled_reason: null as string | null,
  position: 4711,
  failing_since: null as string | null,
  next_attempt_at: null as string | null,
  created_at: "2026-11-20T22:28:09.000Z",
  updated_at: "2026-11-21T01:32:14.500Z"
}

export const delivery = {
  id: "d3a1b7f2-0c55-4b0e-9a3b-6f1e2d4c5b6a",
  event_id: eventId,
  type: "stream.active",
  position: 4711,
  subject: `stream:${streamId}`,
  attempt: 2,
  outcome: "retrying",
  response_status: 503 as number | null,
  duration_millis: 84.4,
  next_attempt_at: "2026-11-21T01:38:14.000Z" as string | null,
  answer: "Service Unavailable",
  at: "2026-11-21T01:33:04.000Z"
}

export const sentWebhook = {
  event_id: eventId,
  delivered: false,
  response_status: 503 as number | null,
  duration_millis: 84.4,
  answer: "Service Unavailable"
}

export const page = (plural: string, items: ReadonlyArray<unknown>, next_cursor: string | null = null) => ({
  [plural]: items,
  count: items.length,
  next_cursor
})

export const problem = (status: number, name: string, title: string, more: Readonly<Record<string, unknown>> = {}) => ({
  type: `/errors/${name}`,
  title,
  status,
  detail: title,
  instance: "/streams",
  code: name.replaceAll("-", "_"),
  request_id: "req-1",
  ...more
})

export const API_TOKEN = `gr_${"AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_ABCDE"}`

export const apiToken = {
  id: "5d7f6f0e-3b0c-4b44-8a50-3f0c8f2f7a11",
  name: "dashboard",
  scopes: ["streams:read", "events:read"],
  broadcaster_id: null,
  created_at: "2026-11-20T22:28:09.000Z",
  expires_at: "2027-11-21T00:00:00.000Z",
  last_used_at: "2026-11-21T01:31:01.000Z"
}

export const auditEntry = {
  id: "00000000-0000-4000-8000-0000000004d2",
  at: "2026-11-21T01:31:01.000Z",
  actor: { type: "token", token_id: apiToken.id as string | null, name: apiToken.name as string | null },
  claimed_actor: null as string | null,
  action: "stream_key.revoke",
  resource_type: "stream_key",
  resource_id: keyId as string | null,
  broadcaster_id: broadcasterId,
  before: { revoked_at: null },
  after: null,
  details: null,
  outcome: "refused",
  reason: "forbidden" as string | null,
  address: "192.0.2.7",
  user_agent: "curl/8.5.0",
  request_id: "f3b1d6a4-2f0e-4b7a-9a51-7b0d3a1c2e44"
}

export const playbackTokenId = "x7Kd02mQpL9vTz41"
export const PLAYBACK_TOKEN = "eyJhbGciOiJFZERTQSJ9.eyJqdGkiOiJ4N0tkMDJtUXBMOXZUejQxIn0.c2lnbmF0dXJl"

export const playbackToken = {
  id: playbackTokenId,
  issuer: "greenroom",
  signing_key_id: "k7Qm2xPa",
  path: "live/studio-1" as string | null,
  stream_id: null as string | null,
  pattern: null as string | null,
  broadcaster_id: broadcasterId as string | null,
  viewer_id: "user-4711",
  actions: ["read"],
  max_sessions: 2 as number | null,
  ips: ["192.0.2.0/24"],
  metadata: { order: "A-113" },
  created_at: "2026-11-21T01:31:01.000Z",
  not_before: null as string | null,
  expires_at: "2026-11-21T02:31:01.000Z",
  revoked_at: null as string | null
}

export const viewerId = "9f1f2f1e-0c0f-4a53-9d0a-6f1a1c7b2d90"

export const viewer = {
  id: viewerId,
  viewer_id: "user-4711" as string | null,
  token_id: playbackTokenId as string | null,
  path: "live/studio-1",
  stream_id: streamId as string | null,
  protocol: "webrtc",
  ip: "203.0.113.7",
  user_agent: "Mozilla/5.0",
  since: "2026-11-21T01:31:01.000Z",
  outbound_bytes: 5_242_880 as number | null
}

const jwk = { kty: "OKP", crv: "Ed25519", use: "sig", alg: "EdDSA" }

export const signingKey = {
  id: "k7Qm2xPa",
  issuer: "greenroom",
  signs: true,
  public_key: { ...jwk, kid: "k7Qm2xPa", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" },
  created_at: "2026-11-21T01:31:01.000Z",
  verifies_until: null as string | null
}
