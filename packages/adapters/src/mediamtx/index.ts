/**
 * The media server port over MediaMTX's control API: `MediaMtx.layer({ apiUrl, user, password })`, or `MediaMtx.absent` where
 * there is none.
 */

/** The schemas of the control API's answers, and the parts that a simulation composes by itself. */
export * as ControlApiSchema from "./ControlApiSchema.ts"
export { hedge } from "./hedge.ts"
export * as MediaMtx from "./MediaMtx.ts"
export { makeRestartSign } from "./RestartSign.ts"
export { makeRtspLock, type RtspLock } from "./RtspLock.ts"
export { makeRtspLookupCooldown } from "./RtspLookupCooldown.ts"
