/** The calls that are decided by what stands in them: nothing is asked of the store or the media server. */
import { type Refusal, refuse } from "./AuthDecision.ts"
import type { AuthRequest } from "./AuthRequest.ts"
import { refusePath } from "./decideAdmission.ts"

export const unsupportedProtocol = refuse(
  "protocol_not_supported",
  "Greenroom can neither follow nor end publishers over this protocol: publish over RTMP, RTSP, SRT or WebRTC"
)

const UNKNOWN_ACTION = "Only publish, read, playback, api, metrics and pprof are actions that can be allowed"

type DecidedByCall = Extract<AuthRequest, { readonly _tag: "Misplaced" | "Unsupported" | "Other" }>

export const decideByCall = (ask: DecidedByCall): Refusal => {
  switch (ask._tag) {
    case "Misplaced":
      return refusePath(ask.path) ?? refuse("key_misplaced", ask.detail)
    case "Unsupported":
      return unsupportedProtocol
    case "Other":
      return refuse("unknown_action", UNKNOWN_ACTION)
  }
}
