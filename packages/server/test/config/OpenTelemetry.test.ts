import { assert, describe, it } from "@effect/vitest"
import { Redacted } from "effect"
import { telemetryOf } from "../../src/config/OpenTelemetry.ts"

const everywhere = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318/" } as const

describe("what the OTEL variables come to", () => {
  it("is nothing without an endpoint, and nothing when it is switched off", () => {
    assert.isNull(telemetryOf({}))
    assert.isNull(telemetryOf({ OTEL_SERVICE_NAME: "greenroom", OTEL_TRACES_EXPORTER: "otlp" }))
    assert.isNull(telemetryOf({ ...everywhere, OTEL_SDK_DISABLED: "true" }))
    const none = { OTEL_TRACES_EXPORTER: "none", OTEL_METRICS_EXPORTER: "none", OTEL_LOGS_EXPORTER: "none" } as const
    assert.isNull(telemetryOf({ ...everywhere, ...none }))
  })

  it("is the standard path of each signal below the common endpoint, and a signal's own endpoint as it stands", () => {
    assert.deepStrictEqual(telemetryOf({ ...everywhere, OTEL_LOGS_EXPORTER: "none" })?.urls, {
      traces: "http://collector:4318/v1/traces",
      metrics: "http://collector:4318/v1/metrics",
      logs: null
    })
    assert.deepStrictEqual(telemetryOf({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://tempo/otlp" })?.urls, {
      traces: "http://tempo/otlp",
      metrics: null,
      logs: null
    })
  })

  it("has headers and attributes decoded, and the service's name from either place", () => {
    const it = telemetryOf({
      ...everywhere,
      OTEL_EXPORTER_OTLP_HEADERS: Redacted.make("authorization=Bearer%20t0ken, x=a=b"),
      OTEL_RESOURCE_ATTRIBUTES: "service.name=east,zone=a%2Cb"
    })
    assert.deepStrictEqual(it && Redacted.value(it.headers), { authorization: "Bearer t0ken", x: "a=b" })
    assert.strictEqual(it?.serviceName, "east")
    assert.deepStrictEqual(it?.attributes, { zone: "a,b" })
    assert.strictEqual(telemetryOf({ ...everywhere, OTEL_SERVICE_NAME: "west" })?.serviceName, "west")
  })
})
