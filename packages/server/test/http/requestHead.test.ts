/** Requests that no route may see as they are: paths in another spelling, two hosts, a web page's. And what no cache may keep. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { assertProblem } from "./support/assertProblem.ts"
import { call, parseRaw, raw } from "./support/client.ts"
import { API_SECRET, HOOK_SECRET, type Service, start } from "./support/service.ts"

let service: Service
let guarded: Service
beforeAll(async () => {
  service = await start()
  guarded = await start({ hookSecret: HOOK_SECRET })
})
afterAll(async () => {
  await service.close()
  await guarded.close()
})

describe("a path", () => {
  it.each([
    ["GET", "/METRICS"],
    ["GET", "/metrics/"],
    ["GET", "/metrics;a"],
    ["GET", "/metrics;jsessionid=1?x=2"],
    ["GET", "/%6detrics"],
    ["GET", "/metric%73"],
    ["GET", "/Streams"],
    ["GET", "/streams/"],
    ["GET", "//streams"],
    ["POST", "/AUTH/"],
    ["POST", "/auth/"],
    ["POST", "/auth;/streams"],
    ["POST", "/Webhook/ready"]
  ])("has one spelling: %s %s is not there", async (method, path) => {
    const body = method === "POST" ? { body: { action: "read", path: "live/x" } } : {}
    assertProblem(await call(service, method, path, body), "not-found")
  })

  it("ends at its query, whatever stands in that", async () => {
    expect((await call(service, "GET", "/livez?a;b=/;c")).status).toBe(200)
  })

  it("with a fragment is not there", async () => {
    const { status } = parseRaw(
      await raw(service.port, "GET /livez#a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    )
    expect(status).toBe(404)
  })
})

describe("a request's Host", () => {
  it.each([
    ["two lines", "Host: a\r\nHost: b\r\n"],
    ["the same twice", "Host: a\r\nX-A: 1\r\nhOST: a\r\n"]
  ])("is one: %s", async (_, lines) => {
    const { status, body } = parseRaw(
      await raw(service.port, `GET /livez HTTP/1.1\r\n${lines}Connection: close\r\n\r\n`)
    )
    expect([status, JSON.parse(body).errors]).toEqual([400, [{ pointer: "/host", detail: "Expected one Host header" }]])
  })
})

const hooks: ReadonlyArray<readonly [string, unknown]> = [
  ["/auth", { action: "read", path: "live/x" }],
  ["/webhook/ready", { path: "live/x" }],
  ["/webhook/not-ready", { path: "live/x" }],
  ["/v1/mediamtx/events/ready", { path: "live/x/in", sourceType: "rtmpConn", sourceId: "1" }],
  ["/v1/mediamtx/events/not-ready", { path: "live/x/in", sourceType: "rtmpConn", sourceId: "1" }]
]

/** As a browser sends it: fetch would not let a test set these headers. */
const post = (to: Service, path: string, body: unknown, headers: ReadonlyArray<string>) => {
  const text = JSON.stringify(body)
  const head = [`POST ${path} HTTP/1.1`, "Host: x", "Connection: close", `Content-Length: ${text.length}`, ...headers]
  return raw(to.port, `${head.join("\r\n")}\r\n\r\n${text}`).then(parseRaw)
}

describe.each(hooks)("a web page's call of %s", (path, body) => {
  const json = "Content-Type: application/json"
  it.each([
    ["Origin: https://evil.example"],
    ["Origin: null"],
    ["Sec-Fetch-Site: cross-site"],
    ["Sec-Fetch-Site: none"]
  ])("is refused: %s", async (header) => {
    const bearer = `Authorization: Bearer ${HOOK_SECRET}`
    for (const answer of [
      await post(service, path, body, [json, header]),
      await post(guarded, path, body, [json, header, bearer])
    ]) {
      expect([answer.status, JSON.parse(answer.body).type]).toEqual([403, "/errors/forbidden"])
    }
  })

  it("is not what MediaMTX and curl send", async () => {
    expect((await post(service, path, body, [json])).status).toBeLessThan(300)
  })
})

describe("what no cache may keep", () => {
  it.each([
    ["GET", "/stream-keys", 200],
    ["GET", "/broadcasters?limit=1", 200],
    ["GET", "/streams/x", 400],
    ["GET", "/health", 200],
    ["GET", "/metrics", 200],
    ["GET", "/nothing", 404],
    ["POST", "/auth", 400]
  ])("is every answer of %s %s", async (method, path, status) => {
    const answer = await call(service, method, path, { secret: API_SECRET })
    expect([answer.status, answer.headers.get("cache-control")]).toEqual([status, "no-store"])
  })

  it("is a refusal, too", async () => {
    const answer = await call(service, "GET", "/streams", { secret: null })
    expect([answer.status, answer.headers.get("cache-control")]).toEqual([401, "no-store"])
  })

  it("is the refusal of what could not be read", async () => {
    const { headers } = parseRaw(await raw(service.port, "XYZZY /livez HTTP/1.1\r\nHost: x\r\n\r\n"))
    expect(headers.get("cache-control")).toBe("no-store")
  })

  it("is not the list of streams, which a browser may keep and must ask about each time", async () => {
    const { headers } = await call(service, "GET", "/streams")
    expect(headers.get("cache-control")).toBe("private, no-cache")
  })

  it("are not the pages, which say so themselves", async () => {
    for (const page of ["/docs", "/errors/conflict"]) {
      expect((await call(service, "GET", page)).headers.get("cache-control")).toBe("public, max-age=300")
    }
  })
})
