/** The server's life: it begins on its port, and ends with its open requests answered. */
import { once } from "node:events"
import http from "node:http"
import net from "node:net"
import { Effect, Layer, Logger, ManagedRuntime } from "effect"
import * as HttpServer from "effect/http/HttpServer"
import { afterEach, describe, expect, it } from "vitest"
import * as HttpRoutes from "../../src/http/routes/HttpRoutes.ts"
import { serve } from "../../src/http/Serve.ts"
import { assertProblem } from "./support/assertProblem.ts"
import { call, publishCall, raw } from "./support/client.ts"
import { API_SECRET, type Service, start } from "./support/service.ts"

let service: Service | undefined
afterEach(() => service?.close())

/** A request on an agent of its own, as a keep-alive client sends it. */
const get = (port: number, path: string, agent: http.Agent) =>
  new Promise<{ readonly status: number | undefined; readonly connection: string | undefined }>((resolve, reject) => {
    http
      .get({ port, host: "127.0.0.1", path, agent, headers: { "x-api-key": API_SECRET } }, (response) => {
        response.resume()
        response.on("end", () => resolve({ status: response.statusCode, connection: response.headers.connection }))
      })
      .on("error", reject)
  })

describe("the end", () => {
  it("waits for an open request, accepts no new one, and does not wait for idle connections", async () => {
    service = await start({ finishWithin: 60_000 })
    const agent = new http.Agent({ keepAlive: true })
    expect((await get(service.port, "/livez", agent)).status).toBe(200)
    service.trouble("slow")
    const open = get(service.port, "/health", new http.Agent({ keepAlive: true }))
    await expect.poll(() => service?.spans.length).toBeGreaterThan(1)
    const started = performance.now()
    const closed = service.close()
    await expect
      .poll(() =>
        get(service?.port ?? 0, "/livez", new http.Agent()).then(
          () => "open",
          () => "refused"
        )
      )
      .toBe("refused")
    // The health check's own limit ends it. The client is to send nothing more on this connection.
    expect(await open).toEqual({ status: 503, connection: "close" })
    await closed
    expect(performance.now() - started).toBeLessThan(30_000)
    agent.destroy()
  })

  it("waits for an auth call, which is answered in front of the router", async () => {
    service = await start({ finishWithin: 60_000 })
    const key = `sk_${"x".repeat(43)}`
    service.trouble("slow")
    const body = publishCall(key, { path: "live/ending" })
    const open = call(service, "POST", "/auth", { body, secret: null })
    await expect.poll(() => service?.spans.map(({ name }) => name)).toContain("Admissions.admit")
    const closed = service.close()
    assertProblem(await open, "store-unavailable")
    await closed
  })

  it("does not wait for the connection of a request that was told to go on with its body", async () => {
    service = await start({ finishWithin: 60_000 })
    const { port, close } = service
    const body = '{"action":"read","path":"live/x"}'
    const head = `POST /auth HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`
    const started = performance.now()
    let closed: Promise<void> | undefined
    const answer = await raw(port, `${head}\r\nExpect: 100-continue\r\n\r\n`, (socket) => {
      socket.once("data", () => {
        closed = close()
        setImmediate(() => socket.write(body))
      })
    })
    await closed
    expect(answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/)
    expect(performance.now() - started).toBeLessThan(50_000)
  })

  it("does not wait longer than it was told", async () => {
    service = await start({ finishWithin: 200 })
    service.trouble("slow")
    const open = get(service.port, "/streams", new http.Agent()).catch(() => "cut")
    await expect.poll(() => service?.spans.length).toBeGreaterThan(0)
    const started = performance.now()
    await service.close()
    expect(performance.now() - started).toBeLessThan(30_000)
    expect(await open).toBeOneOf([
      "cut",
      expect.objectContaining({ status: 500 }),
      expect.objectContaining({ status: 503 })
    ])
  })

  it("does not wait for a sender that never finishes", async () => {
    service = await start({ finishWithin: 200 })
    const hanging = raw(service.port, "POST /webhook/ready HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    await expect.poll(() => service?.spans.length).toBeGreaterThan(0)
    const started = performance.now()
    await service.close()
    expect(performance.now() - started).toBeLessThan(30_000)
    await hanging
  })
})

describe("a connection without a whole request", () => {
  /** Longer than the silence that ends a connection by itself, which takes 30 s. */
  const finishWithin = 600_000

  const connected = async (text: string) => {
    service = await start({ finishWithin, requestWithinMillis: 2_000 })
    const socket = net.connect(service.port, "127.0.0.1").on("error", () => {})
    await once(socket, "connect")
    if (text !== "") await new Promise((resolve) => socket.write(text, resolve))
    await expect.poll(() => call(service as Service, "GET", "/metrics").then(({ text }) => text)).toMatch(open)
    return socket
  }
  const open = /greenroom_http_connections\{listener="api"\} [2-9]/

  it.each([
    ["nothing at all", ""],
    ["half a line", "GET /liv"],
    ["half a body", "POST /auth HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"]
  ])("does not hold up the end: %s", async (_, text) => {
    const socket = await connected(text)
    const started = performance.now()
    await service?.close()
    expect(performance.now() - started).toBeLessThan(15_000)
    socket.destroy()
  })
})

describe("the beginning", () => {
  it("fails on a port that is taken", async () => {
    service = await start()
    const second = serve(HttpRoutes.layerMetrics, { host: "127.0.0.1", port: service.port })
    const exit = await Effect.runPromiseExit(Effect.scoped(Layer.build(second)))
    expect(String(exit)).toMatch(/ServeError/)
  })
})

describe("the metrics on a port of their own", () => {
  it("are served there, alone, inside the same frame", async () => {
    const runtime = ManagedRuntime.make(
      serve(HttpRoutes.layerMetrics, { host: "127.0.0.1", port: 0 }).pipe(Layer.provide(Logger.layer([])))
    )
    try {
      const { address } = await runtime.runPromise(HttpServer.HttpServer)
      const base = `http://127.0.0.1:${"port" in address ? address.port : 0}`
      const metrics = await call({ base }, "GET", "/metrics")
      expect([metrics.status, metrics.headers.get("x-request-id")]).toEqual([200, expect.any(String)])
      assertProblem(await call({ base }, "GET", "/streams"), "not-found")
      assertProblem(await call({ base }, "POST", "/metrics"), "method-not-allowed")
    } finally {
      await runtime.dispose()
    }
  })
})
