/**
 * One request is one trace, from the caller's `traceparent` to the statement and the control API call, which carry it on; a webhook's delivery is
 * one of its own, which its receiver gets. The process, its PostgreSQL, the collector and the receiver are real; the media server is simulated.
 */
import { randomBytes } from "node:crypto"
import * as fs from "node:fs"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import * as os from "node:os"
import * as path from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { type FakeMediaMtx, fakeMediaMtx } from "@greenroom/testing"
import { type ReceivedSpan, spanKinds, startOtlpReceiver } from "../../../../verification/worlds/otlpReceiver.ts"
import { type Service, startService } from "../../../../verification/worlds/service.ts"
import { startReceiver } from "../http/support/receiver.ts"
import { until } from "./home.ts"

const often = {
  OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
  OTEL_METRICS_EXPORTER: "none",
  OTEL_LOGS_EXPORTER: "none",
  OTEL_BSP_SCHEDULE_DELAY: "100"
}

const SPAN_ID = "00f067aa0ba902b7"
/** A trace that a caller began. */
const traceOf = (digit: string) => digit.repeat(32)

/** The control API, with what it was asked in between. */
const watched = async (apiUrl: string) => {
  const asked: Array<{ readonly url: string; readonly traceparent: string | undefined }> = []
  const server = http.createServer((request, response) => {
    asked.push({ url: request.url ?? "", traceparent: request.headers.traceparent as string | undefined })
    const onward = http.request(
      `${apiUrl}${request.url}`,
      { method: request.method, headers: request.headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(response)
      }
    )
    onward.on("error", () => response.destroy())
    request.pipe(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    asked,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }
}

describe("a trace", () => {
  const secret = randomBytes(24).toString("base64url")
  let directory = ""
  let service: Service
  let media: FakeMediaMtx
  let control: Awaited<ReturnType<typeof watched>>
  let collector: Awaited<ReturnType<typeof startOtlpReceiver>>

  const start = async (more: Readonly<Record<string, string>> = {}) => {
    service = startService({
      DATA_DIR: path.join(directory, "data"),
      API_PORT: "0",
      API_SECRET: secret,
      MEDIAMTX_API_URL: control.url,
      WEBHOOKS_ALLOW_PRIVATE: "true",
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
      ...often,
      ...more
    })
    const url = await service.ready
    await media.authenticateAt(`${url}/auth`)
    return url
  }
  const stop = () => {
    service.child.kill("SIGTERM")
    return service.ended
  }

  beforeAll(async () => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), "greenroom-traces-"))
    fs.chmodSync(directory, 0o711)
    media = await fakeMediaMtx()
    control = await watched(media.apiUrl)
    collector = await startOtlpReceiver()
  })
  afterAll(async () => {
    await Promise.all([control.close(), collector.close(), media.stop()])
    fs.rmSync(directory, { recursive: true, force: true })
  })

  const post = async (url: string, body: object, headers: Readonly<Record<string, string>> = {}) => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", "x-api-key": secret, ...headers },
      body: JSON.stringify(body)
    })
    return { status: response.status, body: (await response.json()) as Record<string, string> }
  }

  const newKey = async (url: string, path: string) => {
    const { body: owner } = await post(`${url}/broadcasters`, { display_name: "Studio One" })
    const { body } = await post(`${url}/stream-keys`, { broadcaster_id: owner.id, path })
    return body.key_value ?? ""
  }

  const publish = { action: "publish", protocol: "rtmp", id: "3f0c1c1e-94f6-4ed2-b8a0-111111111111" }

  /** An encoder is on the air; a second one comes with its key, and the media server is asked about the first. */
  const secondEncoder = async (url: string, headers: Readonly<Record<string, string>>) => {
    const path = `live/${randomBytes(4).toString("hex")}`
    const key = await newKey(url, path)
    const first = await media.publish({ protocol: "rtmp", path, key })
    assert.isTrue(first.admitted)
    assert.isTrue(await first.ready)
    const { status } = await post(`${url}/auth`, { ...publish, path, password: key, query: `key=${key}` }, headers)
    assert.strictEqual(status, 401)
    await first.unpublish()
    return key
  }

  const inTrace = (traceId: string) => collector.spans.filter((span) => span.traceId === traceId)
  const named = (spans: ReadonlyArray<ReceivedSpan>, name: string): ReceivedSpan => {
    const found = spans.find((span) => span.name === name)
    assert.isDefined(found, `${name} is among ${spans.map((span) => span.name).join(", ")}`)
    return found
  }

  describe("where every request is sampled", () => {
    let url = ""
    beforeAll(async () => {
      url = await start()
    })
    afterAll(stop)

    it("goes from the caller's span through request, use case and statement to the control API", async () => {
      const traceId = traceOf("a")
      const key = await secondEncoder(url, { traceparent: `00-${traceId}-${SPAN_ID}-01` })
      await until(
        () => inTrace(traceId).some(({ kind }) => kind === spanKinds.server),
        "the request's span has arrived"
      )

      const spans = inTrace(traceId)
      const request = named(spans, "POST /auth")
      const useCase = named(spans, "authenticate")
      const port = named(spans, "Admissions.admit")
      const statement = named(spans, "Admissions.admit postgres")
      const call = named(spans, "GET /v3/rtmpconns/get")
      assert.strictEqual(request.parentSpanId, SPAN_ID)
      assert.strictEqual(useCase.parentSpanId, request.spanId)
      assert.strictEqual(port.parentSpanId, useCase.spanId)
      assert.strictEqual(statement.parentSpanId, port.spanId)
      assert.strictEqual(call.parentSpanId, useCase.spanId)

      const { server, client } = spanKinds
      assert.deepStrictEqual([request.kind, statement.kind, call.kind], [server, client, client])
      assert.deepInclude(request.attributes, {
        "http.request.method": "POST",
        "http.route": "/auth",
        "http.response.status_code": 401,
        "url.path": "/auth",
        "url.scheme": "http"
      })
      // A refusal is no error of the server.
      assert.strictEqual(request.status, 0)
      assert.deepInclude(statement.attributes, {
        "db.system.name": "postgresql",
        "db.namespace": "postgres",
        "db.operation.name": "Admissions.admit"
      })
      assert.hasAllKeys(statement.attributes, [
        "db.system.name",
        "db.namespace",
        "db.operation.name",
        "server.address",
        "server.port"
      ])
      assert.deepInclude(call.attributes, {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "server.address": "127.0.0.1",
        "server.port": Number(new URL(control.url).port),
        "url.template": "/v3/rtmpconns/get"
      })
      const carried = control.asked.filter(({ traceparent }) => traceparent?.includes(traceId))
      assert.deepStrictEqual(
        carried.map(({ traceparent }) => traceparent),
        spans
          .filter(({ kind, attributes }) => kind === client && "url.template" in attributes)
          .map(({ spanId }) => `00-${traceId}-${spanId}-01`)
      )

      const all = collector.bodies.join()
      for (const hidden of [key, secret, "3f0c1c1e", "key="]) assert.notInclude(all, hidden)
      for (const { kind, parentSpanId, attributes } of collector.spans)
        if (parentSpanId === undefined) assert.isTrue(kind === server || attributes["url.template"] === "webhook")
    })

    it("of a change has the change and its entry in the audit log inside one transaction", async () => {
      const traceId = traceOf("e")
      await post(`${url}/broadcasters`, { display_name: "Studio One" }, { traceparent: `00-${traceId}-${SPAN_ID}-01` })
      await until(() => inTrace(traceId).some(({ kind }) => kind === spanKinds.server), "the request's span")
      const spans = inTrace(traceId)
      const operations = spans.filter(({ kind }) => kind === spanKinds.client).map(({ name }) => name)
      assert.includeMembers(operations, ["Broadcasters.create postgres", "AuditLog.append postgres"])
      const parentOf = ({ parentSpanId }: ReceivedSpan) => spans.find(({ spanId }) => spanId === parentSpanId)
      const ancestors = (span: ReceivedSpan | undefined): ReadonlyArray<string> =>
        span === undefined ? [] : [span.name, ...ancestors(parentOf(span))]
      const lines = ["Broadcasters.create postgres", "AuditLog.append postgres"].map((name) =>
        ancestors(parentOf(named(spans, name)))
      )
      for (const line of lines) assert.includeMembers([...line], ["AuditLog.recording postgres", "POST /broadcasters"])
    })

    it("that its caller does not collect is not collected here, and no span of it is made", async () => {
      const traceId = traceOf("b")
      await secondEncoder(url, { traceparent: `00-${traceId}-${SPAN_ID}-00` })
      const carried = control.asked.flatMap(({ traceparent }) => (traceparent?.includes(traceId) ? traceparent : []))
      assert.isNotEmpty(carried)
      // The request itself has an id, which is not its caller's.
      for (const traceparent of carried)
        assert.match(traceparent, new RegExp(`^00-${traceId}-(?!${SPAN_ID})\\w{16}-00$`))
      const later = traceOf("c")
      await post(`${url}/broadcasters`, { display_name: "Studio Two" }, { traceparent: `00-${later}-${SPAN_ID}-01` })
      await until(() => inTrace(later).some(({ kind }) => kind === spanKinds.server), "a later span has arrived")
      assert.deepStrictEqual(inTrace(traceId), [])
    })

    it.each([
      ["an invalid one", "00-zz-00f067aa0ba902b7-01"],
      ["one of nothing", `00-${"0".repeat(32)}-${SPAN_ID}-01`],
      ["a very long one", `00-${"a".repeat(4_000)}`]
    ])("begins anew after %s", async (_, traceparent) => {
      const from = collector.spans.length
      await post(`${url}/broadcasters`, { display_name: "Studio One" }, { traceparent })
      const request = () => collector.spans.slice(from).find(({ name }) => name === "POST /broadcasters")
      await until(() => request() !== undefined, "the request's span has arrived")
      assert.isUndefined(request()?.parentSpanId)
      assert.notInclude(request()?.traceId, "zz")
    })

    it("of a delivery is carried to the webhook's receiver", async () => {
      const receiver = await startReceiver((_, response) => response.writeHead(500).end())
      try {
        const { status } = await post(`${url}/webhook-endpoints`, { url: receiver.url })
        assert.strictEqual(status, 201)
        await post(`${url}/broadcasters`, { display_name: "Studio One" })
        await until(() => receiver.received.length > 0, "the receiver was asked")
        const [, traceId = "", spanId] = (receiver.received[0]?.headers.traceparent ?? "").split("-")
        assert.match(traceId, /^[0-9a-f]{32}$/)
        await until(() => inTrace(traceId).length > 0, "the delivery's span has arrived")
        const [delivery, ...others] = inTrace(traceId)
        assert.deepStrictEqual(others, [])
        assert.strictEqual(delivery?.spanId, spanId)
        assert.isUndefined(delivery?.parentSpanId)
        assert.deepInclude(delivery?.attributes, {
          "http.request.method": "POST",
          "http.response.status_code": 500,
          "error.type": "500",
          "url.template": "webhook"
        })
        assert.strictEqual(delivery?.status, 2)
      } finally {
        await receiver.close()
      }
    })
  })

  it("is collected of the share that the sampler takes", async () => {
    const from = collector.spans.length
    const url = await start({ OTEL_TRACES_SAMPLER: "parentbased_always_off" })
    await post(`${url}/broadcasters`, { display_name: "Studio One" })
    const traceId = traceOf("d")
    const traceparent = `00-${traceId}-${SPAN_ID}-01`
    await post(`${url}/broadcasters`, { display_name: "Studio Two" }, { traceparent })
    await until(() => inTrace(traceId).some(({ kind }) => kind === spanKinds.server), "the caller's span has arrived")
    assert.deepStrictEqual(
      collector.spans.slice(from).filter((span) => span.traceId !== traceId),
      []
    )
    await stop()
  })
})
