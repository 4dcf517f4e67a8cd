/**
 * A stream, its tracks, its addresses and its events as the API shows them. These schemas describe and do not check, so that no row can
 * make a list unreadable.
 */
import {
  BroadcasterId,
  EndReason,
  PlaybackPolicy,
  Protocol,
  StopReason,
  StreamId,
  StreamKeyId,
  streamEventTypes,
  streamStatuses,
  Timestamp,
  unplayableReasons
} from "@greenroom/core"
import { Schema } from "effect"
import { broadcasterExample } from "./BroadcastersApi.ts"
import { MetadataKept } from "./Input.ts"
import { Count, exampleIds, named, nullable, wire } from "./wire.ts"

const pictureExample = {
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
const soundExample = {
  ...pictureExample,
  codec: "MPEG-4 Audio",
  profile: null,
  level: null,
  width: null,
  height: null,
  sample_rate: 48000,
  channel_count: 2
}

const number = (description: string) => nullable(Schema.Int).annotate({ description })

export const Track = wire(
  {
    codec: Schema.String.annotate({
      description: "In the media server's words: `H264`, `H265`, `AV1`, `VP9`, `MPEG-4 Audio`, `Opus`, …"
    }),
    profile: nullable(Schema.String).annotate({ description: "Of a picture: `High`, `Main 10`, or a number" }),
    level: nullable(Schema.String).annotate({ description: "Of a picture: `4.1`" }),
    tier: number("Of AV1"),
    width: number("Of a picture, in pixels"),
    height: number("Of a picture, in pixels"),
    sampleRate: number("Of sound, in Hz"),
    channelCount: number("Of sound"),
    bitDepth: number("Of LPCM"),
    muLaw: nullable(Schema.Boolean).annotate({ description: "Of G711: µ-law, or else A-law" })
  },
  named(
    "Track",
    pictureExample,
    "A track as the media server describes it; `null` is what the codec does not have or is not known of it"
  )
)

const urlsExample = {
  hls: "https://media.example.com/live/studio-1/index.m3u8",
  webrtc: "https://media.example.com/live/studio-1/whep",
  rtmp: "rtmp://media.example.com/live/studio-1",
  rtsp: "rtsp://media.example.com:8554/live/studio-1",
  srt: "srt://media.example.com:8890?streamid=read:live/studio-1"
}

export const PlaybackUrls = Schema.Struct({
  hls: nullable(Schema.String),
  webrtc: nullable(Schema.String),
  rtmp: nullable(Schema.String),
  rtsp: nullable(Schema.String),
  srt: nullable(Schema.String)
}).annotate(
  named(
    "PlaybackUrls",
    urlsExample,
    "Where the stream plays; `null` where it does not: it is not active, or the protocol is off or does not bring its tracks to ordinary players (RTMP brings H264, AAC and MP3)"
  )
)

const why = nullable(Schema.Literals(unplayableReasons))
export const Unplayable = Schema.Struct({ hls: why, webrtc: why, rtmp: why, rtsp: why, srt: why }).annotate(
  named(
    "Unplayable",
    { hls: "codec", webrtc: null, rtmp: "codec", rtsp: null, srt: "protocol_off" },
    "Why a URL is `null`, and `null` where there is one. `not_active`: the stream is not on the air; `no_address`: no public address is configured for the protocol; `protocol_off`: it is off on the media server, or not known yet; `path`: SRT cannot name the path; `codec`: the protocol does not bring the tracks to ordinary players"
  )
)

const before = { id: StreamId, streamKeyId: StreamKeyId }
const after = {
  path: Schema.String,
  status: Schema.Literals(streamStatuses),
  title: nullable(Schema.String).annotate({ description: "The key's label at admission, until it is changed" }),
  description: nullable(Schema.String),
  metadata: MetadataKept,
  protocol: nullable(Protocol),
  sourceType: nullable(Schema.String),
  sourceId: Schema.String.annotate({ description: "The media server's id of the publishing connection" }),
  startedAt: Timestamp.annotate({ description: "When the publisher was admitted" }),
  readyAt: nullable(Timestamp),
  endedAt: nullable(Timestamp),
  endReason: nullable(EndReason),
  ending: nullable(wire({ reason: StopReason, requestedAt: Timestamp })).annotate({
    description: "It is being taken off the air"
  }),
  durationSeconds: Count,
  recordingRef: nullable(Schema.String),
  playback: PlaybackPolicy.annotate({
    description: "Who may watch it: everybody (`public`), or who has a playback token for it (`token`)"
  }),
  viewerCount: Count,
  tracks: Schema.Array(Track),
  inboundBytes: Count,
  urls: PlaybackUrls,
  unplayable: Unplayable,
  stateAsOf: nullable(Timestamp).annotate({
    description:
      "When the media server last confirmed this state. Of a stream that does not change, at least every ten seconds"
  })
}

export const streamExample = {
  id: exampleIds.stream,
  stream_key_id: exampleIds.key,
  broadcaster: { id: exampleIds.broadcaster, display_name: "Studio One" },
  path: "live/studio-1",
  status: "active",
  title: "Main camera",
  description: null,
  metadata: {},
  protocol: "rtmp",
  source_type: "rtmpConn",
  source_id: exampleIds.source,
  started_at: "2026-11-21T01:33:14.640Z",
  ready_at: "2026-11-21T01:33:16.702Z",
  ended_at: null,
  end_reason: null,
  ending: null,
  duration_seconds: 86,
  recording_ref: null,
  playback: "public",
  viewer_count: 3,
  tracks: [pictureExample, soundExample],
  inbound_bytes: 64211312,
  urls: urlsExample,
  unplayable: { hls: null, webrtc: null, rtmp: null, rtsp: null, srt: null },
  state_as_of: "2026-11-21T01:34:40.118Z"
}

export const Stream = wire(
  { ...before, broadcaster: wire({ id: BroadcasterId, displayName: Schema.String }), ...after },
  named("Stream", streamExample)
)

const { created_at: _, updated_at: __, playback: ___, ...owner } = broadcasterExample
export const streamDetailsExample = { ...streamExample, broadcaster: owner }

export const StreamDetails = wire(
  {
    ...before,
    broadcaster: wire({
      id: BroadcasterId,
      externalId: nullable(Schema.String),
      displayName: Schema.String,
      contact: nullable(Schema.String),
      metadata: MetadataKept
    }),
    ...after
  },
  named("StreamDetails", streamDetailsExample)
)

export const eventExample = {
  seq: 2,
  type: "ready",
  at: "2026-11-21T01:33:16.702Z",
  data: { source_type: "rtmpConn" }
}

export const StreamEvent = Schema.Struct({
  seq: Schema.Int.annotate({ description: "Counts from 1 without a gap" }),
  type: Schema.Literals(streamEventTypes),
  at: Timestamp,
  data: Schema.Record(Schema.String, Schema.Unknown).annotate({ description: "`reason` or `source_type`, by type" })
}).annotate(named("StreamEvent", eventExample))
