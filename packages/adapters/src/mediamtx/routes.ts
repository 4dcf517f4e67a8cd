/**
 * The lists of the control API, one a protocol, and whose calls have to wait for their turn. The connections of RTSP have lists of
 * their own beside those of its sessions; they are asked about up to 1.19.2 only, which has the old names.
 */
import { familyOf, type MediaServerUnavailable, type Protocol } from "@greenroom/core"
import type { Effect } from "effect"
import type { Answer, Call, ControlApi } from "./ControlApi.ts"
import type { RtspLock } from "./RtspLock.ts"
import type { Names } from "./RunningServer.ts"

export type RtspProtocol = Extract<Protocol, "rtsp" | "rtsps">

const routes: { readonly [P in Protocol]: { readonly [N in Names]: string } } = {
  rtmp: { old: "/v3/rtmpconns", new: "/v3/rtmp/conns" },
  rtmps: { old: "/v3/rtmpsconns", new: "/v3/rtmps/conns" },
  rtsp: { old: "/v3/rtspsessions", new: "/v3/rtsp/sessions" },
  rtsps: { old: "/v3/rtspssessions", new: "/v3/rtsps/sessions" },
  srt: { old: "/v3/srtconns", new: "/v3/srt/conns" },
  webrtc: { old: "/v3/webrtcsessions", new: "/v3/webrtc/sessions" },
  moq: { old: "/v3/moqsessions", new: "/v3/moq/sessions" }
}

type Verb = "list" | "get" | "kick"

/** `GET …/list`, `GET …/get/{id}`, `POST …/kick/{id}` of a protocol's connections. */
export const callOn = (names: Names, protocol: Protocol, verb: Verb, rest: string): Call => ({
  method: verb === "kick" ? "POST" : "GET",
  route: `${routes[protocol][names]}/${verb}`,
  rest
})

/** Of the TCP connections that RTSP sessions belong to. They cannot be kicked. */
export const callOnConnections = (protocol: RtspProtocol, verb: "list" | "get", rest: string): Call => ({
  method: "GET",
  route: `/v3/${protocol}conns/${verb}`,
  rest
})

export const isRtsp = (protocol: Protocol): protocol is RtspProtocol => familyOf(protocol) === "rtsp"

/** Asks about connections of a protocol; about RTSP's when it is the call's turn. */
export type Lists = (protocol: Protocol, call: Call) => Effect.Effect<Answer, MediaServerUnavailable>

export const makeLists =
  (api: ControlApi, turns: { readonly [P in RtspProtocol]: RtspLock }): Lists =>
  (protocol, call) => {
    if (!isRtsp(protocol)) return api(call)
    return turns[protocol][call.method === "GET" ? "read" : "kick"](api(call))
  }
