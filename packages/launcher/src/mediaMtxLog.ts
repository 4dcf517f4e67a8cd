/**
 * Interprets the output of the media server: the level of a line, its secrets, and the reason of an exit. Lines have the form
 * `2026/11/21 03:51:03 INF [RTMP] started with listener on …`, and before it has read its configuration, `ERR: …`.
 */
import type { Ports } from "./mediaMtxConfig.ts"

export type Level = "debug" | "info"

export interface LogLine {
  /** `info` for warnings, errors and failed hooks, which are not our own errors; `debug` for routine, and for lines that we log as well. */
  readonly level: Level
  /** At most 1,000 characters, without the time and without secrets. */
  readonly text: string
  readonly isError: boolean
}

const maxCharacters = 1000
const key = /sk_[A-Za-z0-9_-]{43}/g
const keyLength = 46

/**
 * Replaces stream keys and `secrets`. `cut`: the line's end is missing, so its last characters may be the beginning of a key or
 * secret. They are removed.
 */
export const redact = (text: string, secrets: ReadonlyArray<string>, cut = false): string => {
  const withoutSecrets = secrets.reduce((rest, secret) => rest.replaceAll(secret, "<redacted>"), text)
  const withoutKeys = withoutSecrets.replace(key, "sk_<redacted>")
  return cut ? withoutKeys.slice(0, 1 - Math.max(keyLength, ...secrets.map((secret) => secret.length))) : withoutKeys
}

/** The answer to a lookup or kick of a connection that is gone, which is routine. */
const lookupOfGone = /^\[API\] (connection|session) not found$/

/** The output of `mtx-hook`, which inherits the media server's standard error. */
const failedHook = /^mtx-hook: /

/** A refusal by our `/auth`, which is in our own log. MediaMTX logs it at the refusal and when the connection closes. */
const ourRefusal = /failed to authenticate: server replied with code \d{3}: \{"type":"\/errors\//

export const readLine = (line: string, cut: boolean, secrets: ReadonlyArray<string>): LogLine => {
  const [, level = "", rest = line] =
    /^(?:\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d )?(DEB|INF|WAR|ERR):? (.*)$/.exec(line) ?? []
  return {
    level:
      failedHook.test(rest) || (/^(WAR|ERR)$/.test(level) && !lookupOfGone.test(rest) && !ourRefusal.test(rest))
        ? "info"
        : "debug",
    text: redact(rest, secrets, cut).slice(0, maxCharacters),
    isError: level === "ERR"
  }
}

export interface PortInUse {
  readonly port: number
  readonly transport: "tcp" | "udp"
  /** `RTMP`, `WebRTC`; `null` when the port is not configured. */
  readonly protocol: string | null
}

const names: ReadonlyArray<readonly [keyof Ports, string, PortInUse["transport"]]> = [
  ["api", "control API", "tcp"],
  ["rtmp", "RTMP", "tcp"],
  ["rtsp", "RTSP", "tcp"],
  ["srt", "SRT", "udp"],
  ["hls", "HLS", "tcp"],
  ["webrtc", "WebRTC", "tcp"],
  ["webrtcUdp", "WebRTC media", "udp"]
]

/** Reads lines such as `listen tcp 127.0.0.1:1935: bind: address already in use`. */
export const portInUse = (text: string, ports: Ports): PortInUse | null => {
  const [, transport, port] = /listen (tcp|udp)[46]? \S*:(\d+): bind: address already in use/.exec(text) ?? []
  if (port === undefined) return null
  const known = names.find(([name, , over]) => ports[name] === Number(port) && over === transport)
  return { port: Number(port), transport: transport === "udp" ? "udp" : "tcp", protocol: known?.[1] ?? null }
}

export const describePortInUse = ({ port, transport, protocol }: PortInUse): string =>
  `port ${port} (${protocol === null ? "" : `${protocol}, `}${transport.toUpperCase()}) is already in use: ` +
  "stop the program that has it, which may be another media server, or choose another port"
