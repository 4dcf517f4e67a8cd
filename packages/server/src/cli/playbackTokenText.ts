/** Playback tokens as people read them. Pure. */
import type { DateTime } from "effect"
import type { IssuedPlaybackToken, PlaybackToken } from "../http/api/playbackTokenSchemas.ts"
import { fields, moment, orNothing, relative, table } from "./format.ts"

type Shown = typeof PlaybackToken.Type

const targetOf = ({ path, streamId, pattern, broadcasterId }: Shown): string => {
  if (path !== null) return path
  if (streamId !== null) return `stream ${streamId}`
  return pattern ?? `broadcaster ${orNothing(broadcasterId)}`
}

const stateOf = ({ revokedAt, notBefore, expiresAt }: Shown, now: DateTime.Utc): string => {
  if (revokedAt !== null) return "revoked"
  if (expiresAt.epochMilliseconds <= now.epochMilliseconds) return "expired"
  return notBefore !== null && notBefore.epochMilliseconds > now.epochMilliseconds ? "not yet" : "good"
}

const sessionsOf = ({ maxSessions }: Shown): string => orNothing(maxSessions === null ? null : String(maxSessions))

export const playbackTokenDetails = (token: Shown, now: DateTime.Utc): string =>
  fields([
    ["id", token.id],
    ["for", targetOf(token)],
    ["broadcaster", orNothing(token.broadcasterId)],
    ["viewer", orNothing(token.viewerId)],
    ["state", stateOf(token, now)],
    ["actions", token.actions.join(",")],
    ["sessions", sessionsOf(token)],
    ["from", orNothing(token.ips.join(","))],
    ["metadata", JSON.stringify(token.metadata)],
    ["signed by", `${token.issuer} (${token.signingKeyId})`],
    ["created", moment(token.createdAt, now)],
    ["not before", moment(token.notBefore, now)],
    ["expires", moment(token.expiresAt, now)],
    ["revoked", moment(token.revokedAt, now)]
  ])

export const playbackTokenRows = (tokens: ReadonlyArray<Shown>, now: DateTime.Utc): string =>
  table([
    ["FOR", "VIEWER", "STATE", "SESSIONS", "EXPIRES", "ID"],
    ...tokens.map((token) => [
      targetOf(token),
      orNothing(token.viewerId),
      stateOf(token, now),
      sessionsOf(token),
      relative(token.expiresAt, now),
      token.id as string
    ])
  ])

type Bearer = { readonly url: string; readonly bearer: string } | null

const withHeader = (name: string, url: Bearer): ReadonlyArray<string> =>
  url === null ? [] : [`${name}, with the token as Authorization: Bearer`, `  ${url.url}`, ""]

const plain = (name: string, url: string | null): ReadonlyArray<string> => (url === null ? [] : [name, `  ${url}`, ""])

const urlLines = ({ urls }: typeof IssuedPlaybackToken.Type): ReadonlyArray<string> => [
  ...withHeader("HLS", urls.hls_bearer),
  ...plain("HLS, for players that cannot set headers", urls.hls),
  ...withHeader("WebRTC (WHEP)", urls.webrtc),
  ...plain("RTMP", urls.rtmp),
  ...plain("RTSP, for ffmpeg and what is built on it", urls.rtsp),
  ...plain("RTSP, for GStreamer and players that ask for a password", urls.rtsp_basic),
  ...plain("SRT", urls.srt)
]

/** The one text with a token in it. */
export const issuedTokenText = (token: typeof IssuedPlaybackToken.Type, now: DateTime.Utc): string =>
  [
    playbackTokenDetails(token, now),
    "",
    "The token:",
    "",
    `  ${token.token}`,
    "",
    "This is the only time that it is shown: copy it now. With it, or a URL that has it, anyone can watch until it expires or is revoked.",
    "",
    ...urlLines(token)
  ]
    .join("\n")
    .trimEnd()
