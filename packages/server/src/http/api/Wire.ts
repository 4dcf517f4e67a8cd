/**
 * What the orchestration API shows of the domain: snake_case, dates in RFC 3339, absent values `null`. Input is validated by
 * the core's own schemas; these are answers, which describe but do not police, so that no row can make a list unreadable.
 * How a domain value becomes one of these is `toWire.ts`.
 */
import {
  BroadcasterId,
  EndReason,
  keyStatuses,
  METADATA_MAX_BYTES,
  PipelineId,
  Protocol,
  StopReason,
  StreamId,
  StreamKeyId,
  streamEventTypes,
  streamStatuses,
  Timestamp,
  workerStates
} from "@greenroom/core"
import { Schema } from "effect"

const nullable = Schema.NullOr
const Metadata = Schema.Record(Schema.String, Schema.Unknown).annotate({
  description: `The JSON object that you keep here, at most ${METADATA_MAX_BYTES / 1024} KiB`
})
const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

export const Broadcaster = Schema.Struct({
  id: BroadcasterId,
  display_name: Schema.String,
  contact: nullable(Schema.String),
  metadata: Metadata,
  created_at: Timestamp,
  updated_at: Timestamp
}).annotate({ identifier: "Broadcaster" })

export const KeyStatus = Schema.Literals(keyStatuses)

const keyFields = {
  id: StreamKeyId,
  key_prefix: Schema.String.annotate({ description: "The first 7 characters of the key, to recognise it by" }),
  broadcaster_id: BroadcasterId,
  label: nullable(Schema.String),
  path: nullable(Schema.String).annotate({
    description: "The path or pattern that the key is limited to; `null`: none"
  }),
  status: KeyStatus.annotate({ description: "The first of these that holds" }),
  active_stream_id: nullable(StreamId).annotate({
    description: "Its stream, from admission until it has left the air"
  }),
  created_at: Timestamp,
  expires_at: nullable(Timestamp),
  revoked_at: nullable(Timestamp),
  last_used_at: nullable(Timestamp).annotate({ description: "The start of its last stream" })
}

export const StreamKey = Schema.Struct(keyFields).annotate({ identifier: "StreamKey" })

/** What to type into an encoder; `null` where the protocol is off or has no public address. */
export const Ingest = Schema.Struct({
  obs: nullable(Schema.Struct({ server: Schema.String, stream_key: Schema.String })),
  rtmp: nullable(Schema.String),
  rtsp: nullable(Schema.String),
  srt: nullable(Schema.String),
  srt_streamid: nullable(Schema.String).annotate({
    description: "The `streamid` of `srt` alone, for encoders with a field for it"
  }),
  whip: nullable(Schema.Struct({ url: Schema.String, bearer: Schema.String }))
}).annotate({
  identifier: "Ingest",
  description: "What to type into an encoder, for each protocol that is on. It holds the key: treat it as one"
})

export const IssuedStreamKey = Schema.Struct({
  ...keyFields,
  key_value: Schema.String.annotate({ description: "The key itself: shown this once, and stored nowhere" }),
  ingest: Ingest
}).annotate({ identifier: "IssuedStreamKey" })

export const StreamStatus = Schema.Literals(streamStatuses)

export const Track = Schema.Struct({
  codec: Schema.String.annotate({
    description: "In the media server's words: `H264`, `H265`, `AV1`, `VP9`, `MPEG-4 Audio`, `Opus`, …"
  }),
  profile: nullable(Schema.String).annotate({ description: "Of a picture: `High`, `Main 10`, or a number" }),
  level: nullable(Schema.String).annotate({ description: "Of a picture: `4.1`" }),
  tier: nullable(Schema.Int).annotate({ description: "Of AV1" }),
  width: nullable(Schema.Int).annotate({ description: "Of a picture, in pixels" }),
  height: nullable(Schema.Int).annotate({ description: "Of a picture, in pixels" }),
  sample_rate: nullable(Schema.Int).annotate({ description: "Of sound, in Hz" }),
  channel_count: nullable(Schema.Int).annotate({ description: "Of sound" }),
  bit_depth: nullable(Schema.Int).annotate({ description: "Of LPCM" }),
  mu_law: nullable(Schema.Boolean).annotate({ description: "Of G711: µ-law, or else A-law" })
}).annotate({
  identifier: "Track",
  description: "A track as the media server describes it; `null` is what the codec does not have or is not known of it"
})

export const PlaybackUrls = Schema.Struct({
  hls: nullable(Schema.String),
  webrtc: nullable(Schema.String),
  rtmp: nullable(Schema.String),
  rtsp: nullable(Schema.String),
  srt: nullable(Schema.String)
}).annotate({
  identifier: "PlaybackUrls",
  description:
    "Where the stream plays; `null` where it does not: it is not active, or the protocol is off or does not bring its tracks to ordinary players (RTMP brings H264, AAC and MP3)"
})

const streamFields = {
  path: Schema.String,
  status: StreamStatus,
  title: nullable(Schema.String).annotate({ description: "The key's label at admission, until it is changed" }),
  description: nullable(Schema.String),
  metadata: Metadata,
  protocol: nullable(Protocol),
  source_type: nullable(Schema.String),
  source_id: Schema.String.annotate({ description: "The media server's id of the publishing connection" }),
  started_at: Timestamp.annotate({ description: "When the publisher was admitted" }),
  ready_at: nullable(Timestamp),
  ended_at: nullable(Timestamp),
  end_reason: nullable(EndReason),
  ending: nullable(Schema.Struct({ reason: StopReason, requested_at: Timestamp })).annotate({
    description: "It is being taken off the air"
  }),
  duration_seconds: Count,
  recording_ref: nullable(Schema.String),
  viewer_count: Count,
  tracks: Schema.Array(Track),
  inbound_bytes: Count,
  urls: PlaybackUrls,
  state_as_of: nullable(Timestamp).annotate({
    description: "When the media server last confirmed what is said here of it"
  })
}

export const Stream = Schema.Struct({
  id: StreamId,
  stream_key_id: StreamKeyId,
  broadcaster: Schema.Struct({ id: BroadcasterId, display_name: Schema.String }),
  ...streamFields
}).annotate({ identifier: "Stream" })

export const StreamDetails = Schema.Struct({
  id: StreamId,
  stream_key_id: StreamKeyId,
  broadcaster: Schema.Struct({
    id: BroadcasterId,
    display_name: Schema.String,
    contact: nullable(Schema.String),
    metadata: Metadata
  }),
  ...streamFields
}).annotate({ identifier: "StreamDetails" })

export const StreamEvent = Schema.Struct({
  seq: Schema.Int.annotate({ description: "Counts from 1 without a gap" }),
  type: Schema.Literals(streamEventTypes),
  at: Timestamp,
  data: Schema.Record(Schema.String, Schema.Unknown).annotate({ description: "`reason` or `source_type`, by type" })
}).annotate({ identifier: "StreamEvent" })

export const Worker = Schema.Struct({
  stream_id: PipelineId,
  state: Schema.Literals(workerStates),
  reason: nullable(Schema.String).annotate({
    description: "Why it is in this state, where that does not go without saying"
  }),
  attempt: Count.annotate({ description: "How often it was tried on its present source: once, and three times again" }),
  input_path: Schema.String,
  output_path: Schema.String,
  input_stream_id: nullable(StreamId).annotate({
    description: "The stream that it reads; `null` when it reads a source of the media server's own"
  }),
  output_stream_id: nullable(StreamId).annotate({ description: "The stream that it publishes, while it runs" }),
  retry_at: nullable(Timestamp).annotate({ description: "When it is tried again" }),
  host: nullable(Schema.String).annotate({ description: "The machine that its process is on" }),
  pid: nullable(Schema.Int),
  created_at: Timestamp.annotate({ description: "When its stream was first worked on" }),
  state_since: Timestamp,
  updated_at: Timestamp
}).annotate({ identifier: "Worker" })

export const pageOf = <const Plural extends string, S extends Schema.Top>(plural: Plural, item: S) => {
  const items: { readonly [P in Plural]: Schema.$Array<S> } = { [plural]: Schema.Array(item) } as never
  return {
    ...items,
    count: Count.annotate({ description: "How many are in this answer" }),
    next_cursor: nullable(Schema.String)
  }
}
