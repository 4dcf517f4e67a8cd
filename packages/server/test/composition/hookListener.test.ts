/** The listener for the media server's calls: what it serves, what the API's port serves beside it, and that neither fills the other. */
import { once } from "node:events"
import * as net from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { noMediaServer } from "../../../../verification/worlds/service.ts"
import { until, useHome } from "./home.ts"

const started = /"message":"ready".*"hook_port":(\d+)/

const status = async (url: string, method: "GET" | "POST", path: string) =>
  (await fetch(`${url}${path}`, { method, ...(method === "POST" ? { body: "{}" } : {}) })).status

/** Without credentials and with an empty body: what is there refuses, what is not there is not found. */
const mediaServerCalls = [
  "/auth",
  "/webhook/ready",
  "/webhook/not-ready",
  "/v1/mediamtx/events/ready",
  "/v1/mediamtx/events/not-ready"
]

describe("the listener for the media server's calls", () => {
  const home = useHome(noMediaServer)

  const start = async (settings: Readonly<Record<string, string>>) => {
    const service = home.start({ HOOK_SECRET: "0123456789abcdef", ...settings })
    const api = await service.ready
    const line = await waitForLine(service.err)
    return { service, api, hooks: `http://127.0.0.1:${line}` }
  }

  const waitForLine = async (err: () => string) => {
    for (;;) {
      const [, port] = started.exec(err()) ?? []
      if (port !== undefined) return port
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  it("serves them and the probes, and nothing else; the API's port goes on serving them", async () => {
    const { api, hooks } = await start({ HOOK_PORT: "0" })
    assert.notStrictEqual(api, hooks)
    for (const call of mediaServerCalls) {
      assert.strictEqual(await status(hooks, "POST", call), 401, call)
      assert.strictEqual(await status(api, "POST", call), 401, call)
    }
    for (const probe of ["/livez", "/readyz"]) assert.strictEqual(await status(hooks, "GET", probe), 200, probe)
    for (const path of ["/streams", "/docs", "/metrics", "/", "/health"]) {
      assert.strictEqual(await status(hooks, "GET", path), 404, path)
    }
  })

  it("is the only one that serves them with HOOKS_ON_API_PORT=off", async () => {
    const { api, hooks } = await start({ HOOK_PORT: "0", HOOKS_ON_API_PORT: "off" })
    for (const call of mediaServerCalls) {
      assert.strictEqual(await status(hooks, "POST", call), 401, call)
      assert.strictEqual(await status(api, "POST", call), 404, call)
    }
    assert.strictEqual(await status(api, "GET", "/health"), 200)
  })

  it("counts wrong API secrets together with the API's port", async () => {
    const { api, hooks } = await start({ HOOK_PORT: "0" })
    const guess = async (url: string) => {
      const response = await fetch(`${url}/auth`, {
        method: "POST",
        headers: { authorization: "Bearer 0123456789abcdef", "content-type": "application/json" },
        body: JSON.stringify({ action: "api", path: "", password: "wrong", ip: "203.0.113.7" })
      })
      return response.status
    }
    for (let count = 0; count < 10; count++) assert.strictEqual(await guess(hooks), 401)
    assert.strictEqual(await guess(api), 429)
  })

  it("is the API's port where none is asked for", async () => {
    const { api, hooks } = await start({})
    assert.strictEqual(new URL(api).port, new URL(hooks).port)
  })

  it("answers while the API's port has every connection that it takes", async () => {
    const { service, api, hooks } = await start({ HOOK_PORT: "0" })
    const { port } = new URL(api)
    const sockets = Array.from({ length: 1_100 }, () => net.connect(Number(port), "127.0.0.1").on("error", () => {}))
    await Promise.all(sockets.map((socket) => once(socket, "connect")))
    for (let n = 0; n < 20; n++) assert.strictEqual(await status(hooks, "POST", "/auth"), 401)
    // The API's own callers find a place as well, because those that do nothing give way.
    for (let n = 0; n < 20; n++) assert.strictEqual(await status(api, "GET", "/livez"), 200)
    const limited = () =>
      service
        .err()
        .split("\n")
        .filter((line) => line.includes('"kind":"connections_limited"'))
    await until(() => limited().length > 0, "the condition is logged")
    assert.lengthOf(limited(), 1)
    for (const socket of sockets) socket.destroy()
  })
})
