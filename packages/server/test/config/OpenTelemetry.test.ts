import { assert, describe, it } from "@effect/vitest"
import { Redacted } from "effect"
import { telemetryOf } from "../../src/config/OpenTelemetry.ts"

const everywhere = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318/" } as const

describe("what the OTEL variables come to", () => {
  it("is nothing without an endpoint, and nothing when it is switched off", () => {
    assert.isNull(telemetryOf({}))
    assert.isNull(telemetryOf({ OTEL_SERVICE_NAME: "greenroom", OTEL_TRACES_EXPORTER: "otlp" }))
    assert.isNull(telemetryOf({ ...everywhere, OTEL_SDK_DISABLED: "true" }))
  })

  it("is every signal, unless one is switched off", () => {
    assert.deepStrictEqual(telemetryOf({ ...everywhere, OTEL_LOGS_EXPORTER: "none" })?.variables, {
      OTEL_TRACES_EXPORTER: "otlp",
      OTEL_METRICS_EXPORTER: "otlp",
      OTEL_LOGS_EXPORTER: "none",
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318/"
    })
  })

  it("has headers and attributes decoded, and the service's name from either place", () => {
    const it = telemetryOf({
      ...everywhere,
      OTEL_EXPORTER_OTLP_HEADERS: Redacted.make("authorization=Bearer%20t0ken, x=a=b"),
      OTEL_RESOURCE_ATTRIBUTES: "service.name=east,zone=a%2Cb"
    })
    assert.deepStrictEqual(it && Redacted.value(it.headers), { authorization: "Bearer t0ken", x: "a=b" })
    assert.deepStrictEqual(it?.resource, {
      serviceName: "east",
      attributes: { zone: "a,b", "service.instance.id": it?.resource.attributes["service.instance.id"] ?? "missing" }
    })
    assert.strictEqual(telemetryOf({ ...everywhere, OTEL_SERVICE_NAME: "west" })?.resource.serviceName, "west")
  })

  it("has an id for each process, unless one is given", () => {
    const idOf = (more: object) => telemetryOf({ ...everywhere, ...more })?.resource.attributes["service.instance.id"]
    assert.notStrictEqual(idOf({}), idOf({}))
    assert.strictEqual(idOf({ OTEL_RESOURCE_ATTRIBUTES: "service.instance.id=one" }), "one")
  })

  it("takes every request, or the share that a sampler of OpenTelemetry's names", () => {
    const samplerOf = (
      OTEL_TRACES_SAMPLER?: "always_off" | "parentbased_traceidratio" | "traceidratio",
      share = 0.25
    ) =>
      telemetryOf({
        ...everywhere,
        ...(OTEL_TRACES_SAMPLER === undefined ? {} : { OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG: share })
      })?.sampler
    assert.deepStrictEqual(samplerOf(), { followsCaller: true, ratio: 1 })
    assert.deepStrictEqual(samplerOf("always_off"), { followsCaller: false, ratio: 0 })
    assert.deepStrictEqual(samplerOf("traceidratio"), { followsCaller: false, ratio: 0.25 })
    assert.deepStrictEqual(samplerOf("parentbased_traceidratio"), { followsCaller: true, ratio: 0.25 })
    assert.deepStrictEqual(telemetryOf({ ...everywhere, OTEL_TRACES_SAMPLER: "traceidratio" })?.sampler.ratio, 1)
  })
})
