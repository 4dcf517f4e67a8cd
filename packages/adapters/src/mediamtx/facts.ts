/**
 * The facts about a MediaMTX, read from its configuration. Formats differ between versions, so each field is read leniently: a
 * missing or unreadable field is `null`, or the behaviour of the versions before that field, and never a failure.
 */
import type { ExcludedAction, MediaServerFacts } from "@greenroom/core"
import type { GlobalConfig, PathDefaults } from "./ControlApiSchema.ts"

const actions: ReadonlyArray<ExcludedAction> = ["publish", "read", "playback", "api", "metrics", "pprof"]

const texts = (value: unknown): ReadonlyArray<string> =>
  Array.isArray(value) ? value.filter((one) => typeof one === "string") : []

/** A list of `{ action, path }`. An exclusion of a single path counts as well. */
const excludedActions = (value: unknown): ReadonlyArray<ExcludedAction> => {
  const named = new Set(
    Array.isArray(value) ? value.map((one: unknown) => (one as { action?: unknown } | null)?.action) : []
  )
  return actions.filter((action) => named.has(action))
}

const unitMillis: Readonly<Record<string, number>> = {
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
  ns: 1e-6
}

/** Go's durations, with MediaMTX's days: `10s`, `1m30s`, `1.5s`, `1d2h0m0s`. */
export const durationMillis = (value: unknown): number | null => {
  if (typeof value !== "string" || !/^(\d+(\.\d+)?(d|h|ms|us|µs|ns|m|s))+$/.test(value)) return null
  const parts = [...value.matchAll(/(\d+(?:\.\d+)?)(d|h|ms|us|µs|ns|m|s)/g)]
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (unitMillis[unit ?? ""] ?? 0), 0)
}

/** Before 1.11 the name is `protocols`; later that field is deprecated and `null`. */
const rtspOverUdp = ({ rtsp, rtspTransports, protocols }: GlobalConfig): boolean =>
  rtsp !== false && texts(rtspTransports ?? protocols).includes("udp")

export const factsOf = (
  version: string | null,
  config: GlobalConfig,
  /** `null` when they could not be read. */
  pathDefaults: PathDefaults | null,
  moqIsListed: boolean
): MediaServerFacts => ({
  version,
  authMethod: typeof config.authMethod === "string" ? config.authMethod : null,
  authExcludes: excludedActions(config.authHTTPExclude),
  moq: config.moq !== true ? "off" : moqIsListed ? "on" : "on, but not listed",
  overridePublisher: typeof pathDefaults?.overridePublisher === "boolean" ? pathDefaults.overridePublisher : null,
  readTimeoutMillis: durationMillis(config.readTimeout),
  hlsSegmentMillis: durationMillis(config.hlsSegmentDuration),
  rtspOverUdp: rtspOverUdp(config)
})
