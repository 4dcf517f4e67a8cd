/** OTLP export to a collector of the test's own, and what a collector that is away or hangs does to the service: nothing. */
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { noMediaServer } from "../../../../verification/worlds/service.ts"
import { until, useHome } from "./home.ts"

interface Received {
  readonly url: string
  readonly headers: http.IncomingHttpHeaders
  readonly text: string
}

interface Span {
  readonly name: string
  readonly traceId: string
  readonly parentSpanId?: string
  readonly attributes: ReadonlyArray<{ readonly key: string; readonly value: Readonly<Record<string, unknown>> }>
}

describe("telemetry", () => {
  const home = useHome(noMediaServer)
  let received: Array<Received> = []
  let hangs = false
  let collector: http.Server
  let endpoint = ""

  beforeEach(async () => {
    received = []
    hangs = false
    collector = http.createServer(async (request, response) => {
      const chunks: Array<Buffer> = []
      for await (const chunk of request) chunks.push(chunk)
      received.push({
        url: request.url ?? "",
        headers: request.headers,
        text: Buffer.concat(chunks).toString("latin1")
      })
      if (!hangs) response.writeHead(200, { "content-type": "application/json" }).end("{}")
    })
    await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve))
    endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`
  })
  afterEach(() => {
    collector.closeAllConnections()
    return new Promise((resolve) => collector.close(resolve))
  })

  const often = {
    OTEL_BSP_SCHEDULE_DELAY: "200",
    OTEL_BLRP_SCHEDULE_DELAY: "200",
    OTEL_METRIC_EXPORT_INTERVAL: "500"
  }

  const post = async (url: string, body: object, secret = home.secret()) =>
    (
      await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json", "x-api-key": secret },
        body: JSON.stringify(body)
      })
    ).json() as Promise<Record<string, string>>

  /** A key that is used in every place where a client might put it. */
  const keyUsed = async (url: string) => {
    const { id } = await post(`${url}/broadcasters`, { display_name: "Studio One" })
    const { key_value: key = "" } = await post(`${url}/stream-keys`, { broadcaster_id: id, path: "live/one" })
    assert.match(key, /^sk_/)
    const ask = { action: "publish", path: "live/one", protocol: "rtmp", id: "3f0c1c1e-94f6-4ed2-b8a0-111111111111" }
    const basic = Buffer.from(`mediamtx:${"not-asked-for"}`).toString("base64")
    await fetch(`${url}/auth`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Basic ${basic}` },
      body: JSON.stringify({ ...ask, password: key, query: `key=${key}` })
    })
    await post(`${url}/auth`, { ...ask, path: `live/${key}`, password: key })
    await fetch(`${url}/streams/${key}`, { headers: { "x-api-key": home.secret() } })
    return key
  }

  const spans = (): ReadonlyArray<Span> =>
    received
      .filter(({ url }) => url === "/v1/traces")
      .flatMap(({ text }) => JSON.parse(text).resourceSpans)
      .flatMap(({ scopeSpans }) => scopeSpans)
      .flatMap(({ spans }) => spans)
  const attribute = (span: Span, key: string) =>
    Object.values(span.attributes.find((one) => one.key === key)?.value ?? {})[0]

  it("brings requests, metrics and logs to the collector, and no key", async () => {
    const service = home.start({
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_HEADERS: "x-tenant=green%20room",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment=test",
      ...often
    })
    const key = await keyUsed(await service.ready)
    await until(
      () => spans().some((span) => attribute(span, "http.route") === "/streams/:id"),
      "the last request's span has arrived"
    )
    const arrived = (at: string, text: string) => received.some((one) => one.url === at && one.text.includes(text))
    await until(() => arrived("/v1/metrics", "greenroom_http_requests_total"), "the metrics have arrived")
    await until(() => arrived("/v1/logs", '"request"'), "the log lines have arrived")

    const auth = spans().find((span) => attribute(span, "http.route") === "/auth")
    assert.strictEqual(auth?.name, "POST /auth")
    assert.strictEqual(Number(attribute(auth!, "http.response.status_code")), 200)
    const issue = spans().find((span) => span.name === "issueKey")
    assert.isDefined(issue?.parentSpanId)
    const roots = spans().filter(({ parentSpanId }) => parentSpanId === undefined || parentSpanId === "")
    for (const root of roots) assert.isDefined(attribute(root, "url.path"), `${root.name} is no request`)

    for (const { headers } of received) assert.strictEqual(headers["x-tenant"], "green room")
    const all = received.map(({ text }) => text).join()
    assert.include(all, "deployment.environment")
    for (const secret of [key, home.secret()]) assert.notInclude(all, secret)
  })

  it("speaks protobuf unless told otherwise, and sends only what was asked for", async () => {
    const service = home.start({
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${endpoint}/here`,
      OTEL_SERVICE_NAME: "green",
      ...often
    })
    const key = await keyUsed(await service.ready)
    await until(() => received.some(({ text }) => text.includes("/streams/:id")), "the last request's span")
    assert.deepStrictEqual(
      new Set(received.map(({ url, headers }) => `${url} ${headers["content-type"]}`)),
      new Set(["/here application/x-protobuf"])
    )
    assert.notInclude(received.map(({ text }) => text).join(), key)
  })

  const complaints = (err: string) => err.split("\n").filter((line) => line.includes("telemetry"))

  it("says once that the collector is away, and once that it is back", async () => {
    const { port } = collector.address() as AddressInfo
    await new Promise((resolve) => collector.close(resolve))
    const service = home.start({
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_METRICS_EXPORTER: "none",
      OTEL_LOGS_EXPORTER: "none",
      ...often
    })
    const url = await service.ready
    const asked = async () => (await fetch(`${url}/health`)).status
    assert.strictEqual(await asked(), 200)
    await until(() => complaints(service.err()).length > 0, "it complains")
    await new Promise<void>((resolve) => collector.listen(port, "127.0.0.1", resolve))
    await until(() => complaints(service.err()).length > 1, "it is back")
    const [away, back, ...more] = complaints(service.err())
    assert.match(away!, /"level":"warn".*cannot be delivered.*ECONNREFUSED/)
    assert.match(back!, /"level":"info".*again/)
    assert.deepStrictEqual(more, [])
  })

  it("does not wait for a collector that hangs, neither to answer nor to end", async () => {
    hangs = true
    const service = home.start({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_EXPORTER_OTLP_TIMEOUT: "500", ...often })
    const url = await service.ready
    for (let calls = 0; calls < 20; calls++) assert.strictEqual((await fetch(`${url}/health`)).status, 200)
    await until(() => complaints(service.err()).length > 0, "it complains")
    service.child.kill("SIGTERM")
    assert.strictEqual(await service.ended, 0)
    assert.include(complaints(service.err()).join(), "no answer within 500 ms")
  })
})
