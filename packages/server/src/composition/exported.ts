/** What is sent, as OpenTelemetry's conventions have it where Effect's exporters differ, and without stream keys. */
import { withoutKeys } from "@greenroom/core"
import type * as OtlpSerialization from "effect/observability/OtlpSerialization"

type Serialization = OtlpSerialization.OtlpSerialization["Service"]
type Traces = Parameters<Serialization["traces"]>[0]
type Metrics = Parameters<Serialization["metrics"]>[0]

export const clean = <A>(data: A): A => JSON.parse(withoutKeys(JSON.stringify(data)))

const UNSET = 0
const ERROR = 2

type Span = Traces["resourceSpans"][number]["scopeSpans"][number]["spans"][number]

/** Only an operator sets `Ok`: a library leaves a success unset. A span with an `error.type` failed, also where its effect succeeded. */
const conventionalSpan = (span: Span): Span => {
  const failed = span.status.code === ERROR || span.attributes.some(({ key }) => key === "error.type")
  return { ...span, status: failed ? { ...span.status, code: ERROR } : { code: UNSET } }
}

export const conventionalTraces = (data: Traces): Traces => ({
  resourceSpans: data.resourceSpans.map((resource) => ({
    ...resource,
    scopeSpans: resource.scopeSpans.map((scope) => ({ ...scope, spans: scope.spans.map(conventionalSpan) }))
  }))
})

type Metric = Metrics["resourceMetrics"][number]["scopeMetrics"][number]["metrics"][number]

/** Effect reads the unit from an attribute, and sends it as an attribute as well. */
const withoutUnit = (metric: Metric): Metric => {
  if (metric.histogram === undefined) return metric
  const dataPoints = metric.histogram.dataPoints.map(({ attributes = [], ...point }) => ({
    ...point,
    attributes: attributes.filter(({ key }) => key !== "unit")
  }))
  return { ...metric, histogram: { ...metric.histogram, dataPoints } }
}

export const conventionalMetrics = (data: Metrics): Metrics => ({
  resourceMetrics: data.resourceMetrics.map((resource) => ({
    ...resource,
    scopeMetrics: resource.scopeMetrics.map((scope) => ({ ...scope, metrics: scope.metrics.map(withoutUnit) }))
  }))
})
