/**
 * The media server port over MediaMTX's control API: `MediaMtx.layer({ apiUrl, user, password })`, or `MediaMtx.absent` where
 * there is none. `MediaMtx.makeOver` takes any `ControlApi`, such as one over a simulated MediaMTX.
 */
import "../effectOfAdapters.ts"

export { Decoded } from "./answerBody.ts"
export { type Call as MediaMtxCall, unavailable } from "./Call.ts"
export { type Answer, answerOf, type ControlApi, type Reply } from "./ControlApi.ts"
export * as ControlApiSchema from "./ControlApiSchema.ts"
export * as MediaMtx from "./MediaMtx.ts"
export { makeRestartSign, type RestartSign } from "./RestartSign.ts"
export * as ViewerItems from "./viewerItems.ts"
