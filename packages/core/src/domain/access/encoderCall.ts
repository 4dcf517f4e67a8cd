/**
 * What an encoder is set to, as the auth call that MediaMTX makes of it: a URL, OBS's two fields, an SRT stream id, or a WHIP URL with its bearer token.
 * It follows MediaMTX 1.20 (`internal/servers/{rtmp,rtsp,srt,webrtc}`, `internal/auth`) and, for what is done with a pasted URL before, ffmpeg.
 */
import { Redacted } from "effect"
import type { AuthCall } from "./AuthRequest.ts"
import { credentialsOf, parseGoQuery, parseUrl, type UrlParts } from "./mediaMtxUrl.ts"
import { readStreamId } from "./srtStreamId.ts"
import { unescaped } from "./unescaped.ts"

type Secret = Redacted.Redacted<string>

export type EncoderSettings =
  /** Over any protocol. `bearer`: of WHIP. */
  | { readonly _tag: "Url"; readonly url: Secret; readonly bearer: Secret | null }
  /** OBS's custom server and its stream key. */
  | { readonly _tag: "Obs"; readonly server: Secret; readonly streamKey: Secret }
  | { readonly _tag: "StreamId"; readonly streamid: Secret }

/** A setting with which no encoder gets as far as the auth call. `expected` has nothing of what was sent. */
export interface UnusableSetting {
  readonly _tag: "Unusable"
  readonly field: "url" | "server" | "streamKey" | "streamid" | "bearer"
  readonly expected: string
}

/** The connection's id in a call that is only described. */
export const DESCRIBED_ID = "described"

const secret = (text: string): Secret => Redacted.make(text)

interface Sent {
  readonly action: "publish" | "read"
  readonly path: string
  readonly protocol: string
  readonly user: string
  readonly password: string
  readonly token: string
  readonly query: string
  /** `null`: a page, which is asked for before there is a connection. */
  readonly id?: null
}

const callOf = ({
  action,
  path,
  protocol,
  user,
  password,
  token,
  query,
  id = DESCRIBED_ID as never
}: Sent): AuthCall => ({
  action,
  path,
  protocol,
  id,
  user: secret(user),
  password: secret(password),
  token: secret(token),
  query: secret(query)
})

/** The token that MediaMTX finds: the password, else one `token` or `jwt` of the query. */
const tokenOf = (password: string, query: string): string => {
  if (password !== "") return password
  const { values, isWhole } = parseGoQuery(query)
  if (!isWhole) return ""
  for (const name of ["token", "jwt"]) {
    const found = values.get(name) ?? []
    if (found.length === 1) return found[0]!
  }
  return ""
}

/** RTMP sends nothing of `user:password@`. */
const rtmpCall = ({ path, query }: UrlParts): AuthCall => {
  const { values } = parseGoQuery(query)
  const [user = "", password = ""] = ["user", "pass"].map((name) => values.get(name)?.[0] ?? "")
  return callOf({
    action: "publish",
    path: path.replace(/^\/+/, ""),
    protocol: "rtmp",
    user,
    password,
    token: tokenOf(password, query),
    query
  })
}

const rtspCall = (url: UrlParts): AuthCall | string => {
  if (!url.path.startsWith("/") || url.path === "/")
    return "Expected a path behind the host, as in rtsp://host:8554/live/studio-1"
  // Without a colon ffmpeg sends none of it.
  const { user, password } = url.userinfo?.includes(":") ? credentialsOf(url) : { user: "", password: "" }
  const { query } = url
  return callOf({
    action: "publish",
    path: url.path.slice(1),
    protocol: "rtsp",
    user,
    password,
    token: tokenOf(password, query),
    query
  })
}

const srtCall = (streamid: string): AuthCall | string => {
  const read = readStreamId(streamid)
  return typeof read === "string" ? read : callOf({ ...read, protocol: "srt", token: read.password })
}

/** The value of an option as ffmpeg reads it, also behind a `#`; a plus is a space. */
const optionOf = (text: string, name: string): string | null => {
  const query = text.slice(text.indexOf("?") + 1)
  for (const pair of text.includes("?") ? query.split("&") : []) {
    const [option = "", ...value] = pair.split("=")
    if (option === name) return value.join("=").replaceAll("+", " ")
  }
  return null
}

/** ffmpeg leaves percent signs as they are, other programs decode them: what can be read is meant. */
const srtUrlCall = (text: string): AuthCall | string => {
  const streamid = optionOf(text, "streamid")
  if (streamid === null)
    return "Expected a streamid in the URL, as in srt://host:8890?streamid=publish:live/studio-1:any:KEY"
  const asItIs = srtCall(streamid)
  return typeof asItIs === "string" ? srtCall(unescaped(streamid)) : asItIs
}

const HTTP_PLACES = "Expected a WHIP URL that ends in /whip, as in https://host:8889/live/studio-1/whip"

const bearerOf = (bearer: string) => {
  const parts = bearer.split(":")
  return parts.length === 2
    ? { user: parts[0]!, password: parts[1]!, token: parts[1]! }
    : { user: "", password: "", token: bearer }
}

const httpPath = /^\/(.+?)\/(whip|whep|publish)$/

const whipCall = (url: UrlParts, bearer: string | null): AuthCall | string => {
  const [, path, place] = httpPath.exec(url.path) ?? []
  if (path === undefined) return HTTP_PLACES
  const basic = credentialsOf(url)
  const credentials = bearer === null ? { ...basic, token: basic.password } : bearerOf(bearer)
  const action = place === "whep" ? "read" : "publish"
  return callOf({
    action,
    path,
    protocol: "webrtc",
    ...credentials,
    query: url.query,
    ...(place === "publish" ? { id: null } : {})
  })
}

const SCHEMES = "Expected a URL that begins with rtmp://, rtmps://, rtsp://, rtsps://, srt://, http:// or https://"

const urlCall = (text: string, bearer: string | null): AuthCall | string => {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text.trim())?.[1]?.toLowerCase()
  if (scheme === "srt") return srtUrlCall(text.trim())
  const isRtmp = scheme === "rtmp" || scheme === "rtmps"
  const url = parseUrl(isRtmp ? asJoined(text.trim()) : text.trim())
  if (url === null)
    return scheme === undefined ? SCHEMES : "Expected a URL with a host, and without broken percent signs"
  switch (scheme) {
    case "rtmp":
    case "rtmps":
      return rtmpCall(url)
    case "rtsp":
    case "rtsps":
      return rtspCall(url)
    case "http":
    case "https":
    case "whip":
    case "whips":
      return whipCall(url, bearer)
    default:
      return SCHEMES
  }
}

/**
 * An RTMP client sends an application and a stream's name, and MediaMTX joins them; a name that begins with a question mark it leaves out. ffmpeg takes
 * two segments for the application, so a query right behind a slash is lost: `rtmp://host/live/studio-1/?pass=KEY`.
 */
const asJoined = (url: string): string => {
  const [, host, rest] = /^([a-z]+:\/\/[^/]*\/)(.*)$/is.exec(url) ?? []
  if (host === undefined || rest === undefined) return url
  const first = rest.indexOf("/")
  if (first === -1) return url
  const second = rest.indexOf("/", first + 1)
  const colon = rest.indexOf(":", first + 1)
  const end = second === -1 || (colon !== -1 && colon < second) ? first : second
  return join(host + rest.slice(0, end), rest.slice(end + 1))
}

const join = (server: string, streamKey: string): string =>
  streamKey === "" || streamKey.startsWith("?") ? server : `${server}/${streamKey}`

/** The server and the stream key as an RTMP client joins them: a query in the server's address comes to stand in front of the stream's name. */
const obsCall = (server: string, streamKey: string): AuthCall | UnusableSetting => {
  const url = parseUrl(join(server, streamKey))
  if (url !== null && /^rtmps?$/.test(url.scheme)) return rtmpCall(url)
  return {
    _tag: "Unusable",
    field: "server",
    expected: "Expected the address of an RTMP server, as in rtmp://host/live"
  }
}

const unusable = (field: UnusableSetting["field"], read: AuthCall | string): AuthCall | UnusableSetting =>
  typeof read === "string" ? { _tag: "Unusable", field, expected: read } : read

/** The auth call that an encoder with these settings leads to. Pure and total. */
export const encoderCall = (settings: EncoderSettings): AuthCall | UnusableSetting => {
  switch (settings._tag) {
    case "Url":
      return unusable("url", urlCall(Redacted.value(settings.url), settings.bearer && Redacted.value(settings.bearer)))
    case "Obs":
      return obsCall(Redacted.value(settings.server).trim(), Redacted.value(settings.streamKey).trim())
    case "StreamId":
      return unusable("streamid", srtCall(Redacted.value(settings.streamid)))
  }
}
