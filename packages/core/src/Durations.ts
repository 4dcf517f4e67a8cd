/**
 * Durations under the names, units and boundaries of OpenTelemetry's stable semantic conventions (HTTP 1.23, databases 1.33), beside the metrics of
 * `Metrics.ts`. Methods, routes, operations and statuses are few. What a mistake would make many ends at the limit that OpenTelemetry's
 * specification has for a metric: further combinations are counted together.
 */
import { type Context, Metric } from "effect"

/** "Cardinality limits" of the metrics SDK's specification. */
const SERIES_MAX = 2_000

/** Effect's exporters take the unit from this attribute. None of them shows it as a label. */
const UNIT = { unit: "s" }

type Attributes = Readonly<Record<string, string | undefined>>
/** Records seconds. An attribute without a value is left out. */
export type Recorder<A extends Attributes> = (attributes: A, seconds: number, context: Context.Context<never>) => void
type Seconds = ReturnType<typeof Metric.histogram>

/** The labelled metrics of each combination that has occurred are made once: the hot path records several. */
export const recorderOf = <A extends Attributes>(metric: Seconds, max = SERIES_MAX): Recorder<A> => {
  const known = new Map<string, Seconds>()
  const overflow = Metric.withAttributes(metric, { "otel.metric.overflow": "true", ...UNIT })
  const add = (key: string, attributes: A): Seconds => {
    const given = Object.entries(attributes).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
    const made = Metric.withAttributes(metric, { ...Object.fromEntries(given), ...UNIT })
    known.set(key, made)
    return made
  }
  return (attributes, seconds, context) => {
    const key = Object.values(attributes).join("\n")
    const labelled = known.get(key) ?? (known.size < max ? add(key, attributes) : overflow)
    labelled.updateUnsafe(seconds, context)
  }
}

const httpBoundaries = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]

const serverRequests = Metric.histogram("http.server.request.duration", {
  description: "Duration of HTTP server requests",
  boundaries: httpBoundaries
})

/** `http.server.request.duration`: one request that was answered. */
export const recordServerRequest: Recorder<{
  readonly "http.request.method": string
  readonly "url.scheme": string
  /** The pattern, when one matched. */
  readonly "http.route": string | undefined
  /** Only of an answer that was sent. */
  readonly "http.response.status_code": string | undefined
  readonly "error.type": string | undefined
}> = recorderOf(serverRequests)

const clientRequests = Metric.histogram("http.client.request.duration", {
  description: "Duration of HTTP client requests",
  boundaries: httpBoundaries
})

/** What every outgoing request is described by, in metric and span alike. */
export interface ClientRequest {
  readonly "http.request.method": string
  readonly "url.scheme": string
  /** Of the media server alone: the hosts of webhook endpoints change without end. */
  readonly "server.address": string | undefined
  readonly "server.port": string | undefined
  /** The route of a control API call; `webhook` for a webhook. */
  readonly "url.template": string
}

/** `http.client.request.duration`: one request that was sent. */
export const recordClientRequest: Recorder<{
  readonly [Name in keyof ClientRequest | "http.response.status_code" | "error.type"]: Name extends keyof ClientRequest
    ? ClientRequest[Name]
    : string | undefined
}> = recorderOf(clientRequests)

const databaseOperations = Metric.histogram("db.client.operation.duration", {
  description: "Duration of database client operations",
  boundaries: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]
})

/** `db.client.operation.duration`: one use of the database. */
export const recordDatabaseOperation: Recorder<{
  readonly "db.system.name": string
  readonly "db.namespace": string
  /** The port and its call, `Admissions.admit`. */
  readonly "db.operation.name": string
  readonly "error.type": string | undefined
}> = recorderOf(databaseOperations)

const methods = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"])

/** Of a request that came from outside: what the convention does not know has one name together. */
export const knownMethod = (method: string): string => (methods.has(method) ? method : "_OTHER")
