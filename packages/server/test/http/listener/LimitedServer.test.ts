/** A listener of one of the server's events that throws: it costs its connection, and nothing else. */
import { once } from "node:events"
import type net from "node:net"
import { type Context, Effect, Logger, References } from "effect"
import { afterEach, expect, it } from "vitest"
import { LimitedServer } from "../../../src/http/listener/LimitedServer.ts"
import { listenerEnvironment } from "../../../src/http/listener/ListenerEnvironment.ts"
import { raw } from "../support/client.ts"

const lines: Array<Readonly<Record<string, unknown>>> = []
const logger = Logger.make(({ fiber }) => lines.push(fiber.getRef(References.CurrentLogAnnotations)))
const context = await Effect.runPromise(
  Effect.provide(Effect.context<never>(), Logger.layer([logger])).pipe(
    Effect.map((given) => given as Context.Context<never>)
  )
)

let server: LimitedServer
afterEach(() => {
  server.closeAllConnections()
  server.close()
  lines.length = 0
})

const close = "Host: x\r\nConnection: close\r\n\r\n"

it.each([
  ["request", `GET / HTTP/1.1\r\n${close}`],
  ["checkContinue", `POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n${close}`],
  ["checkExpectation", `GET / HTTP/1.1\r\nExpect: much\r\n${close}`],
  ["connect", `CONNECT example.com:443 HTTP/1.1\r\n${close}`],
  ["clientError", "words\r\n\r\n"],
  ["connection", `GET / HTTP/1.1\r\n${close}`]
])("of %s", async (event, text) => {
  server = new LimitedServer(listenerEnvironment("api", context), {
    requestWithinMillis: 10_000,
    limits: { total: 10, perAddress: 10 }
  })
  let isBroken = true
  server.on(event as "request", () => {
    if (!isBroken) return
    isBroken = false
    throw new Error("a listener's defect")
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as net.AddressInfo
  expect(await raw(port, text)).toBe("")
  expect(isBroken).toBe(false)
  await expect.poll(() => lines).toMatchObject([{ listener: "api", event }])
  // The next one is served.
  server.removeAllListeners("request").on("request", (_, response) => response.end("fine"))
  expect(await raw(port, `GET / HTTP/1.1\r\n${close}`)).toContain("fine")
})
