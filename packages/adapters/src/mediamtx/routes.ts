/**
 * The lists of the control API, one for each protocol, and the lock that calls about RTSP need. RTSP has lists of connections
 * beside those of sessions; only versions up to 1.19.2 need them, which have the old names.
 */
import type { MediaServerUnavailable, ViewerProtocol } from "@greenroom/core"
import type { Effect } from "effect"
import type { Call } from "./Call.ts"
import type { Answer, ControlApi } from "./ControlApi.ts"
import type { RtspLock } from "./RtspLock.ts"
import type { Names } from "./RunningServer.ts"

export type RtspProtocol = Extract<ViewerProtocol, "rtsp" | "rtsps">

const routes: { readonly [P in ViewerProtocol]: { readonly [N in Names]: string } } = {
  rtmp: { old: "/v3/rtmpconns", new: "/v3/rtmp/conns" },
  rtmps: { old: "/v3/rtmpsconns", new: "/v3/rtmps/conns" },
  rtsp: { old: "/v3/rtspsessions", new: "/v3/rtsp/sessions" },
  rtsps: { old: "/v3/rtspssessions", new: "/v3/rtsps/sessions" },
  srt: { old: "/v3/srtconns", new: "/v3/srt/conns" },
  webrtc: { old: "/v3/webrtcsessions", new: "/v3/webrtc/sessions" },
  moq: { old: "/v3/moqsessions", new: "/v3/moq/sessions" },
  hls: { old: "/v3/hlssessions", new: "/v3/hls/sessions" }
}

export type Verb = "list" | "get" | "kick"

/** `GET …/list`, `GET …/get/{id}`, `POST …/kick/{id}` of a protocol's connections. */
export const callOn = (names: Names, protocol: ViewerProtocol, verb: Verb, rest: string): Call => ({
  method: verb === "kick" ? "POST" : "GET",
  route: `${routes[protocol][names]}/${verb}`,
  rest
})

/** Calls about the TCP connections of RTSP sessions. Connections cannot be kicked. */
export const callOnConnections = (protocol: RtspProtocol, verb: "list" | "get", rest: string): Call => ({
  method: "GET",
  route: `/v3/${protocol}conns/${verb}`,
  rest
})

export const isRtsp = (protocol: ViewerProtocol): protocol is RtspProtocol =>
  protocol === "rtsp" || protocol === "rtsps"

/** Calls a protocol's list. A call about RTSP first gets the lock. */
export type Lists = (protocol: ViewerProtocol, call: Call) => Effect.Effect<Answer, MediaServerUnavailable>

export const makeLists =
  (api: ControlApi, locks: { readonly [P in RtspProtocol]: RtspLock }): Lists =>
  (protocol, call) => {
    if (!isRtsp(protocol)) return api(call)
    return locks[protocol][call.method === "GET" ? "read" : "kick"](api(call))
  }
