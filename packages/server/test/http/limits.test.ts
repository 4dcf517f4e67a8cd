/** What a hostile or clumsy sender can do on the wire: too much, too slow, too wrong. The service answers and stays small. */
import type net from "node:net"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { codeOf, type ProblemName, problemTypes } from "../../src/http/problems/problemTypes.ts"
import { call, parseRaw, raw } from "./support/client.ts"
import { API_SECRET, type Service, start } from "./support/service.ts"

let service: Service
beforeAll(async () => {
  service = await start({ requestWithinMillis: 400 })
})
beforeEach(() => {
  service.lines.length = 0
})
afterAll(() => service.close())

const MB = 1024 * 1024
const TOTAL = 400 * MB

/** Writes until everything is sent or the connection is gone, with the socket's own backpressure. */
const flood = (chunk: Buffer, sent: { bytes: number }) => (socket: net.Socket) => {
  const more = () => {
    while (!socket.destroyed && socket.writable && sent.bytes < TOTAL) {
      sent.bytes += chunk.length
      if (!socket.write(chunk)) {
        socket.once("drain", more)
        return
      }
    }
  }
  more()
}

const assertRawProblem = (text: string, name: ProblemName) => {
  const { status, headers, body } = parseRaw(text)
  expect([status, headers.get("content-type")]).toEqual([problemTypes[name].status, "application/problem+json"])
  const document = JSON.parse(body)
  expect(document).toMatchObject({ type: `/errors/${name}`, status, code: codeOf(name), detail: expect.any(String) })
  expect(headers.get("x-request-id")).toBe(document.request_id)
  return headers
}

const head = (line: string, ...headers: ReadonlyArray<string>) =>
  `${[line, "Host: x", "Content-Type: application/json", ...headers].join("\r\n")}\r\n\r\n`

const routes: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = [
  ["POST /broadcasters", [`X-API-Key: ${API_SECRET}`]],
  ["POST /auth", []],
  ["POST /webhook/ready", []]
]

describe.each(routes)("a body of 400 MB to %s", (route, credentials) => {
  it("with its length is 413 at once, whatever it expects, and memory stays flat", async () => {
    for (const extra of [[], ["Expect: 100-continue"]]) {
      const before = process.memoryUsage().rss
      const sent = { bytes: 0 }
      const request = head(`${route} HTTP/1.1`, ...credentials, `Content-Length: ${TOTAL}`, ...extra)
      const answer = await raw(service.port, request, flood(Buffer.alloc(64 * 1024, 0x20), sent))
      assertRawProblem(answer, "payload-too-large")
      expect(answer).not.toContain("100 Continue")
      expect(sent.bytes).toBeLessThan(50 * MB)
      expect(process.memoryUsage().rss - before).toBeLessThan(50 * MB)
    }
  })

  it("in chunks is cut off, and memory stays flat", async () => {
    const before = process.memoryUsage().rss
    const sent = { bytes: 0 }
    const chunk = Buffer.from(`10000\r\n${" ".repeat(65536)}\r\n`)
    const answer = await raw(
      service.port,
      head(`${route} HTTP/1.1`, ...credentials, "Transfer-Encoding: chunked"),
      flood(chunk, sent)
    )
    // The sender may be reset before it could read the answer; the log has it.
    if (answer !== "") assertRawProblem(answer, "payload-too-large")
    expect(service.requests().map((line) => line.annotations.status)).toContain(413)
    expect(sent.bytes).toBeLessThan(50 * MB)
    expect(process.memoryUsage().rss - before).toBeLessThan(50 * MB)
  })
})

describe("a body in chunks", () => {
  const chunked = (text: string) => `${[...text].map((one) => `1\r\n${one}\r\n`).join("")}0\r\n\r\n`
  const request = head("POST /auth HTTP/1.1", "Transfer-Encoding: chunked", "Connection: close")
  const body = (length: number) => `{"action":"read","path":"live/x","more":"${"x".repeat(length - 43)}"}`

  it("of one byte each is read as long as they are few", async () => {
    const answer = await raw(service.port, request + chunked(body(4_000)))
    expect(parseRaw(answer).status).toBe(200)
  })

  it("of one byte each is a 413 when there are too many, and its connection ends", async () => {
    const answer = await raw(service.port, request + chunked(body(60_000)))
    const headers = assertRawProblem(answer, "payload-too-large")
    expect(headers.get("connection")).toBe("close")
    expect((await call(service, "GET", "/livez")).status).toBe(200)
    expect(service.requests().filter(({ annotations }) => annotations.status === 413)).toHaveLength(1)
  })
})

it("a body of 400 MB without credentials is refused unread", async () => {
  const sent = { bytes: 0 }
  const request = head("POST /broadcasters HTTP/1.1", "Transfer-Encoding: chunked")
  const answer = await raw(service.port, request, flood(Buffer.from(`10000\r\n${" ".repeat(65536)}\r\n`), sent))
  if (answer !== "") assertRawProblem(answer, "unauthorized")
  expect(sent.bytes).toBeLessThan(50 * MB)
})

describe("a request that does not arrive", () => {
  const within = async (text: string, more?: (socket: net.Socket) => void) => {
    const started = performance.now()
    const answer = await raw(service.port, text, more)
    expect(performance.now() - started).toBeGreaterThan(300)
    return answer
  }
  const drip = (socket: net.Socket) => {
    const timer = setInterval(() => socket.write(" "), 50)
    socket.on("close", () => clearInterval(timer))
  }
  const body = head("POST /auth HTTP/1.1", "Content-Length: 1000")

  it.each([
    ["nothing at all", ""],
    ["half a line", "POST /au"],
    ["headers without an end", "GET / HTTP/1.1\r\nHost: x\r\nX-A: "],
    ["half a body", `${body}{"action":`]
  ])("whole in time is ended: %s", async (_, text) => {
    assertRawProblem(await within(text), "request-timeout")
  })

  it.each([
    ["headers", "GET / HTTP/1.1\r\nHost: x\r\nX-A: "],
    ["a body", body]
  ])("whole in time is ended though it comes drop by drop: %s", async (_, text) => {
    assertRawProblem(await within(text, drip), "request-timeout")
  })

  it("leaves a line, and the service goes on", async () => {
    await within(body)
    await expect.poll(() => service.requests().some((line) => line.annotations.status === 408)).toBe(true)
    expect((await call(service, "GET", "/health")).status).toBe(200)
  })
})

describe("what is no HTTP", () => {
  it.each([
    ["a TLS hello", "\u0016\u0003\u0001\u0002\u0000\u0001"],
    ["words", "hello\r\n\r\n"],
    ["a method that is none", "GE(T / HTTP/1.1\r\nHost: x\r\n\r\n"],
    ["another version", "GET / HTTP/9.9\r\nHost: x\r\n\r\n"],
    ["NUL in the path", "GET /\u0000 HTTP/1.1\r\nHost: x\r\n\r\n"],
    ["NUL in a header", "GET / HTTP/1.1\r\nHost: x\r\nX-A: a\u0000b\r\n\r\n"],
    ["two lengths", "POST /auth HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"],
    [
      "length and chunks",
      "POST /auth HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ],
    ["a negative length", "POST /auth HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"],
    ["broken chunks", "POST /auth HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"],
    ["no Host", "GET / HTTP/1.1\r\nConnection: close\r\n\r\n"]
  ])("is a 400 with a problem: %s", async (_, text) => {
    const headers = assertRawProblem(await raw(service.port, text), "validation")
    expect(headers.get("connection")).toBe("close")
    await expect.poll(() => service.requests().at(-1)?.annotations.status).toBe(400)
  })

  it("headers of 20 kB are 431", async () => {
    const answer = await raw(service.port, `GET / HTTP/1.1\r\nHost: x\r\nX-A: ${"a".repeat(20_000)}\r\n\r\n`)
    assertRawProblem(answer, "headers-too-large")
  })

  it("CONNECT is 405", async () => {
    assertRawProblem(
      await raw(service.port, "CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n"),
      "method-not-allowed"
    )
  })
})

describe("what is HTTP and unusual", () => {
  const close = "Connection: close\r\n\r\n"
  it.each([
    ["HTTP/1.0", "GET /livez HTTP/1.0\r\n\r\n"],
    ["an absolute target", `GET http://elsewhere/livez HTTP/1.1\r\nHost: x\r\n${close}`],
    [
      "an offer to upgrade",
      `GET /livez HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nConnection: Upgrade, HTTP2-Settings, close\r\n\r\n`
    ],
    [
      "an offer of a WebSocket",
      `GET /livez HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nConnection: Upgrade, close\r\n\r\n`
    ],
    ["an unknown expectation", `GET /livez HTTP/1.1\r\nHost: x\r\nExpect: the-best\r\n${close}`],
    ["a body on a GET", `GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`]
  ])("is answered: %s", async (_, text) => {
    const { status, headers } = parseRaw(await raw(service.port, text))
    expect(status).toBe(200)
    expect(headers.get("x-request-id")).toBeDefined()
  })

  it("a body that waits for its 100 gets it, and an answer", async () => {
    const body = '{"action":"read","path":"live/x"}'
    const request = head(
      "POST /auth HTTP/1.1",
      `Content-Length: ${body.length}`,
      "Expect: 100-continue",
      "Connection: close"
    )
    const answer = await raw(service.port, request, (socket) => {
      socket.once("data", () => socket.write(body))
    })
    expect(answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/)
  })

  it("several requests on one connection are answered in their order", async () => {
    const one = (path: string, more = "") => `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`
    const answer = await raw(service.port, one("/livez") + one("/nothing") + one("/", "Connection: close\r\n"))
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 404", "HTTP/1.1 200"])
  })

  it.each(["", "zz\r\n"])("a request that was answered before it was whole has one answer: %j", async (rest) => {
    const request = head("POST /nothing HTTP/1.1", "Transfer-Encoding: chunked")
    const answer = await raw(service.port, request, (socket) => void socket.once("data", () => socket.write(rest)))
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 404"])
    expect(service.requests().map((line) => line.annotations.status)).toEqual([404])
  })

  it("a request that comes too slowly after one that was answered is a 408", async () => {
    const answer = await raw(service.port, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /livez HTTP/1.1\r\nHost: x\r\n")
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 408"])
  })

  it("a body that ends with its connection makes no 500", async () => {
    const request = head("POST /auth HTTP/1.1", "Content-Length: 1000")
    await raw(service.port, `${request}{"a":`, (socket) => socket.end())
    await expect.poll(() => service.requests().length).toBeGreaterThan(0)
    expect(
      service
        .requests()
        .map((line) => Number(line.annotations.status))
        .filter((status) => status >= 500)
    ).toEqual([])
  })
})
