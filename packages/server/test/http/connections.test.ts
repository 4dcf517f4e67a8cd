/** Many connections at once: whose hold a listener and do nothing, and who is served all the same. */
import { once } from "node:events"
import net from "node:net"
import { afterEach, describe, expect, it } from "vitest"
import { call, raw } from "./support/client.ts"
import { type Service, start } from "./support/service.ts"

const PER_ADDRESS = 20
const limits = { total: 40, perAddress: PER_ADDRESS }

let service: Service
const sockets: Array<net.Socket> = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await service.close()
})

const connect = async (text = ""): Promise<net.Socket> => {
  const socket = net.connect(service.port, "127.0.0.1").on("error", () => {})
  sockets.push(socket)
  await once(socket, "connect")
  socket.resume().write(text)
  return socket
}

const metric = async (name: string): Promise<number> => {
  const { text } = await call(service, "GET", "/metrics")
  return Number(new RegExp(`^${name.replaceAll(/[{}]/g, "\\$&")} (\\d+)`, "m").exec(text)?.[1] ?? Number.NaN)
}

const LIMITED = 'greenroom_http_connections_limited_total{listener="api",reason="closed"}'

describe.each([
  ["say nothing", ""],
  ["never end their headers", "GET / HTTP/1.1\r\nHost: x\r\nX-A: "],
  ["never end their body", "POST /auth HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"],
  ["have been answered", "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"]
])("connections that %s", (_, text) => {
  it("give way to a new one, the oldest first, and leave one line and a gauge", async () => {
    service = await start({ limits })
    const first = await connect(text)
    const ended = once(first, "close")
    for (let n = 1; n < PER_ADDRESS + 10; n++) await connect(text)
    await ended
    for (let n = 0; n < 5; n++) {
      const answer = await raw(service.port, "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
      expect(answer).toMatch(/^HTTP\/1\.1 200/)
    }
    expect(await metric(LIMITED)).toBeGreaterThanOrEqual(10)
    expect(await metric('greenroom_http_connections{listener="api"}')).toBeLessThanOrEqual(PER_ADDRESS)
    expect(await metric('greenroom_degraded{kind="connections_limited"}')).toBe(1)
    expect(service.lines.filter(({ annotations }) => annotations.kind === "connections_limited")).toHaveLength(1)
  })
})

it("a connection whose request is being handled does not give way", async () => {
  service = await start({ limits })
  service.trouble("slow")
  const open = call(service, "GET", "/health")
  await expect.poll(() => service.spans.length).toBeGreaterThan(0)
  for (let n = 0; n < PER_ADDRESS * 2; n++) await connect()
  expect((await open).status).toBe(503)
})
