/** What leaves the process whatever is put into it: no stream key, and only so many calls at a time. */
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import { telemetry } from "../../src/composition/telemetry.ts"
import { type Telemetry, telemetryOf } from "../../src/config/OpenTelemetry.ts"

/** A collector that keeps what it gets; the answers are its caller's to give. */
const collectorThat = (onRequest: (text: string, response: http.ServerResponse) => void) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const server = http.createServer(async (request, response) => {
        const chunks: Array<Buffer> = []
        for await (const chunk of request) chunks.push(chunk)
        onRequest(`${request.url} ${Buffer.concat(chunks).toString("latin1")}`, response)
      })
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      return server
    }),
    (server) =>
      Effect.promise(() => {
        server.closeAllConnections()
        return new Promise((resolve) => server.close(resolve))
      })
  ).pipe(Effect.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`))

const sentTo = (url: string, protocol: Telemetry["protocol"] = "http/json"): Telemetry =>
  telemetryOf({
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${url}/traces`,
    OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: `${url}/logs`,
    OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
    OTEL_EXPORTER_OTLP_TIMEOUT: 20_000,
    OTEL_BSP_SCHEDULE_DELAY: 20,
    OTEL_BLRP_SCHEDULE_DELAY: 20
  })!

const request = (name: string, attributes: Record<string, unknown>) =>
  Effect.logInfo(name).pipe(Effect.annotateLogs(attributes), Effect.withSpan(name, { kind: "server", attributes }))

describe("telemetry that leaves", () => {
  it.live.each(["http/json", "http/protobuf"] as const)(
    "as %s has no stream key in it, wherever one was put",
    (protocol) =>
      Effect.gen(function* () {
        const received: Array<string> = []
        const url = yield* collectorThat((text, response) => {
          received.push(text)
          response.writeHead(200).end()
        })
        const key = `sk_abcd${"x".repeat(39)}`
        yield* request(`it is ${key}`, { note: key, nested: JSON.stringify({ key }) }).pipe(
          Effect.provide(telemetry(sentTo(url, protocol)), { local: true })
        )
        const all = received.join()
        for (const signal of ["/traces", "/logs", "sk_abcd"]) assert.include(all, signal)
        assert.notInclude(all, "xxxxx")
      })
  )

  it.live("opens six calls at most to a collector that hangs, however much there is to send", () =>
    Effect.gen(function* () {
      const connected = yield* Deferred.make<void>()
      let open = 0
      const url = yield* collectorThat(() => {
        open += 1
        if (open === 6) Deferred.doneUnsafe(connected, Effect.void)
      })
      const span = Effect.withSpan(Effect.void, "a request", { kind: "server" })
      const batches = Effect.repeat(span, { times: 12_000 })
      yield* Effect.andThen(batches, Deferred.await(connected)).pipe(
        Effect.andThen(Effect.sleep("200 millis")),
        Effect.provide(telemetry(sentTo(url)), { local: true })
      )
      assert.strictEqual(open, 6)
    })
  )
})
