/**
 * Requests that are made to cost much: deep percent-encoding, long targets, nested names, many requests at once. The time to answer
 * a request of n bytes must be O(n), so the processor time of each kind is bounded at the largest size that the service reads.
 * Processor time of this process, not time that passed: a busy machine changes nothing.
 */
import net from "node:net"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { call, parseRaw, publishCall, raw } from "./support/client.ts"
import { API_SECRET, type Service, start } from "./support/service.ts"

let service: Service
beforeAll(async () => {
  service = await start()
  await call(service, "GET", "/nothing")
})
beforeEach(() => {
  service.lines.length = 0
})
afterAll(() => service.close())

const KB = 1024

/** Milliseconds of this process's processor time; the client is in here, too. */
const processorMillis = async (work: () => Promise<unknown>): Promise<number> => {
  const before = process.cpuUsage()
  await work()
  const { user } = process.cpuUsage(before)
  return user / 1000
}

/** Far below what the faults cost (450 to 7,900 ms), far above what a linear answer costs (1 to 10 ms). */
const BUDGET_MS = 150

const close = "Host: x\r\nConnection: close\r\n\r\n"
const encodedUnderscore = (bytes: number) => `/sk%${"25".repeat(bytes / 2)}5f${"a".repeat(64)}`

const hostileTargets: ReadonlyArray<readonly [string, (bytes: number) => string]> = [
  ["a key's beginning, percent-encoded many times", encodedUnderscore],
  ["percent signs, each encoded", (bytes) => `/${"%25".repeat(bytes / 3)}`],
  ["beginnings of keys", (bytes) => `/${"sk_".repeat(bytes / 3)}`],
  ["beginnings of keys, encoded", (bytes) => `/${"%73%6b%5f".repeat(bytes / 9)}`],
  ["slashes", (bytes) => "/".repeat(bytes)],
  ["semicolons", (bytes) => `/a${";".repeat(bytes)}`],
  ["a query of encoded percent signs", (bytes) => `/streams?${"a=%25&".repeat(bytes / 6)}`],
  ["below a route that exists", (bytes) => `/streams/${"%25".repeat(bytes / 3)}`]
]

describe.each(hostileTargets)("a target of %s", (_, target) => {
  it.each([["GET"], ["XYZZY"]])("costs little, with method %s, at any length", async (method) => {
    for (const bytes of [1 * KB, 4 * KB, 8 * KB, 15 * KB, 62 * KB]) {
      const text = `${method} ${target(bytes)} HTTP/1.1\r\n${close}`
      const millis = await processorMillis(async () => {
        expect(parseRaw(await raw(service.port, text)).status).toBeGreaterThanOrEqual(400)
      })
      expect(millis, `${bytes} bytes`).toBeLessThan(BUDGET_MS)
    }
    expect((await call(service, "GET", "/livez")).status).toBe(200)
  })
})

describe("a request target", () => {
  it.each([
    ["of more than 8 KiB", `/streams?${"a".repeat(8 * KB)}`],
    ["whose path is longer than 2 KiB", `/streams/${"a".repeat(2 * KB)}`]
  ])("%s is 414, with a problem document and a line in the log", async (_, target) => {
    const { status, body, headers } = parseRaw(await raw(service.port, `GET ${target} HTTP/1.1\r\n${close}`))
    expect([status, headers.get("content-type")]).toEqual([414, "application/problem+json"])
    expect(JSON.parse(body)).toMatchObject({ type: "/errors/uri-too-long", code: "uri_too_long", status: 414 })
    await expect.poll(() => service.requests().at(-1)?.annotations.status).toBe(414)
    expect(service.requests().at(-1)?.text.length).toBeLessThan(3 * KB)
  })

  it("of 8 KiB is read", async () => {
    const query = "a".repeat(8 * KB - "/streams?".length)
    expect((await call(service, "GET", `/streams?${query}`)).status).not.toBe(414)
  })
})

const hostileBodies: ReadonlyArray<readonly [string, (bytes: number) => string]> = [
  ["a name of deep percent-encoding", (bytes) => `{"sk%${"25".repeat(bytes / 2 - 40)}5f${"a".repeat(64)}":1}`],
  ["nested objects", (bytes) => `${'{"a":'.repeat(bytes / 6)}1${"}".repeat(bytes / 6)}`],
  ["nested arrays", (bytes) => "[".repeat(bytes / 2) + "]".repeat(bytes / 2)],
  ["nested metadata", (bytes) => `{"metadata":${'{"a":'.repeat(bytes / 6 - 4)}1${"}".repeat(bytes / 6 - 4)}}`],
  ["many unknown names", (bytes) => `{${Array.from({ length: bytes / 16 }, (_, n) => `"name${n}":1`).join(",")}}`],
  ["beginnings of keys", (bytes) => `{"display_name":"${"sk_".repeat(bytes / 3 - 10)}"}`],
  ["percent signs", (bytes) => `{"display_name":"${"%".repeat(bytes - 40)}"}`],
  ["escapes", (bytes) => `{"display_name":"${"\\u0073".repeat(bytes / 6 - 8)}"}`]
]

describe.each(hostileBodies)("a body of %s", (_, body) => {
  it.each([["/broadcasters"], ["/auth"], ["/webhook/ready"]])("costs little at %s", async (path) => {
    for (const bytes of [8 * KB, 60 * KB]) {
      let status = 0
      const millis = await processorMillis(async () => {
        status = (await call(service, "POST", path, { body: body(bytes) })).status
      })
      expect(status).toBeGreaterThanOrEqual(400)
      expect(status).toBeLessThan(500)
      expect(millis, `${bytes} bytes`).toBeLessThan(BUDGET_MS)
    }
  })
})

describe("fields that reach the log or the decision", () => {
  it.each([["path"], ["query"], ["protocol"], ["action"], ["password"], ["id"]])(
    "%s of 60 KB costs little in an auth call",
    async (field) => {
      for (const value of [`sk%${"25".repeat(29 * KB)}5f`, "%25".repeat(19 * KB), "a=%25&".repeat(10 * KB)]) {
        const millis = await processorMillis(async () => {
          await call(service, "POST", "/auth", { body: publishCall("x", { [field]: value }) })
        })
        expect(millis).toBeLessThan(BUDGET_MS)
      }
    }
  )
})

describe("many requests on one connection", () => {
  const docs = "GET /docs HTTP/1.1\r\nHost: x\r\n\r\n"

  /** Connections that write and never read. */
  const deaf = (count: number, text: string) =>
    Array.from({ length: count }, () => {
      const socket = net.connect(service.port, "127.0.0.1")
      socket.pause()
      socket.on("error", () => {})
      socket.write(text)
      return socket
    })

  it("whose answers are not read are not handled beyond a bound, and other clients are served meanwhile", async () => {
    const before = process.memoryUsage().rss
    const sockets = deaf(14, docs.repeat(1_900))
    await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once("connect", resolve))))
    for (let n = 0; n < 20; n++)
      expect((await call(service, "POST", "/auth", { body: publishCall("x") })).status).toBe(401)
    // Of 26,600 requests, those whose answers the kernel's buffers took were answered, and one more on each connection.
    const answered = service.requests().filter((line) => line.annotations.path === "/docs").length
    expect(answered).toBeLessThan(14 * 100)
    expect(process.memoryUsage().rss - before).toBeLessThan(300 * KB * KB)
    for (const socket of sockets) socket.destroy()
  })

  it("are all answered, in their order, to a client that reads", async () => {
    const one = (path: string, more = "") => `GET ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`
    const paths = Array.from({ length: 300 }, (_, n) => (n % 3 === 0 ? "/livez" : n % 3 === 1 ? "/nothing" : "/docs"))
    const answer = await raw(service.port, paths.map((path) => one(path)).join("") + one("/", "Connection: close\r\n"))
    const statuses = answer.match(/HTTP\/1\.1 \d+/g)?.map((line) => Number(line.slice(-3)))
    expect(statuses).toEqual([...paths.map((path) => (path === "/nothing" ? 404 : 200)), 200])
  })

  it("see what those before them have written", async () => {
    const body = JSON.stringify({ display_name: "Pipelined" })
    const auth = `X-API-Key: ${API_SECRET}\r\nHost: x\r\n`
    const answer = await raw(
      service.port,
      `POST /broadcasters HTTP/1.1\r\n${auth}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}` +
        `GET /broadcasters?limit=1 HTTP/1.1\r\n${auth}Connection: close\r\n\r\n`
    )
    expect(answer.match(/"Pipelined"/g)).toHaveLength(2)
  })
})
