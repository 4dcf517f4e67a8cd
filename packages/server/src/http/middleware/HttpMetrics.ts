/** What the shell counts: requests and their durations, by method, route pattern and status. No label carries what a client sent. */
import { type Context, Metric } from "effect"

const requests = Metric.counter("greenroom_http_requests_total", {
  description: "HTTP requests answered",
  incremental: true
})

const seconds = Metric.histogram("greenroom_http_request_seconds", {
  description: "Time to answer an HTTP request",
  boundaries: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
})

type Labelled = readonly [typeof requests, typeof seconds]

/** The labelled metrics of each combination that has occurred; routes, methods and statuses are few. */
const labelled = new Map<string, Labelled>()

const labelledBy = (method: string, route: string, status: number): Labelled => {
  const key = `${method} ${route} ${status}`
  const known = labelled.get(key)
  if (known !== undefined) return known
  const attributes = { method, route, status: String(status) }
  const made: Labelled = [Metric.withAttributes(requests, attributes), Metric.withAttributes(seconds, attributes)]
  labelled.set(key, made)
  return made
}

interface Answered {
  readonly method: string
  /** The pattern, or `null` when none matched. */
  readonly route: string | null
  readonly status: number
  readonly seconds: number
}

/** Counts one answered request. */
export const count = (context: Context.Context<never>, { method, route, status, seconds }: Answered): void => {
  const [total, histogram] = labelledBy(method, route ?? "none", status)
  total.updateUnsafe(1, context)
  histogram.updateUnsafe(seconds, context)
}
