/**
 * What of a media server's version and configuration bears on whether its streams can be decided, followed and ended: from `/v3/info`,
 * `/v3/config/global/get` and the path defaults. What could not be read is `null`.
 */

/** Actions that `authHTTPExclude` can hold. */
export type ExcludedAction = "publish" | "read" | "playback" | "api" | "metrics" | "pprof"

export interface MediaServerFacts {
  /** As MediaMTX gives it, `v1.20.1`; `null` up to 1.15.1, which has no `/v3/info`. */
  readonly version: string | null
  /** `http`, `internal` or `jwt`. */
  readonly authMethod: string | null
  /** For which it does not ask, on every path or on one. */
  readonly authExcludes: ReadonlyArray<ExcludedAction>
  /** `on, but not listed`: publishers over it could neither be followed nor kicked. */
  readonly moq: "off" | "on" | "on, but not listed"
  /** Of the path defaults; a path may have its own. */
  readonly overridePublisher: boolean | null
  readonly readTimeoutMillis: number | null
  /** Of an HLS segment, as configured; the media server's may be longer, by the distance of key frames. */
  readonly hlsSegmentMillis: number | null
  /** RTSP is on, and UDP is among its transports. */
  readonly rtspOverUdp: boolean
}

/** Those of a media server that is configured as docs/mediamtx.md has it: no warning follows from them. */
export const recommendedFacts: MediaServerFacts = {
  version: "v1.20.1",
  authMethod: "http",
  authExcludes: [],
  moq: "off",
  overridePublisher: true,
  readTimeoutMillis: 4_000,
  hlsSegmentMillis: 1_000,
  rtspOverUdp: false
}
