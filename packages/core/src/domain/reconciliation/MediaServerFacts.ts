/**
 * What a media server says of itself that bears on whether its streams can be decided, followed and ended: from `/v3/info`,
 * `/v3/config/global/get` and the path defaults. What it does not say is `null`.
 */

/** Actions for which MediaMTX may be told not to ask (`authHTTPExclude`). */
export type ExcludedAction = "publish" | "read" | "playback" | "api" | "metrics" | "pprof"

export interface MediaServerFacts {
  /** As it says it, `v1.20.1`; `null` up to 1.13.1, which has no `/v3/info`. */
  readonly version: string | null
  /** `http`, `internal` or `jwt`. */
  readonly authMethod: string | null
  /** For which it does not ask, on every path or on one. */
  readonly authExcludes: ReadonlyArray<ExcludedAction>
  /** `on, but not listed`: publishers over it could neither be followed nor kicked. */
  readonly moq: "off" | "on" | "on, but not listed"
  /** Of the path defaults; a path may say otherwise. */
  readonly overridePublisher: boolean | null
  readonly readTimeoutMillis: number | null
  /** RTSP is on, and UDP is among its transports. */
  readonly rtspOverUdp: boolean
}
