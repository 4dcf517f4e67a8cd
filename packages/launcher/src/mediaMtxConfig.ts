/**
 * The configuration of the media server that the service starts: it sends every client to our `/auth`, the control API's client
 * included, and ends silent clients after 4 seconds. Listeners that MediaMTX would open by default and that are not used are off.
 * An unknown setting stops MediaMTX, so older releases, back to 1.9, get the settings that they know.
 */
import { fileURLToPath } from "node:url"
import { compareReleases, type Release, readRelease } from "@greenroom/core/internal"
import { Redacted } from "effect"

export interface Ports {
  readonly api: number
  readonly rtmp: number
  readonly rtsp: number
  readonly srt: number
  readonly hls: number
  readonly webrtc: number
  /** UDP, for the media of WebRTC. */
  readonly webrtcUdp: number
}

/** MediaMTX's defaults. */
export const defaultPorts: Ports = {
  api: 9997,
  rtmp: 1935,
  rtsp: 8554,
  srt: 8890,
  hls: 8888,
  webrtc: 8889,
  webrtcUdp: 8189
}

export interface Settings {
  /**
   * Where clients connect: an IP address of this machine (MediaMTX's SRT takes no names), `localhost`, `0.0.0.0` or `::`. The
   * control API is always on 127.0.0.1.
   */
  readonly host: string
  readonly ports: Ports
  /** The address of our `/auth`. The media server runs on this machine. */
  readonly auth: { readonly host: string; readonly port: number; readonly secret: Redacted.Redacted }
  /** From the binary's `--version`. An unknown version gets the settings of the pinned release. */
  readonly version: string | null
}

/** The first release with each setting. */
const since = {
  rtspTransports: [1, 11, 0],
  apiAllowOrigins: [1, 15, 4],
  // Before that a muxer was listed as a reader, so each stream would have had a viewer from its beginning.
  hlsMuxersApartFromReaders: [1, 18, 0],
  moq: [1, 19, 0],
  runOnAvailable: [1, 19, 3]
} as const satisfies Record<string, Release>

const knows = (version: string | null, setting: keyof typeof since): boolean => {
  const release = version === null ? null : readRelease(version)
  return release === null || compareReleases(release, since[setting]) >= 0
}

export const bracketed = (host: string) => (host.includes(":") ? `[${host}]` : host)

const isWildcard = (host: string) => host === "0.0.0.0" || host === "::"

/** MediaMTX sends the credentials in this address as HTTP Basic. Our `/auth` must never redirect: every client would be admitted. */
const authAddress = ({ host, port, secret }: Settings["auth"]) =>
  `http://mediamtx:${encodeURIComponent(Redacted.value(secret))}@${bracketed(host)}:${port}/auth`

/** `hooks` is beside `src` and `dist`, and this file is in one of those. */
const hookScript = fileURLToPath(new URL("../hooks/mtx-hook", import.meta.url))

/**
 * The media server's environment for the hooks; has the secret. It also has the script's path, because MediaMTX splits a hook's
 * command at spaces before it replaces variables.
 */
export const hookEnvironment = ({ auth }: Pick<Settings, "auth">): Readonly<Record<string, string>> => ({
  ORCHESTRATOR_URL: `http://${bracketed(auth.host)}:${auth.port}`,
  HOOK_SECRET: Redacted.value(auth.secret),
  GREENROOM_MTX_HOOK: hookScript
})

const hook = (event: "ready" | "not-ready") => `sh $GREENROOM_MTX_HOOK ${event}`

/** Has the hook secret, so it may only go to a file of mode 0600. MediaMTX reads YAML, and JSON is YAML. */
export const mediaMtxConfig = ({ host: named, ports, auth, version }: Settings) => {
  const [ready, notReady] = knows(version, "runOnAvailable")
    ? ["runOnAvailable", "runOnUnavailable"]
    : ["runOnReady", "runOnNotReady"]
  const host = named === "localhost" ? "127.0.0.1" : named
  const at = (port: number) => `${bracketed(host)}:${port}`
  return {
    logLevel: "info",
    logDestinations: ["stdout"],
    readTimeout: "4s",
    authMethod: "http",
    authHTTPAddress: authAddress(auth),
    authHTTPExclude: [],
    api: true,
    apiAddress: `127.0.0.1:${ports.api}`,
    ...(knows(version, "apiAllowOrigins") ? { apiAllowOrigins: [] } : { apiAllowOrigin: "" }),
    metrics: false,
    pprof: false,
    playback: false,
    rtsp: true,
    ...(knows(version, "rtspTransports")
      ? { rtspTransports: ["tcp"], rtspEncryption: "no" }
      : { protocols: ["tcp"], encryption: "no" }),
    rtspAddress: at(ports.rtsp),
    rtmp: true,
    rtmpEncryption: "no",
    rtmpAddress: at(ports.rtmp),
    srt: true,
    srtAddress: at(ports.srt),
    hls: true,
    hlsAddress: at(ports.hls),
    // Otherwise the first viewer of a stream waits for seconds, and some players give up.
    ...(knows(version, "hlsMuxersApartFromReaders") ? { hlsAlwaysRemux: true } : {}),
    webrtc: true,
    webrtcAddress: at(ports.webrtc),
    webrtcLocalUDPAddress: at(ports.webrtcUdp),
    webrtcIPsFromInterfaces: isWildcard(host),
    webrtcAdditionalHosts: isWildcard(host) ? [] : [host],
    ...(knows(version, "moq") ? { moq: false } : {}),
    paths: { all_others: { [ready]: hook("ready"), [notReady]: hook("not-ready") } }
  }
}

export interface Urls {
  readonly apiUrl: string
  readonly rtmpUrl: string
  readonly rtspUrl: string
  readonly srtUrl: string
  readonly hlsUrl: string
  readonly webrtcUrl: string
}

/** Base URLs without a trailing slash, with `publicHost` for clients elsewhere if it is given. */
export const mediaMtxUrls = ({ host, ports }: Pick<Settings, "host" | "ports">, publicHost?: string): Urls => {
  const name = bracketed(publicHost ?? (isWildcard(host) ? "127.0.0.1" : host))
  return {
    apiUrl: `http://127.0.0.1:${ports.api}`,
    rtmpUrl: `rtmp://${name}:${ports.rtmp}`,
    rtspUrl: `rtsp://${name}:${ports.rtsp}`,
    srtUrl: `srt://${name}:${ports.srt}`,
    hlsUrl: `http://${name}:${ports.hls}`,
    webrtcUrl: `http://${name}:${ports.webrtc}`
  }
}
