/** Durations under OpenTelemetry's names: the boundaries that it recommends, and no series without a bound. */
import { assert, it } from "@effect/vitest"
import { recordClientRequest, recordDatabaseOperation, recorderOf, recordServerRequest } from "@greenroom/core/internal"
import { Context, Metric } from "effect"

const own = () => Context.make(Metric.MetricRegistry, new Map())
const snapshot = (context: Context.Context<never>) => Metric.snapshotUnsafe(context)

it("has the recommended boundaries, in seconds", () => {
  const context = own()
  const request = { "http.request.method": "GET", "url.scheme": "http", "error.type": undefined }
  const answered = { ...request, "http.response.status_code": "200" }
  recordServerRequest({ ...answered, "http.route": "/streams" }, 0.02, context)
  recordClientRequest(
    { ...answered, "server.address": undefined, "server.port": undefined, "url.template": "webhook" },
    0.02,
    context
  )
  const operation = { "db.system.name": "postgresql", "db.namespace": "greenroom", "db.operation.name": "Streams.list" }
  recordDatabaseOperation({ ...operation, "error.type": undefined }, 0.02, context)
  const found = Object.fromEntries(
    snapshot(context).flatMap((metric) =>
      metric.type === "Histogram" ? [[metric.id, metric.state.buckets.map(([boundary]) => boundary)]] : []
    )
  )
  const http = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
  assert.deepStrictEqual(found, {
    "http.server.request.duration": http,
    "http.client.request.duration": http,
    "db.client.operation.duration": [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]
  })
})

it("leaves out what has no value, and counts what is beyond the limit together", () => {
  const context = own()
  const record = recorderOf<{ readonly a: string; readonly b: string | undefined }>(
    Metric.histogram("test", { boundaries: [1] }),
    2
  )
  for (const a of ["1", "2", "1", "3", "4", "5"]) record({ a, b: undefined }, 0.5, context)
  const counts = snapshot(context).map((metric) => [
    metric.attributes,
    metric.type === "Histogram" ? metric.state.count : null
  ])
  assert.deepStrictEqual(counts, [
    [{ a: "1", unit: "s" }, 2],
    [{ a: "2", unit: "s" }, 1],
    [{ "otel.metric.overflow": "true", unit: "s" }, 3]
  ])
})
