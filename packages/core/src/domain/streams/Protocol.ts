/**
 * The ingest protocols whose publishers Greenroom follows, as MediaMTX names them in its auth calls. RTMPS and RTSPS are
 * the TLS twins of RTMP and RTSP: MediaMTX keeps a list of its own for each, so a session is looked for in its family.
 */
import { Schema } from "effect"

export const Protocol = Schema.Literals(["rtmp", "rtmps", "rtsp", "rtsps", "srt", "webrtc", "moq"])
export type Protocol = typeof Protocol.Type

/** Those over which a publisher can come. */
export const protocols: ReadonlyArray<Protocol> = Protocol.literals

/** MediaMTX's names of the sources of a path, in hooks and in its paths list; WebRTC's is `webrtcSession` up to 1.10. */
export const sourceTypes: { readonly [P in Protocol]: string } = {
  rtmp: "rtmpConn",
  rtmps: "rtmpsConn",
  rtsp: "rtspSession",
  rtsps: "rtspsSession",
  srt: "srtConn",
  webrtc: "webRTCSession",
  moq: "moqSession"
}

export type Family = "rtmp" | "rtsp" | "srt" | "webrtc" | "moq"

/** The protocol without its encryption: `rtmp` of `rtmps`. */
export const familyOf = (protocol: Protocol): Family =>
  protocol === "rtmps" ? "rtmp" : protocol === "rtsps" ? "rtsp" : protocol

/**
 * Whether a session's state is `publish` before its auth was asked, as WebRTC's and MoQ's do. Only one that is `established` (connected,
 * or the source of its path) is a publisher then.
 */
export const saysPublishEarly = (protocol: Protocol): boolean => protocol === "webrtc" || protocol === "moq"

/** The lists in which a session of this protocol may stand: its own first, then its family's; all when it is unknown. */
export const listsOf = (protocol: Protocol | null): ReadonlyArray<Protocol> => {
  if (protocol === null) return protocols
  const family = protocols.filter((other) => familyOf(other) === familyOf(protocol))
  return [protocol, ...family.filter((other) => other !== protocol)]
}

/**
 * A publishing connection on the media server. `id` is MediaMTX's: the `id` of its auth call, the `source.id` of its path, the
 * id in its protocol's list and the id to kick are one and the same (for RTSP up to 1.19.2 the adapter sees to that), a random
 * UUID that never comes again.
 */
export interface Source {
  readonly protocol: Protocol | null
  readonly id: string
}
