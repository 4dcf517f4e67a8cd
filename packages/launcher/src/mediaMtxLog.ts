/**
 * Reads what the media server prints: how loud a line is, what in it must not be shown, and why it stopped. Its lines look like
 * `2026/11/21 03:51:03 INF [RTMP] started with listener on …`; before it has read its configuration, like `ERR: …`.
 */
import type { Ports } from "./mediaMtxConfig.ts"

export type Level = "debug" | "info"

export interface LogLine {
  /** `info` for warnings, errors and failed hooks, whose causes are no alarm of ours; `debug` for what is routine, or told by us. */
  readonly level: Level
  /** Without the time, at most 1,000 characters, and without secrets. */
  readonly text: string
  readonly isError: boolean
}

const shown = 1000
const key = /sk_[A-Za-z0-9_-]{43}/g
const keyLength = 46

/**
 * Without stream keys, and without each of `secrets`, wherever they stand. `cut`: the line's end is missing, so that a part of one
 * may stand where it was cut; as much of the end is left out as could be.
 */
export const redact = (text: string, secrets: ReadonlyArray<string>, cut = false): string => {
  const withoutSecrets = secrets.reduce((rest, secret) => rest.replaceAll(secret, "<redacted>"), text)
  const withoutKeys = withoutSecrets.replace(key, "sk_<redacted>")
  return cut ? withoutKeys.slice(0, 1 - Math.max(keyLength, ...secrets.map((secret) => secret.length))) : withoutKeys
}

/** How it answers whoever asks for a connection that has gone, as we do on purpose. */
const askedInVain = /^\[API\] (connection|session) not found$/

/** What `mtx-hook` prints, on the standard error that it has from the media server. */
const failedHook = /^mtx-hook: /

/** It repeats what our `/auth` has answered, and logged, in one line there and in another when the connection closes. */
const ourRefusal = /failed to authenticate: server replied with code \d{3}: \{"type":"\/errors\//

export const readLine = (line: string, cut: boolean, secrets: ReadonlyArray<string>): LogLine => {
  const [, level = "", rest = line] =
    /^(?:\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d )?(DEB|INF|WAR|ERR):? (.*)$/.exec(line) ?? []
  return {
    level:
      failedHook.test(rest) || (/^(WAR|ERR)$/.test(level) && !askedInVain.test(rest) && !ourRefusal.test(rest))
        ? "info"
        : "debug",
    text: redact(rest, secrets, cut).slice(0, shown),
    isError: level === "ERR"
  }
}

export interface PortInUse {
  readonly port: number
  readonly transport: "tcp" | "udp"
  /** `RTMP`, `WebRTC`; `null` when it is none of the configured ports. */
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

/** `listen tcp 127.0.0.1:1935: bind: address already in use`, and its siblings. */
export const portInUse = (text: string, ports: Ports): PortInUse | null => {
  const [, transport, port] = /listen (tcp|udp)[46]? \S*:(\d+): bind: address already in use/.exec(text) ?? []
  if (port === undefined) return null
  const known = names.find(([name, , over]) => ports[name] === Number(port) && over === transport)
  return { port: Number(port), transport: transport === "udp" ? "udp" : "tcp", protocol: known?.[1] ?? null }
}

export const describePortInUse = ({ port, transport, protocol }: PortInUse): string =>
  `port ${port} (${protocol === null ? "" : `${protocol}, `}${transport.toUpperCase()}) is already in use: ` +
  "stop the program that has it, which may be another media server, or choose another port"
