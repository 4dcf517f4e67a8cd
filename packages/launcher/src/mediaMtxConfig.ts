/**
 * The configuration of the media server that the service starts: it asks us about every client, the control API's included, ends
 * silent clients after 4 seconds, and has nothing switched on that is not used. Everything that it would otherwise listen for
 * on its own accord is off by name. A setting that it does not know stops it, so older releases, back to 1.9, get theirs.
 */
import { fileURLToPath } from "node:url"
import { compareReleases, type Release, readRelease } from "@greenroom/core"
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

/** MediaMTX's own. */
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
   * Where clients connect: an IP address of this machine (its SRT takes no names), `localhost`, `0.0.0.0` or `::`. The control
   * API is on 127.0.0.1 whatever this says.
   */
  readonly host: string
  readonly ports: Ports
  /** Where our `/auth` is: the media server runs on this machine. */
  readonly auth: { readonly host: string; readonly port: number; readonly secret: Redacted.Redacted }
  /** From the binary's `--version`; an unknown one gets the settings of the pinned release. */
  readonly version: string | null
}

/** The first release that knows each setting. */
const since = {
  rtspTransports: [1, 11, 0],
  apiAllowOrigins: [1, 15, 4],
  moq: [1, 19, 0],
  runOnAvailable: [1, 19, 3]
} as const satisfies Record<string, Release>

const knows = (version: string | null, setting: keyof typeof since): boolean => {
  const release = version === null ? null : readRelease(version)
  return release === null || compareReleases(release, since[setting]) >= 0
}

export const bracketed = (host: string) => (host.includes(":") ? `[${host}]` : host)

const isWildcard = (host: string) => host === "0.0.0.0" || host === "::"

/** Credentials in the address are sent as HTTP Basic; a redirect from there would let everybody in, so there must be none. */
const authAddress = ({ host, port, secret }: Settings["auth"]) =>
  `http://mediamtx:${encodeURIComponent(Redacted.value(secret))}@${bracketed(host)}:${port}/auth`

/** In the package's folder beside `src` and `dist`, of which this file is one level down. */
const hookScript = fileURLToPath(new URL("../hooks/mtx-hook", import.meta.url))

/**
 * What the hooks find in the media server's environment; it holds the secret. The script's path is there as well because a hook's
 * command is split at spaces, and what a `$` stands for is put in only afterwards.
 */
export const hookEnvironment = ({ auth }: Pick<Settings, "auth">): Readonly<Record<string, string>> => ({
  ORCHESTRATOR_URL: `http://${bracketed(auth.host)}:${auth.port}`,
  HOOK_SECRET: Redacted.value(auth.secret),
  GREENROOM_MTX_HOOK: hookScript
})

const hook = (event: "ready" | "not-ready") => `sh $GREENROOM_MTX_HOOK ${event}`

/** Holds the hook secret: it is for a file of mode 0600 and nothing else. MediaMTX reads YAML, and JSON is YAML. */
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

/** Bases without a trailing slash, as seen from this machine, or by the name that others have for it. */
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
