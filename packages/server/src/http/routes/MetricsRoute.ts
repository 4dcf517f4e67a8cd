/**
 * `GET /metrics`: the core's, the shell's and the process's metrics in Prometheus' text format. Open to every client that reaches the port.
 * Names of OpenTelemetry's conventions become what its own exporters make of them for Prometheus: with underscores, and the unit at the end.
 */
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"

export const prometheusName = (name: string): string => (name.endsWith(".duration") ? `${name}.seconds` : name)

export const layer = PrometheusMetrics.layerHttp({ metricNameMapper: prometheusName })
