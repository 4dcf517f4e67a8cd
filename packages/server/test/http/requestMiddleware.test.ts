/** What surrounds every request: its id, HEAD, one log line without secrets, metrics, spans. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { call, newKey } from "./support/client.ts"
import { API_SECRET, type Service, start } from "./support/service.ts"

let service: Service
beforeAll(async () => {
  service = await start()
})
beforeEach(() => {
  service.lines.length = 0
  service.spans.length = 0
})
afterAll(() => service.close())

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

const everywhere: ReadonlyArray<readonly [string, string, number]> = [
  ["GET", "/", 200],
  ["GET", "/health", 200],
  ["GET", "/livez", 200],
  ["GET", "/readyz", 200],
  ["GET", "/metrics", 200],
  ["GET", "/docs", 200],
  ["GET", "/openapi.json", 200],
  ["GET", "/errors/conflict", 200],
  ["GET", "/streams", 200],
  ["POST", "/auth", 400],
  ["GET", "/nothing", 404],
  ["PUT", "/streams", 405],
  ["GET", "/streams/x", 400]
]

describe.each(everywhere)("%s %s", (method, path, status) => {
  it("has an id of its own, or the caller's", async () => {
    const fresh = await call(service, method, path)
    expect(fresh.status).toBe(status)
    expect(fresh.headers.get("x-request-id")).toMatch(UUID)
    const given = await call(service, method, path, { headers: { "x-request-id": "trace/7:a=b" } })
    expect(given.headers.get("x-request-id")).toBe("trace/7:a=b")
  })

  it("leaves one line with its id, route, status and time", async () => {
    await call(service, method, `${path}?pass=topsecret`, { headers: { "x-request-id": "one-line" } })
    const lines = service.lines.filter((line) => line.annotations.request_id === "one-line")
    expect(lines).toHaveLength(1)
    expect(lines[0]?.annotations).toMatchObject({ method, path, status, duration_ms: expect.any(Number) })
    expect(lines[0]?.text).not.toContain("topsecret")
  })
})

describe("a request id", () => {
  it.each(["", "a b", "ü", "x".repeat(129), `sk_${"a".repeat(43)}`])("that is not fit is replaced: %s", async (id) => {
    const headers = { "x-request-id": Buffer.from(id, "utf8").toString("latin1") }
    expect((await call(service, "GET", "/", { headers })).headers.get("x-request-id")).toMatch(UUID)
  })

  it("of 128 visible characters is kept", async () => {
    const id = "~!".repeat(64)
    expect((await call(service, "GET", "/", { headers: { "x-request-id": id } })).headers.get("x-request-id")).toBe(id)
  })

  it("stands on everything that is logged inside", async () => {
    service.trouble("down")
    await call(service, "GET", "/streams", { headers: { "x-request-id": "inside" } })
    service.trouble("none")
    expect(service.lines.filter((line) => line.level === "Error").map((line) => line.annotations.request_id)).toEqual([
      "inside"
    ])
  })
})

describe("HEAD", () => {
  it.each(everywhere.filter(([method]) => method === "GET"))(
    "%s %s answers as GET does, without its body",
    async (_, path, status) => {
      const get = await call(service, "GET", path)
      const head = await call(service, "HEAD", path)
      expect([head.status, head.text]).toEqual([status, ""])
      expect(head.headers.get("content-type")).toBe(get.headers.get("content-type"))
    }
  )
})

describe("the log", () => {
  it("names the route, not the ids in it, and the path without keys", async () => {
    await call(service, "GET", "/stream-keys/0192e4a7-3f5e-4c1c-9d2a-5f0a3a1c7b11")
    expect(service.requests()[0]?.annotations).toMatchObject({ route: "/stream-keys/:id", status: 404 })
    await call(service, "GET", `/streams/sk_abcd${"x".repeat(39)}`)
    expect(service.requests()[1]?.annotations).toMatchObject({ route: "/streams/:id", path: "/streams/sk_abcd…" })
  })

  it("holds no key that hides behind percent-encoding, however often, and whatever else is wrong with the path", async () => {
    const end = "x".repeat(39)
    const hidden = [`%73k_abcd${end}`, `%2573%6B%5fabcd${end}`, `s%25256b_abcd${end}`, `sk_abcd${"%78".repeat(39)}`]
    for (const key of hidden) {
      for (const path of [
        `/streams/${key}`,
        `/streams/${key}/%zz`,
        `/${key}%`,
        `/streams?key=${key}`,
        `/x?%zz=${key}`
      ]) {
        const answer = await call(service, "GET", path)
        const id = `id-${key}`
        const other = await call(service, "GET", "/", { headers: { "x-request-id": id } })
        for (const text of [
          answer.text,
          other.headers.get("x-request-id"),
          ...service.lines.map((line) => line.text)
        ]) {
          expect(text).not.toContain("xxxxxxxxxx")
          expect(text).not.toContain("%78%78")
        }
      }
    }
    expect(service.requests().map((line) => line.annotations.path)).toContain("/streams/sk_abcd…")
  })

  it("never holds a secret that was sent", async () => {
    await call(service, "GET", "/streams", {
      headers: { authorization: `Bearer ${API_SECRET}`, cookie: `a=${API_SECRET}` }
    })
    await call(service, "GET", `/streams?secret=${API_SECRET}`)
    await newKey(service)
    for (const line of service.lines) expect(line.text).not.toContain(API_SECRET)
  })

  it("has a line for a request whose caller went away", async () => {
    service.trouble("slow")
    const leaving = new AbortController()
    const gone = fetch(`${service.base}/streams`, { headers: { "x-api-key": API_SECRET }, signal: leaving.signal })
    await expect.poll(() => service.spans.length).toBeGreaterThan(0)
    leaving.abort()
    await expect(gone).rejects.toThrow()
    await expect.poll(() => service.requests().at(-1)?.annotations.status).toBe(499)
    service.trouble("none")
  })
})

describe("metrics", () => {
  it("count requests by method, route and status, and their time, in a form that Prometheus reads", async () => {
    await call(service, "GET", "/stream-keys/0192e4a7-3f5e-4c1c-9d2a-5f0a3a1c7b11")
    await call(service, "GET", "/somewhere/else")
    const { text, headers } = await call(service, "GET", "/metrics", { secret: null })
    expect(headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8")
    expect(text).toMatch(/^greenroom_http_requests_total\{method="GET",route="\/stream-keys\/:id",status="404"\} \d+$/m)
    expect(text).toMatch(/^greenroom_http_requests_total\{method="GET",route="none",status="404"\} \d+$/m)
    expect(text).toMatch(/^greenroom_http_request_seconds_bucket\{.*route="\/stream-keys\/:id".*le="\+Inf"\} \d+$/m)
    expect(text).toMatch(/^greenroom_http_request_seconds_sum\{/m)
    const name =
      /^(# (HELP|TYPE) [a-zA-Z_:][\w:]* .*|[a-zA-Z_:][\w:]*(\{[a-zA-Z_]\w*="[^"\n]*"(,[a-zA-Z_]\w*="[^"\n]*")*\})? (-?[\d.e+-]+|NaN|[+-]Inf))$/
    for (const line of text.trimEnd().split("\n")) expect(line).toMatch(name)
    expect(text).not.toContain("somewhere")
  })
})

describe("spans", () => {
  it("carry route, status and request id, the caller's trace, and no query", async () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await call(service, "GET", "/streams?status=active&pass=topsecret", {
      headers: { "x-request-id": "span-1", traceparent }
    })
    const span = service.spans.find((one) => one.attributes.get("request_id") === "span-1")
    expect(span?.name).toBe("GET /streams")
    expect(Object.fromEntries(span?.attributes ?? [])).toMatchObject({
      "http.request.method": "GET",
      "http.route": "/streams",
      "url.path": "/streams",
      "http.response.status_code": 200
    })
    expect(span?.traceId).toBe("0af7651916cd43dd8448eb211c80319c")
    const inside = service.spans.find((one) => one.name === "listSince")
    expect(inside?.traceId).toBe(span?.traceId)
    for (const one of service.spans) expect(JSON.stringify([...one.attributes])).not.toContain("topsecret")
  })
})
