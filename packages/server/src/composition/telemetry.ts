/**
 * Traces, metrics and logs over OTLP, when an endpoint is set; without one nothing of this is loaded. What leaves here is
 * searched for stream keys last of all, as log lines are. A collector that is away, slow or wrong costs the service nothing but
 * what it would have sent: calls have a deadline, only a few are open at a time, and trouble is logged once.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { withoutKeys } from "@greenroom/core"
import { ConfigProvider, Effect, Layer, Option, Redacted, Tracer } from "effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as OtlpExporter from "effect/observability/OtlpExporter"
import * as OtlpLogger from "effect/observability/OtlpLogger"
import * as OtlpMetrics from "effect/observability/OtlpMetrics"
import * as OtlpSerialization from "effect/observability/OtlpSerialization"
import * as OtlpTracer from "effect/observability/OtlpTracer"
import type { Telemetry } from "../config/OpenTelemetry.ts"
import { version } from "../http/api/version.ts"

/** With the exporter's thousand items a batch, this bounds what waits for a collector that hangs. */
const OPEN_CALLS = 6
const SHUTDOWN_WITHIN = "2 seconds"

const clean = <A>(data: A): A => JSON.parse(withoutKeys(JSON.stringify(data)))

const serialization = (protocol: Telemetry["protocol"]) =>
  Layer.effect(
    OtlpSerialization.OtlpSerialization,
    Effect.map(OtlpSerialization.OtlpSerialization, ({ traces, metrics, logs }) => ({
      traces: (data) => traces(clean(data)),
      metrics: (data) => metrics(data),
      logs: (data) => logs(clean(data))
    }))
  ).pipe(Layer.provide(protocol === "http/json" ? OtlpSerialization.layerJson : OtlpSerialization.layerProtobuf))

/** The exporter's client: with a deadline and a bound, and with a word when trouble begins and when it is over. */
const collector = ({ timeoutMillis }: Telemetry) =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.map(HttpClient.HttpClient, (client) => {
      const troubled = new Set<string>()
      let open = 0
      const report = (url: string, why: string | null) =>
        Effect.suspend(() => {
          if ((why === null) !== troubled.has(url)) return Effect.void
          if (why === null) {
            troubled.delete(url)
            return Effect.logInfo(`telemetry reaches ${url} again`)
          }
          troubled.add(url)
          return Effect.logWarning(`telemetry cannot be delivered and is dropped until it can: ${url} ${why}`)
        })
      return HttpClient.transform(client, (call, request) => {
        const url = `${new URL(request.url).origin}${new URL(request.url).pathname}`
        const tooMany = new HttpClientError.HttpClientError({
          reason: new HttpClientError.TransportError({ request, description: "too many calls are open" })
        })
        return Effect.suspend(() => {
          if (open >= OPEN_CALLS) return Effect.die(tooMany)
          open += 1
          return call.pipe(
            Effect.timeoutOrElse({
              duration: timeoutMillis,
              orElse: () =>
                Effect.fail(
                  new HttpClientError.HttpClientError({
                    reason: new HttpClientError.TransportError({
                      request,
                      description: `no answer within ${timeoutMillis} ms`
                    })
                  })
                )
            }),
            Effect.tap(({ status }) => report(url, status < 300 ? null : `answers with status ${status}`)),
            Effect.tapError((error) => report(url, `cannot be reached (${describe(error)})`)),
            Effect.ensuring(
              Effect.sync(() => {
                open -= 1
              })
            )
          )
        })
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

/** A trace is a request of a client; metrics show what goes on by itself every second. */
const requestsAlone = (tracer: Tracer.Tracer): Tracer.Tracer =>
  Tracer.make({
    span: (options) =>
      tracer.span(
        options.kind === "server" || Option.isSome(options.parent) ? options : { ...options, sampled: false }
      ),
    context: tracer.context
  })

export const telemetry = (it: Telemetry): Layer.Layer<never> => {
  const common = {
    headers: Redacted.value(it.headers),
    compression: it.compression,
    shutdownTimeout: SHUTDOWN_WITHIN,
    resource: { serviceName: it.serviceName, serviceVersion: version, attributes: it.attributes }
  } as const
  const { traces, metrics, logs } = it.urls
  const every = it.everyMillis
  return Layer.mergeAll(
    traces === null
      ? Layer.empty
      : Layer.effect(
          Tracer.Tracer,
          Effect.map(OtlpTracer.make({ ...common, url: traces, exportInterval: every.traces }), requestsAlone)
        ),
    metrics === null ? Layer.empty : OtlpMetrics.layer({ ...common, url: metrics, exportInterval: every.metrics }),
    logs === null ? Layer.empty : OtlpLogger.layer({ ...common, url: logs, exportInterval: every.logs })
  ).pipe(
    Layer.provide([
      OtlpExporter.layerFlusher,
      collector(it),
      serialization(it.protocol),
      // All that there is to configure has been read already.
      ConfigProvider.layer(ConfigProvider.fromUnknown({}))
    ])
  )
}
