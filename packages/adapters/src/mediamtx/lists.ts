/** The lists of the control API, one a protocol, and whose calls have to wait for their turn. */
import { familyOf, type MediaServerUnavailable, type Protocol } from "@greenroom/core"
import type { Effect } from "effect"
import type { Answer, Call, ControlApi } from "./ControlApi.ts"
import type { RtspTurns } from "./RtspTurns.ts"

const routes: { readonly [P in Protocol]: string } = {
  rtmp: "/v3/rtmpconns",
  rtmps: "/v3/rtmpsconns",
  rtsp: "/v3/rtspsessions",
  rtsps: "/v3/rtspssessions",
  srt: "/v3/srtconns",
  webrtc: "/v3/webrtcsessions",
  moq: "/v3/moqsessions"
}

/** `GET …/list`, `GET …/get/{id}`, `POST …/kick/{id}` of a protocol's connections. */
export const callOn = (protocol: Protocol, verb: "list" | "get" | "kick", rest: string): Call => ({
  method: verb === "kick" ? "POST" : "GET",
  route: `${routes[protocol]}/${verb}`,
  rest
})

export const isRtsp = (protocol: Protocol): boolean => familyOf(protocol) === "rtsp"

/** Asks about connections of a protocol; about RTSP sessions when it is the call's turn. */
export type Lists = (protocol: Protocol, call: Call) => Effect.Effect<Answer, MediaServerUnavailable>

export const makeLists =
  (api: ControlApi, turns: { readonly [P in "rtsp" | "rtsps"]: RtspTurns }): Lists =>
  (protocol, call) => {
    if (protocol !== "rtsp" && protocol !== "rtsps") return api(call)
    return turns[protocol][call.method === "GET" ? "read" : "kick"](api(call))
  }
