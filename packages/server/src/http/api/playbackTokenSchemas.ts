/** Playback tokens on the wire, and the body that makes one. The text of a token and its URLs leave the service in one answer. */
import {
  BroadcasterId,
  EXPIRES_IN,
  MAX_SESSIONS_MOST,
  NETWORKS_MAX,
  Network,
  PathPattern,
  PlaybackTokenId,
  playbackActions,
  StreamId,
  StreamPath,
  Timestamp,
  TOKEN_MAX_LENGTH,
  tokenIssuers,
  ViewerId
} from "@greenroom/core"
import { Schema } from "effect"
import { textCursorExample } from "./Cursor.ts"
import { MetadataInput, MetadataKept } from "./Input.ts"
import { exampleIds, named, nullable, pageOf, wire } from "./wire.ts"

const tokenExample = {
  id: "x7Kd02mQpL9vTz41",
  issuer: "greenroom",
  signing_key_id: "k7Qm2xPa",
  path: "live/studio-1",
  stream_id: null,
  pattern: null,
  broadcaster_id: exampleIds.broadcaster,
  viewer_id: "user-4711",
  actions: ["read"],
  max_sessions: 2,
  ips: [],
  metadata: { order: "A-113" },
  created_at: "2026-11-21T01:30:00.000Z",
  not_before: null,
  expires_at: "2026-11-21T02:30:00.000Z",
  revoked_at: null
}

const Actions = Schema.Literals(playbackActions)

const fields = {
  id: PlaybackTokenId,
  issuer: Schema.Literals(tokenIssuers).annotate({
    description: "`application`: an application has signed it with a key of its own; it is known since its first use"
  }),
  signingKeyId: Schema.String.annotate({ description: "The key that it is signed with" }),
  path: nullable(Schema.String).annotate({ description: "The one path that it is for" }),
  streamId: nullable(StreamId).annotate({ description: "The one stream that it is for, until that ends" }),
  pattern: nullable(Schema.String).annotate({ description: "The paths that it is for" }),
  broadcasterId: nullable(BroadcasterId).annotate({
    description: "Whose streams it is for. Where `path`, `stream_id` and `pattern` are `null`, it is for all of them"
  }),
  viewerId: nullable(Schema.String),
  actions: Schema.Array(Actions),
  maxSessions: nullable(Schema.Int).annotate({ description: "Sessions at a time; `null`: any number" }),
  ips: Schema.Array(Schema.String).annotate({ description: "Networks from which it may be used; none: all" }),
  metadata: MetadataKept,
  createdAt: Timestamp,
  notBefore: nullable(Timestamp),
  expiresAt: Timestamp,
  revokedAt: nullable(Timestamp)
}

export const PlaybackToken = wire(fields, named("PlaybackToken", tokenExample))

/** What a token can be for, of which a body names one. */
export const tokenTargets = ["path", "stream_id", "broadcaster_id", "pattern"] as const
export const ONE_TARGET = `Expected exactly one of ${tokenTargets.join(", ")}`

export const NewPlaybackToken = wire(
  {
    path: Schema.optionalKey(StreamPath.annotate({ description: "One path, with any publisher" })),
    streamId: Schema.optionalKey(StreamId.annotate({ description: "One stream, until it ends" })),
    broadcasterId: Schema.optionalKey(
      BroadcasterId.annotate({ description: "All paths and streams of a broadcaster" })
    ),
    pattern: Schema.optionalKey(
      PathPattern.annotate({
        description: "`live/*` (one more segment), `live/**` (any depth), or `**`, which is every path"
      })
    ),
    viewerId: Schema.optionalKey(nullable(ViewerId)),
    expiresIn: Schema.optionalKey(
      Schema.Int.check(Schema.isBetween({ minimum: EXPIRES_IN.least, maximum: EXPIRES_IN.most })).annotate({
        description: `Seconds; ${EXPIRES_IN.default} unless given`
      })
    ),
    notBefore: Schema.optionalKey(nullable(Timestamp).annotate({ description: "It is good from then on" })),
    maxSessions: Schema.optionalKey(
      nullable(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: MAX_SESSIONS_MOST }))).annotate({
        description: "Sessions at a time. One more, and the oldest is ended; the newcomer is let in"
      })
    ),
    ips: Schema.optionalKey(
      Schema.Array(Network)
        .check(Schema.isMaxLength(NETWORKS_MAX))
        .annotate({ description: `Addresses or networks from which it may be used, up to ${NETWORKS_MAX}` })
    ),
    actions: Schema.optionalKey(
      Schema.NonEmptyArray(Actions)
        .check(Schema.isMaxLength(playbackActions.length))
        .annotate({ description: "`read`: watch live. `playback`: watch recordings. `read` alone unless given" })
    ),
    metadata: Schema.optionalKey(MetadataInput)
  },
  named("NewPlaybackToken", { path: "live/studio-1", viewer_id: "user-4711", expires_in: 3600, max_sessions: 2 })
)

const tokenText = "EXAMPLE.EXAMPLE.EXAMPLE"
const bearer = (url: string) => ({ url, bearer: tokenText })
const BearerUrl = nullable(Schema.Struct({ url: Schema.String, bearer: Schema.String }))

const urlsExample = {
  hls: `https://media.example.com/live/studio-1/index.m3u8?token=${tokenText}`,
  hls_bearer: bearer("https://media.example.com/live/studio-1/index.m3u8?v=x7Kd02mQpL9vTz41"),
  webrtc: bearer("https://media.example.com/live/studio-1/whep?v=x7Kd02mQpL9vTz41"),
  rtmp: `rtmp://media.example.com/live/studio-1?token=${tokenText}`,
  rtsp: `rtsp://media.example.com:8554/live/studio-1?token=${tokenText}`,
  rtsp_basic: `rtsp://x7Kd02mQpL9vTz41:${tokenText}@media.example.com:8554/live/studio-1`,
  srt: `srt://media.example.com:8890?streamid=read:live/studio-1:x7Kd02mQpL9vTz41:${tokenText}`
}

export const TokenUrls = Schema.Struct({
  hls: nullable(Schema.String).annotate({ description: "For players that cannot set headers" }),
  hls_bearer: BearerUrl.annotate({ description: "For players that send `Authorization: Bearer`, as hls.js can" }),
  webrtc: BearerUrl.annotate({ description: "WHEP, with `Authorization: Bearer`" }),
  rtmp: nullable(Schema.String),
  rtsp: nullable(Schema.String).annotate({ description: "For ffmpeg and what is built on it" }),
  rtsp_basic: nullable(Schema.String).annotate({ description: "For GStreamer, and players that ask for a password" }),
  srt: nullable(Schema.String)
}).annotate(
  named(
    "TokenUrls",
    urlsExample,
    "Where the token plays, each with the token in it: use them as they are. All are `null` of a token for several paths, and of one for recordings; one is where its protocol is off or has no public address"
  )
)

export const IssuedPlaybackToken = wire(
  {
    ...fields,
    token: Schema.String.annotate({
      description: `The token itself, at most ${TOKEN_MAX_LENGTH} characters: shown this once, and stored nowhere`
    }),
    urls: TokenUrls
  },
  named("IssuedPlaybackToken", { ...tokenExample, token: tokenText, urls: urlsExample })
)

export const PlaybackTokenPage = pageOf(
  "playback_tokens",
  PlaybackToken,
  named("PlaybackTokenPage", { playback_tokens: [tokenExample], count: 1, next_cursor: textCursorExample })
)
