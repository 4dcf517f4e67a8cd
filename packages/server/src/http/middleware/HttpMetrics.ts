/**
 * What the shell counts: requests and their durations, by method, route pattern and status; and the same duration under OpenTelemetry's name.
 * No label carries what a client sent.
 */
import { knownMethod, recordServerRequest } from "@greenroom/core/internal"
import { type Context, Metric } from "effect"

const requests = Metric.counter("greenroom_http_requests_total", {
  description: "HTTP requests answered",
  incremental: true
})

const seconds = Metric.histogram("greenroom_http_request_seconds", {
  description: "Time to answer an HTTP request",
  boundaries: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
})

/** In the place of a status where the client went away; it is not sent. */
export const CLIENT_GONE = 499

type Record = (seconds: number, context: Context.Context<never>) => void

/** One for each combination that has occurred; routes, methods and statuses are few. */
const recorders = new Map<string, Record>()

const recorder = (method: string, route: string | null, status: number): Record => {
  const attributes = { method, route: route ?? "none", status: String(status) }
  const total = Metric.withAttributes(requests, attributes)
  const histogram = Metric.withAttributes(seconds, attributes)
  const standard = {
    "http.request.method": method,
    "url.scheme": "http",
    "http.route": route ?? undefined,
    "http.response.status_code": status === CLIENT_GONE ? undefined : String(status),
    "error.type": errorTypeOf(status)
  }
  return (took, context) => {
    total.updateUnsafe(1, context)
    histogram.updateUnsafe(took, context)
    recordServerRequest(standard, took, context)
  }
}

/** As OpenTelemetry's conventions for HTTP have it: an answer of 4xx is no error of the server. */
export const errorTypeOf = (status: number): string | undefined =>
  status === CLIENT_GONE ? "client_gone" : status >= 500 ? String(status) : undefined

interface Answered {
  /** As it was sent, or `none` of a request that could not be read. */
  readonly method: string
  /** The pattern, or `null` when none matched. */
  readonly route: string | null
  readonly status: number
  readonly seconds: number
}

/** Counts one answered request. */
export const count = (context: Context.Context<never>, { method, route, status, seconds }: Answered): void => {
  const name = method === "none" ? method : knownMethod(method)
  const key = `${name} ${route ?? "none"} ${status}`
  let record = recorders.get(key)
  if (record === undefined) {
    record = recorder(name, route, status)
    recorders.set(key, record)
  }
  record(seconds, context)
}
