/**
 * The standard variables of OpenTelemetry that are read, and what follows from them. Nothing is exported unless an endpoint is set.
 * `grpc`, exporters other than OTLP's and samplers of vendors are not supported.
 */
import { randomUUID } from "node:crypto"
import { Redacted, Schema } from "effect"

const expected = (sentence: string) => ({ message: `expected ${sentence}` })

const endpoint = Schema.String.check(
  Schema.makeFilter((text) => {
    const fine = URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
    return fine || "expected a URL such as http://collector:4318"
  })
)

const pairsIn = (text: string): ReadonlyArray<readonly [string, string]> | null => {
  const pairs: Array<readonly [string, string]> = []
  for (const entry of text.split(",")) {
    const [, name, value] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(entry) ?? []
    if (name === undefined || value === undefined) return null
    try {
      pairs.push([decodeURIComponent(name), decodeURIComponent(value)])
    } catch {
      return null
    }
  }
  return pairs
}

const pairs = Schema.String.check(
  Schema.makeFilter((text) => pairsIn(text) !== null || "expected name=value,name=value, percent-encoded where needed")
)

/** Visible ASCII and spaces are what a header carries; its name is a token (RFC 9110, section 5). */
const headers = pairs.check(
  Schema.makeFilter(
    (text) =>
      (pairsIn(text) ?? []).every(
        ([name, value]) => /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) && /^[\x20-\x7e]*$/.test(value)
      ) || "expected headers as name=value,name=value"
  )
)

const millis = Schema.String.check(
  Schema.makeFilter((text) => {
    const fine = /^\d{1,6}$/.test(text) && Number(text) >= 100
    return fine || "expected milliseconds, 100 to 999999"
  })
).pipe(Schema.decodeTo(Schema.FiniteFromString))

const exporter = Schema.Literals(["otlp", "none"]).annotate(expected("otlp or none"))

const samplers = {
  always_on: { followsCaller: false, ratio: 1 },
  always_off: { followsCaller: false, ratio: 0 },
  traceidratio: { followsCaller: false, ratio: null },
  parentbased_always_on: { followsCaller: true, ratio: 1 },
  parentbased_always_off: { followsCaller: true, ratio: 0 },
  parentbased_traceidratio: { followsCaller: true, ratio: null }
} as const
type SamplerName = keyof typeof samplers
const samplerNames = Object.keys(samplers) as ReadonlyArray<SamplerName>

const ratio = Schema.String.check(
  Schema.makeFilter((text) => {
    const fine = /^(0|1|[01]?\.\d{1,10}|[01]\.?)$/.test(text) && Number(text) <= 1
    return fine || "expected a share between 0 and 1, such as 0.1"
  })
).pipe(Schema.decodeTo(Schema.FiniteFromString))

export const variables = {
  OTEL_SDK_DISABLED: Schema.optionalKey(Schema.Literals(["true", "false"]).annotate(expected("true or false"))),
  OTEL_SERVICE_NAME: Schema.optionalKey(Schema.String),
  OTEL_RESOURCE_ATTRIBUTES: Schema.optionalKey(pairs),
  OTEL_EXPORTER_OTLP_ENDPOINT: Schema.optionalKey(endpoint),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: Schema.optionalKey(endpoint),
  OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: Schema.optionalKey(endpoint),
  OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: Schema.optionalKey(endpoint),
  OTEL_EXPORTER_OTLP_HEADERS: Schema.optionalKey(Schema.RedactedFromValue(headers)),
  OTEL_EXPORTER_OTLP_PROTOCOL: Schema.optionalKey(
    Schema.Literals(["http/protobuf", "http/json"]).annotate(expected("http/protobuf or http/json"))
  ),
  OTEL_EXPORTER_OTLP_COMPRESSION: Schema.optionalKey(
    Schema.Literals(["gzip", "none"]).annotate(expected("gzip or none"))
  ),
  OTEL_EXPORTER_OTLP_TIMEOUT: Schema.optionalKey(millis),
  OTEL_TRACES_EXPORTER: Schema.optionalKey(exporter),
  OTEL_METRICS_EXPORTER: Schema.optionalKey(exporter),
  OTEL_LOGS_EXPORTER: Schema.optionalKey(exporter),
  OTEL_TRACES_SAMPLER: Schema.optionalKey(Schema.Literals(samplerNames).annotate(expected(samplerNames.join(", ")))),
  OTEL_TRACES_SAMPLER_ARG: Schema.optionalKey(ratio),
  OTEL_BSP_SCHEDULE_DELAY: Schema.optionalKey(millis),
  OTEL_BLRP_SCHEDULE_DELAY: Schema.optionalKey(millis),
  OTEL_METRIC_EXPORT_INTERVAL: Schema.optionalKey(millis)
}

const Variables = Schema.Struct(variables)
export type Variables = typeof Variables.Type

/** Which requests are traced. */
export interface Sampler {
  /** A caller that sends `traceparent` decides itself. */
  readonly followsCaller: boolean
  /** The share of the others. */
  readonly ratio: number
}

export interface Telemetry {
  /** The variables that `Otlp.layerFromConfig` reads. */
  readonly variables: Readonly<Record<string, string>>
  readonly headers: Redacted.Redacted<Readonly<Record<string, string>>>
  readonly protocol: "http/protobuf" | "http/json"
  readonly timeoutMillis: number
  readonly sampler: Sampler
  readonly resource: { readonly serviceName: string; readonly attributes: Readonly<Record<string, string>> }
}

const endpoints = [
  "OTEL_EXPORTER_OTLP_ENDPOINT",
  "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
  "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
  "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"
] as const

const passedOn = [
  ...endpoints,
  "OTEL_TRACES_EXPORTER",
  "OTEL_METRICS_EXPORTER",
  "OTEL_LOGS_EXPORTER",
  "OTEL_EXPORTER_OTLP_COMPRESSION",
  "OTEL_BSP_SCHEDULE_DELAY",
  "OTEL_BLRP_SCHEDULE_DELAY",
  "OTEL_METRIC_EXPORT_INTERVAL"
] as const

const samplerOf = ({ OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: share }: Variables): Sampler => {
  const { followsCaller, ratio } = samplers[name ?? "parentbased_always_on"]
  return { followsCaller, ratio: ratio ?? share ?? 1 }
}

/** `null` when nothing is exported. Headers and attributes are read here: Effect's `Config.Record` keeps a space after a comma. */
export const telemetryOf = (settings: Variables): Telemetry | null => {
  if (settings.OTEL_SDK_DISABLED === "true" || endpoints.every((name) => settings[name] === undefined)) return null
  const { "service.name": named, ...attributes } = Object.fromEntries(
    pairsIn(settings.OTEL_RESOURCE_ATTRIBUTES ?? "") ?? []
  )
  const sent = settings.OTEL_EXPORTER_OTLP_HEADERS
  const given = passedOn.filter((name) => settings[name] !== undefined).map((name) => [name, String(settings[name])])
  return {
    variables: {
      OTEL_TRACES_EXPORTER: "otlp",
      OTEL_METRICS_EXPORTER: "otlp",
      OTEL_LOGS_EXPORTER: "otlp",
      ...Object.fromEntries(given)
    },
    headers: Redacted.make(Object.fromEntries(sent === undefined ? [] : (pairsIn(Redacted.value(sent)) ?? []))),
    protocol: settings.OTEL_EXPORTER_OTLP_PROTOCOL ?? "http/protobuf",
    timeoutMillis: settings.OTEL_EXPORTER_OTLP_TIMEOUT ?? 10_000,
    sampler: samplerOf(settings),
    resource: {
      serviceName: settings.OTEL_SERVICE_NAME ?? named ?? "greenroom",
      // Without it the metrics of two instances would be one series.
      attributes: { "service.instance.id": randomUUID(), ...attributes }
    }
  }
}
