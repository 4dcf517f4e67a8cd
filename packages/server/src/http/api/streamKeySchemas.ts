/** A stream key, what to type into an encoder for it, and the bodies that make and change one, as the API has them. */
import {
  BroadcasterId,
  keyStatuses,
  Label,
  NewPathLimit,
  OverlapSeconds,
  PlaybackPolicy,
  StreamId,
  StreamKeyId,
  Timestamp
} from "@greenroom/core"
import { Schema } from "effect"
import { cursorExample } from "./Cursor.ts"
import { exampleIds, maybeTotal, named, nullable, pageOf, wire } from "./wire.ts"

const keyFields = {
  id: StreamKeyId,
  keyPrefix: Schema.String.annotate({ description: "The first 7 characters of the key, to recognise it by" }),
  broadcasterId: BroadcasterId,
  broadcaster: wire({ id: BroadcasterId, displayName: Schema.String, deleted: Schema.Boolean }).annotate({
    description: "Its broadcaster. The keys of a deleted one are revoked"
  }),
  label: nullable(Schema.String),
  path: nullable(Schema.String).annotate({
    description: "The path or pattern that the key is limited to; `null`: none"
  }),
  playback: nullable(PlaybackPolicy).annotate({
    description:
      "Who may watch its streams: everybody (`public`), or who has a playback token (`token`); `null`: as its broadcaster has it, else the service (`PLAYBACK_DEFAULT`)"
  }),
  status: Schema.Literals(keyStatuses).annotate({ description: "The first of these that holds" }),
  activeStreamId: nullable(StreamId).annotate({
    description: "Its stream, from admission until it has left the air"
  }),
  createdAt: Timestamp,
  expiresAt: nullable(Timestamp),
  revokedAt: nullable(Timestamp),
  revokesAt: nullable(Timestamp).annotate({
    description: "When it will be revoked, because it was rotated: until then it keeps publishing"
  }),
  rotatedTo: nullable(StreamKeyId).annotate({ description: "The key that takes its place" }),
  rotatedFrom: nullable(StreamKeyId).annotate({ description: "The key whose place it takes" }),
  blockedUntil: nullable(Timestamp).annotate({
    description: "Until when it may not publish on `blocked_path`, because its stream there was stopped"
  }),
  blockedPath: nullable(Schema.String),
  lastUsedAt: nullable(Timestamp).annotate({ description: "The start of its last stream" })
}

export const keyExample = {
  id: exampleIds.key,
  key_prefix: "sk_EXAM",
  broadcaster_id: exampleIds.broadcaster,
  broadcaster: { id: exampleIds.broadcaster, display_name: "Studio One", deleted: false },
  label: "Main camera",
  path: "live/studio-1",
  playback: null,
  status: "in_use",
  active_stream_id: exampleIds.stream,
  created_at: "2026-11-21T01:31:00.000Z",
  expires_at: "2027-01-01T00:00:00.000Z",
  revoked_at: null,
  revokes_at: null,
  rotated_to: null,
  rotated_from: null,
  blocked_until: null,
  blocked_path: null,
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

const playbackInput = nullable(PlaybackPolicy).annotate({
  description: "Who may watch; `null`: as its broadcaster has it, else the service"
})

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
    ),
    playback: Schema.optionalKey(playbackInput)
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
    enabled: Schema.optionalKey(Schema.Boolean),
    playback: Schema.optionalKey(playbackInput),
    blockedUntil: Schema.optionalKey(
      Schema.Null.annotate({ description: "`null` lifts the block; DELETE /streams/{id}?block_seconds= sets one" })
    )
  },
  named("StreamKeyChanges", { enabled: false }, "What is left out stays as it is; `null` clears")
)

export const StreamKeyRotation = wire(
  { overlapSeconds: Schema.optionalKey(OverlapSeconds) },
  named("StreamKeyRotation", { overlap_seconds: 3600 }, "Left out, `overlap_seconds` is 0")
)

export const StreamKeyPage = pageOf(
  "stream_keys",
  StreamKey,
  named("StreamKeyPage", { stream_keys: [keyExample], count: 1, next_cursor: cursorExample, total: 4711 }),
  maybeTotal
)
