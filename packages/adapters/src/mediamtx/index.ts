/**
 * The media server port over MediaMTX's control API: `MediaMtx.layer({ apiUrl, user, password })`, or `MediaMtx.absent` where
 * there is none.
 */
export * as MediaMtx from "./MediaMtx.ts"
