/**
 * Where a token is put, for each kind of player (tried with MediaMTX 1.20.1): a header where the player can set one, else the query; SRT in its
 * stream id; RTSP twice, because ffmpeg cuts a password at 125 characters and GStreamer drops the query at SETUP.
 */
import { Redacted } from "effect"
import { type EnabledProtocols, encodePath, type PublicEndpoints } from "../streams/PlaybackUrls.ts"
import { type PlaybackTokenId, SRT_STREAM_ID_MAX_LENGTH, type TokenText } from "./PlaybackToken.ts"

/** A URL, and what to send as `Authorization: Bearer`. */
export interface BearerUrl {
  readonly url: string
  readonly bearer: string
}

/** `null`: the output is off, has no public address, or cannot name the path. */
export interface TokenUrls {
  readonly hls: string | null
  /** For players that can set headers (hls.js): the token is in no URL. */
  readonly hls_bearer: BearerUrl | null
  readonly webrtc: BearerUrl | null
  readonly rtmp: string | null
  /** For ffmpeg and what is built on it. */
  readonly rtsp: string | null
  /** For GStreamer, and players that ask for a user name and a password. */
  readonly rtsp_basic: string | null
  readonly srt: string | null
}

/** Of a token that is for no one path. */
export const noTokenUrls: TokenUrls = {
  hls: null,
  hls_bearer: null,
  webrtc: null,
  rtmp: null,
  rtsp: null,
  rtsp_basic: null,
  srt: null
}

const streamIdOf = (path: string, id: PlaybackTokenId, text: string): string => `read:${encodePath(path)}:${id}:${text}`

/** By how many characters the SRT stream id is too long; 0: it is not, or SRT cannot name the path at all. */
export const srtExcess = (path: string, id: PlaybackTokenId, token: TokenText): number =>
  path.includes(":") ? 0 : Math.max(0, streamIdOf(path, id, Redacted.value(token)).length - SRT_STREAM_ID_MAX_LENGTH)

/** The URLs of a path with the token in them, each for the players that take it there. */
export const tokenUrls = (
  addresses: PublicEndpoints,
  served: EnabledProtocols,
  path: string,
  id: PlaybackTokenId,
  token: TokenText
): TokenUrls => {
  const text = Redacted.value(token)
  const encoded = encodePath(path)
  const at = (output: keyof PublicEndpoints, end: string): string | null => {
    const base = addresses[output]
    return base === null || !served[output] ? null : `${base.replace(/\/+$/, "")}${end}`
  }
  const bearer = (output: "hls" | "webrtc", end: string): BearerUrl | null => {
    const url = at(output, `/${encoded}/${end}?v=${id}`)
    return url === null ? null : { url, bearer: text }
  }
  const rtsp = at("rtsp", `/${encoded}`)
  return {
    hls: at("hls", `/${encoded}/index.m3u8?token=${text}`),
    hls_bearer: bearer("hls", "index.m3u8"),
    webrtc: bearer("webrtc", "whep"),
    rtmp: at("rtmp", `/${encoded}?token=${text}`),
    rtsp: rtsp === null ? null : `${rtsp}?token=${text}`,
    rtsp_basic: rtsp === null ? null : rtsp.replace("://", () => `://${id}:${text}@`),
    srt: path.includes(":") ? null : at("srt", `?streamid=${streamIdOf(path, id, text)}`)
  }
}
