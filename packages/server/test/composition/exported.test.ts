/** What is sent follows OpenTelemetry's conventions where Effect's exporters do not: the status of a span, and the unit of a metric. */
import { assert, it } from "@effect/vitest"
import { conventionalMetrics, conventionalTraces } from "../../src/composition/exported.ts"

type Traces = Parameters<typeof conventionalTraces>[0]
type Metrics = Parameters<typeof conventionalMetrics>[0]

it("a span is unset when it succeeded, and an error when it failed or has an error's type", () => {
  const span = (code: number, ...keys: ReadonlyArray<string>) => ({
    name: "a span",
    status: { code },
    attributes: keys.map((key) => ({ key, value: { stringValue: "500" } }))
  })
  const spans = [span(1), span(1, "http.route"), span(1, "error.type"), span(2), span(0)]
  const sent = conventionalTraces({ resourceSpans: [{ scopeSpans: [{ spans }] }] } as unknown as Traces)
  assert.deepStrictEqual(
    sent.resourceSpans[0]?.scopeSpans[0]?.spans.map(({ status }) => status.code),
    [0, 0, 2, 2, 0]
  )
})

it("a metric has its unit, and no attribute of that name; all else is left as it is", () => {
  const point = (...keys: ReadonlyArray<string>) => ({
    count: 1,
    attributes: keys.map((key) => ({ key, value: { stringValue: "s" } }))
  })
  const histogram = (...keys: ReadonlyArray<string>) => ({
    name: "http.server.request.duration",
    unit: "s",
    histogram: { aggregationTemporality: 2, dataPoints: [point(...keys)] }
  })
  const counter = { name: "greenroom_kicks_total", unit: "1", sum: { dataPoints: [point("why")] } }
  const bodyOf = (...metrics: ReadonlyArray<unknown>) =>
    ({
      resourceMetrics: [{ resource: {}, scopeMetrics: [{ scope: { name: "greenroom" }, metrics }] }]
    }) as unknown as Metrics
  assert.deepStrictEqual(
    conventionalMetrics(bodyOf(histogram("http.route", "unit"), counter)),
    bodyOf(histogram("http.route"), counter)
  )
})
