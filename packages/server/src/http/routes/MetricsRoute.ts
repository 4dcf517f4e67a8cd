/** `GET /metrics`: the core's, the shell's and the process's metrics in Prometheus' text format. Open to every client that reaches the port. */
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"

export const layer = PrometheusMetrics.layerHttp()
