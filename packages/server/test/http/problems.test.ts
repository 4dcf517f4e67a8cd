/** Every endpoint, every error: always an RFC 9457 document, an id, and nothing of the inside. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest"
import { assertProblem, pointersOf } from "./support/assertProblem.ts"
import { call, parseRaw, raw } from "./support/client.ts"
import { endpoints, named, UNKNOWN_ID, withId } from "./support/endpoints.ts"
import { API_SECRET, type Service, start } from "./support/service.ts"

let service: Service
beforeAll(async () => {
  service = await start()
})
afterEach(() => service.trouble("none"))
afterAll(() => service.close())

const withBody = endpoints.filter((endpoint) => endpoint.body !== undefined)
const withParameter = endpoints.filter((endpoint) => endpoint.unknownId !== undefined)
const withUuid = withParameter.filter(({ textId }) => textId === undefined)

describe.each(named(endpoints))("%s", (_, { method, path, body, textId = UNKNOWN_ID, asksNoStore = false }) => {
  const at = withId(path, textId)
  // Wrong secrets are counted: each endpoint is asked of a service of its own.
  beforeAll(async () => {
    await service.close()
    service = await start()
  })

  it.each([
    ["no secret", { secret: null }],
    ["a wrong secret", { secret: "wrong" }],
    ["an empty secret", { secret: "" }],
    ["a wrong bearer token", { secret: null, headers: { authorization: "Bearer wrong" } }],
    ["the secret in another scheme", { secret: null, headers: { authorization: `Basic ${API_SECRET}` } }],
    ["a bearer without a token", { secret: null, headers: { authorization: "Bearer" } }]
  ])("is 401 with %s", async (_, credentials) => {
    assertProblem(await call(service, method, at, { body, ...credentials }), "unauthorized")
  })

  it("takes the secret as a bearer token, whatever the case of the scheme", async () => {
    const headers = { authorization: `bEaReR ${API_SECRET}` }
    const answer = await call(service, method, at, { body, secret: null, headers })
    expect(answer.status).not.toBe(401)
  })

  it.skipIf(asksNoStore)("is 503 while the store does not answer, and says nothing of it", async () => {
    service.trouble("down")
    const answer = await call(service, method, at, { body })
    assertProblem(answer, "store-unavailable")
    expect(answer.text).not.toMatch(/10\.0\.0\.7|refused/)
    const line = service.requests().at(-1)
    expect(line?.level).toBe("Error")
    expect(line?.text).toMatch(/connection refused at 10\.0\.0\.7/)
  })

  it.skipIf(asksNoStore)("is 500 on a defect, and tells the log alone", async () => {
    service.trouble("defect")
    const answer = await call(service, method, at, { body })
    assertProblem(answer, "internal")
    expect(answer.text).not.toMatch(/secret inside/)
    const line = service.requests().at(-1)
    expect(line?.text).toMatch(/secret inside/)
    expect(line?.annotations.request_id).toBe(answer.json.request_id)
  })

  it("is 405 for another method, and lists those that are there", async () => {
    const answer = await call(service, "PUT", at, { body: {} })
    assertProblem(answer, "method-not-allowed")
    const here = endpoints.filter((endpoint) => endpoint.path === path).map((endpoint) => endpoint.method)
    const allowed = (answer.headers.get("allow") ?? "").split(", ")
    expect(allowed.toSorted()).toEqual([...here, ...(here.includes("GET") ? ["HEAD"] : [])].toSorted())
  })
})

describe.each(named(withBody))("%s", (_, { method, path, body }) => {
  const at = withId(path, UNKNOWN_ID)

  it.each([
    ["cut off", '{"a":'],
    ["empty", ""],
    ["not JSON", "display_name=One"],
    ["with a trailing comma", '{"a":1,}'],
    ["two documents", "{}{}"],
    ["deeper than the parser goes", "[".repeat(60_000)]
  ])("is 400 when the body is %s", async (_, text) => {
    const answer = await call(service, method, at, { body: text })
    assertProblem(answer, "validation")
    expect(pointersOf(answer)).toEqual([""])
  })

  it.each(["null", "[]", '"text"', "5", "true"])("is 400 when the body is %s", async (text) => {
    const answer = await call(service, method, at, { body: text })
    assertProblem(answer, "validation")
    expect(answer.json.errors).toEqual([{ pointer: "", detail: "Expected a JSON object" }])
  })

  it.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "application/xml",
    "multipart/form-data; boundary=x",
    "nonsense"
  ])("is 415 when the body is %s", async (type) => {
    const answer = await call(service, method, at, { body: JSON.stringify(body), headers: { "content-type": type } })
    assertProblem(answer, "unsupported-media-type")
  })

  it.each([
    ["iso-8859-1", { "content-type": "application/json; charset=iso-8859-1" }],
    ["quoted utf-16", { "content-type": 'application/json;charset="UTF-16"' }],
    ["gzip", { "content-encoding": "gzip" }],
    ["what it is not", { "content-encoding": "br, identity" }]
  ])("is 415 when the body is said to be %s", async (_, headers) => {
    const answer = await call(service, method, at, { body: JSON.stringify(body), headers })
    assertProblem(answer, "unsupported-media-type")
    expect(answer.json.detail).toMatch(/^Expected a body/)
  })

  it("is 400 when the body is no UTF-8", async () => {
    const bytes = Buffer.concat([Buffer.from('{"display_name":"'), Buffer.from([0xe9, 0xff]), Buffer.from('"}')])
    const response = await fetch(`${service.base}${at}`, {
      method,
      headers: { "x-api-key": API_SECRET, "content-type": "application/json" },
      body: bytes
    })
    const json = JSON.parse(await response.text())
    assertProblem({ status: response.status, headers: response.headers, json }, "validation")
    expect(json.errors).toEqual([{ pointer: "", detail: "Expected a body in UTF-8" }])
  })

  it.each(["application/json; charset=utf-8", "Application/JSON", 'application/json; charset="UTF8"'])(
    "reads a body that is %s",
    async (type) => {
      const answer = await call(service, method, at, { body: JSON.stringify(body), headers: { "content-type": type } })
      expect(answer.status).not.toBe(415)
    }
  )

  it("is 413 just over 64 KiB, and not at 64 KiB", async () => {
    const padded = (bytes: number) => `${JSON.stringify(body).slice(0, -1)},"pad":"${"x".repeat(bytes)}"}`
    const room = 64 * 1024 - padded(0).length
    assertProblem(await call(service, method, at, { body: padded(room + 1) }), "payload-too-large")
    expect((await call(service, method, at, { body: padded(room) })).status).not.toBe(413)
  })

  it("reads a body that says that it is not compressed", async () => {
    const headers = { "content-encoding": "Identity" }
    const answer = await call(service, method, at, { body: JSON.stringify(body), headers })
    expect(answer.status).not.toBe(415)
  })
})

describe.each(named(withParameter))("%s", (_, { method, path, body, unknownId, textId = UNKNOWN_ID }) => {
  it("is 404 for an id that nothing has", async () => {
    assertProblem(await call(service, method, withId(path, textId), { body }), unknownId ?? "internal")
  })

  it.each(["%00", "%F0%9F%8E%A5", "%20or%201=1--", "a".repeat(1500)])(
    "is 400 with a pointer for the id %s",
    async (id) => {
      const answer = await call(service, method, withId(path, id), { body })
      assertProblem(answer, "validation")
      expect(pointersOf(answer)).toEqual(["/id"])
    }
  )

  it.each(["%", "%zz", "%e0%a4%a", "%ff"])("is 400 for an id that cannot be decoded: %s", async (id) => {
    const answer = await call(service, method, withId(path, id), { body })
    assertProblem(answer, "validation")
    expect(pointersOf(answer)).toEqual([""])
  })
})

describe.each(named(withUuid))("%s", (_, { method, path, body, unknownId }) => {
  it.each([
    "x",
    "0192e4a7",
    "0192e4a7-3f5e-4c1c-9d2a-5f0a3a1c7b1",
    "0192e4a7-3f5e-4c1c-9d2a-5f0a3a1c7b11%0A",
    "..%2f..%2fetc",
    "'%20or%201=1--",
    "9".repeat(100)
  ])("is 400 with a pointer for the id %s", async (id) => {
    const answer = await call(service, method, withId(path, id), { body })
    assertProblem(answer, "validation")
    expect(pointersOf(answer)).toEqual(["/id"])
  })

  it("takes an id in upper case for the same", async () => {
    assertProblem(
      await call(service, method, withId(path, UNKNOWN_ID.toUpperCase()), { body }),
      unknownId ?? "internal"
    )
  })
})

describe("elsewhere", () => {
  it.each(["/%zz", "/%", "/nothing/%e0%a4%a", "/errors/%zz"])("GET %s is 400: it cannot be decoded", async (path) => {
    assertProblem(await call(service, "GET", path, { secret: null }), "validation")
  })

  it.each(["//streams", "///streams", "//health", `/streams//${UNKNOWN_ID}`])(
    "two slashes are not one: GET %s is 404",
    async (path) => {
      const answer = parseRaw(await raw(service.port, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`))
      expect([answer.status, JSON.parse(answer.body)]).toMatchObject([
        404,
        { type: "/errors/not-found", instance: path }
      ])
    }
  )

  it.each([
    ["FOO", "/streams?pass=x", 405, "GET, HEAD"],
    ["FOO", `/streams/${UNKNOWN_ID}`, 405, "GET, HEAD, PATCH, DELETE"],
    ["BREW", "/auth", 405, "POST"],
    ["BREW", "/nothing", 404, undefined]
  ])("the method %s, which nobody knows, is refused on %s as others are", async (method, path, status, allow) => {
    const answer = parseRaw(await raw(service.port, `${method} ${path} HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n`))
    const json = JSON.parse(answer.body)
    const headers = new Headers([...answer.headers])
    assertProblem({ status: answer.status, headers, json }, status === 405 ? "method-not-allowed" : "not-found")
    expect([answer.headers.get("allow"), json.instance]).toEqual([allow, path.split("?")[0]])
    await expect
      .poll(() => service.requests().find((line) => line.annotations.request_id === json.request_id)?.annotations)
      .toMatchObject({ status, method, path: path.split("?")[0] })
  })

  it.each(["FOO /streams HTTP/1.1", "words"])(
    "what cannot be read behind a request is no answer to that: %s",
    async (behind) => {
      const body = JSON.stringify({
        action: "publish",
        protocol: "rtmp",
        path: "live/a",
        id: UNKNOWN_ID,
        password: "x"
      })
      const first = `POST /auth HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
      const answer = parseRaw(await raw(service.port, `${first}${behind}\r\nHost: x\r\n\r\n`))
      expect([answer.status, JSON.parse(answer.body).code]).toEqual([401, "invalid_stream_key"])
    }
  )

  it("a key is in no answer to a method that nobody knows", async () => {
    const key = `sk_abcd${"x".repeat(39)}`
    const answer = await raw(service.port, `FOO /streams/%73k_${key.slice(3)}?key=${key} HTTP/1.1\r\nHost: x\r\n\r\n`)
    expect(parseRaw(answer).status).toBe(405)
    const asMethod = await raw(service.port, `${key} /streams HTTP/1.1\r\nHost: x\r\n\r\n`)
    expect(parseRaw(asMethod).status).toBe(405)
    const shown = () => service.requests().map((line) => line.annotations.method)
    await expect.poll(shown).toEqual(expect.arrayContaining(["FOO", "sk_abcd…"]))
    expect(JSON.stringify([answer, asMethod, service.lines.slice(-6)])).not.toContain("xxxxx")
  })

  it.each(["/nothing", "/streams/a/b/c", "/%00", "//", "/errors/unheard-of", "/errors/__proto__", "/errors/"])(
    "GET %s is 404",
    async (path) => {
      const answer = await call(service, "GET", path === "//" ? "//x" : path, { secret: null })
      assertProblem(answer, "not-found")
    }
  )

  it.each(["/", "/health", "/livez", "/readyz", "/docs", "/openapi.json", "/errors/internal", "/metrics"])(
    "DELETE %s is 405",
    async (path) => {
      const answer = await call(service, "DELETE", path, { secret: null })
      assertProblem(answer, "method-not-allowed")
      expect(answer.headers.get("allow")).toBe("GET, HEAD")
    }
  )

  it.each(["/auth", "/webhook/ready", "/webhook/not-ready"])("GET %s is 405", async (path) => {
    const answer = await call(service, "GET", path, { secret: null })
    assertProblem(answer, "method-not-allowed")
    expect(answer.headers.get("allow")).toBe("POST")
  })

  it("OPTIONS and unusual methods are 405, too", async () => {
    for (const method of ["OPTIONS", "PROPFIND", "PURGE"]) {
      assertProblem(await call(service, method, "/streams"), "method-not-allowed")
    }
  })

  it("a path is found as it is written, and no other way, whatever the method", async () => {
    for (const path of ["/STREAMS", "/streams/", "/streams;a"]) {
      assertProblem(await call(service, "GET", path), "not-found")
      assertProblem(await call(service, "PUT", path), "not-found")
    }
  })
})
