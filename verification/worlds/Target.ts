/**
 * What is typed into an encoder: taken from the instructions that came with a key, or bent away from them, as people and
 * attackers do.
 */
import type { IssuedKey } from "./Api.ts"

/** Those that a key's instructions name. */
export type Publishable = "rtmp" | "rtsp" | "srt" | "webrtc"

export interface Target {
  readonly protocol: Publishable | "moq"
  readonly path: string
  readonly url: string
  /** WebRTC's and MoQ's alone. */
  readonly bearer: string
}

export const sourceTypes: { readonly [P in Publishable]: string } = {
  rtmp: "rtmpConn",
  rtsp: "rtspSession",
  srt: "srtConn",
  webrtc: "webRTCSession"
}

/** The path that the instructions lead to. */
export const pathOf = ({ ingest }: IssuedKey): string => decodeURIComponent(new URL(ingest.rtmp).pathname.slice(1))

/** As the key's own instructions say. */
export const targetOf = (key: IssuedKey, protocol: Publishable): Target => {
  const { ingest } = key
  const path = pathOf(key)
  return protocol === "webrtc"
    ? { protocol, path, url: ingest.whip.url, bearer: ingest.whip.bearer }
    : { protocol, path, url: ingest[protocol], bearer: "" }
}

/** As the key's instructions say, but with another path, or another secret. */
export const bent = (
  key: IssuedKey,
  protocol: Publishable,
  { path = pathOf(key), secret = key.key_value }: { readonly path?: string; readonly secret?: string }
): Target => {
  const bend = (text: string) => text.replace(key.key_value, secret).replace(pathOf(key), path)
  const { url, bearer } = targetOf(key, protocol)
  return { protocol, path, url: bend(url), bearer: bend(bearer) }
}

/** The same credentials on another path. */
export const bentPath = (target: Target, path: string): Target => ({
  ...target,
  path,
  url: target.url.replace(target.path, path)
})
