/**
 * Traces, metrics and logs over OTLP, when an endpoint is set; without one nothing of this is loaded. What leaves here is
 * searched for stream keys last of all, as log lines are. A collector that is away, slow or wrong costs the service nothing but
 * what it would have sent: calls have a deadline, only a few are open at a time, and trouble is logged once.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { ConfigProvider, Effect, Layer, Option, Redacted, Semaphore, Tracer } from "effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as Otlp from "effect/observability/Otlp"
import * as OtlpSerialization from "effect/observability/OtlpSerialization"
import type { Telemetry } from "../config/OpenTelemetry.ts"
import { version } from "../http/api/version.ts"
import { clean, conventionalMetrics, conventionalTraces } from "./exported.ts"
import { sampling } from "./sampling.ts"

/** With the exporter's thousand items a batch, this bounds what waits for a collector that hangs. */
const OPEN_CALLS = 6

const serialization = (protocol: Telemetry["protocol"]) =>
  Layer.effect(
    OtlpSerialization.OtlpSerialization,
    Effect.map(OtlpSerialization.OtlpSerialization, ({ traces, metrics, logs }) => ({
      traces: (data) => traces(conventionalTraces(clean(data))),
      metrics: (data) => metrics(conventionalMetrics(data)),
      logs: (data) => logs(clean(data))
    }))
  ).pipe(Layer.provide(protocol === "http/json" ? OtlpSerialization.layerJson : OtlpSerialization.layerProtobuf))

/** Logs when a collector cannot be reached, and when it can again. */
const reporting = () => {
  const troubled = new Set<string>()
  return (url: string, why: string | null) =>
    Effect.suspend(() => {
      if ((why === null) !== troubled.has(url)) return Effect.void
      if (why === null) {
        troubled.delete(url)
        return Effect.logInfo(`telemetry reaches ${url} again`)
      }
      troubled.add(url)
      return Effect.logWarning(`telemetry cannot be delivered and is dropped until it can: ${url} ${why}`)
    })
}

/** The exporter's client: with a deadline and a bound, and a log line when trouble begins and when it is over. */
const collector = ({ timeoutMillis }: Telemetry) =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.map(HttpClient.HttpClient, (client) => {
      const report = reporting()
      const slots = Semaphore.makeUnsafe(OPEN_CALLS)
      return HttpClient.transform(client, (call, request) => {
        const { origin, pathname } = new URL(request.url)
        const url = `${origin}${pathname}`
        const failed = (description: string) =>
          new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request, description }) })
        return call.pipe(
          Effect.timeoutOrElse({
            duration: timeoutMillis,
            orElse: () => Effect.fail(failed(`no answer within ${timeoutMillis} ms`))
          }),
          Effect.tap(({ status }) => report(url, status < 300 ? null : `answers with status ${status}`)),
          Effect.tapError((error) => report(url, `cannot be reached (${describe(error)})`)),
          slots.withPermitsIfAvailable(1),
          Effect.flatMap(
            Option.match({ onNone: () => Effect.die(failed("too many calls are open")), onSome: Effect.succeed })
          )
        )
      })
    })
  ).pipe(
    Layer.provide(NodeHttpClient.layerUndiciOptions({ headersTimeout: timeoutMillis, bodyTimeout: timeoutMillis }))
  )

const describe = ({ reason }: HttpClientError.HttpClientError): string => {
  const cause = "cause" in reason ? reason.cause : undefined
  if (cause instanceof Error) return cause.message
  return "description" in reason && reason.description !== undefined ? reason.description : reason._tag
}

export const telemetry = (it: Telemetry) =>
  Layer.effect(
    Tracer.Tracer,
    Effect.map(Tracer.Tracer, (tracer) => (tracer === Tracer.nativeTracer ? tracer : sampling(tracer, it.sampler)))
  ).pipe(
    Layer.provideMerge(
      Otlp.layerFromConfig({
        headers: Redacted.value(it.headers),
        resource: { ...it.resource, serviceVersion: version }
      })
    ),
    Layer.provide([
      collector(it),
      serialization(it.protocol),
      ConfigProvider.layer(ConfigProvider.fromUnknown(it.variables))
    ])
  )
