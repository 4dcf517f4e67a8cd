/**
 * What the shell itself costs an auth call: `POST /auth` over memory ports, each call on a new connection, as MediaMTX makes them.
 * The service runs in a process of its own. Run it with Node and `--conditions=@greenroom/source`; it prints milliseconds.
 */
import { fork } from "node:child_process"
import { once } from "node:events"
import http from "node:http"
import { newKey, publishCall } from "./client.ts"
import { start } from "./service.ts"

const ROUNDS = 3_000
const WARM_UP = 1_000

const post = (port: number, body: string, path = "/auth"): Promise<number> =>
  new Promise((resolve, reject) => {
    const started = performance.now()
    const request = http.request(
      { port, host: "127.0.0.1", path, method: "POST", agent: false, headers: { "content-type": "application/json" } },
      (response) => {
        response.resume()
        response.on("end", () => resolve(performance.now() - started))
      }
    )
    request.on("error", reject)
    request.end(body)
  })

const measure = async (name: string, port: number, body: () => string): Promise<void> => {
  for (let index = 0; index < WARM_UP; index++) await post(port, body())
  const times: Array<number> = []
  for (let index = 0; index < ROUNDS; index++) times.push(await post(port, body()))
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.floor(times.length * share)]?.toFixed(3)
  console.log(`${name.padEnd(34)} p50 ${at(0.5)}  p95 ${at(0.95)}  p99 ${at(0.99)} ms`)
}

const serveGreenroom = async () => {
  const service = await start({ quiet: true })
  const key = await newKey(service)
  process.send?.({ port: service.port, key: key.key_value })
}

/** The floor: Node's own server, which reads the body and answers. */
const serveBare = () => {
  const server = http.createServer((request, response) => {
    let text = ""
    request.on("data", (chunk) => {
      text += chunk
    })
    request.on("end", () => {
      JSON.parse(text)
      response.writeHead(200, { "content-type": "application/json" })
      response.end('{"decision":"allow","stream_id":null}')
    })
  })
  server.listen(0, "127.0.0.1", () => process.send?.({ port: (server.address() as { port: number }).port, key: "" }))
}

const withChild = async (role: string, use: (port: number, key: string) => Promise<void>) => {
  const child = fork(import.meta.filename, [role], { execArgv: ["--conditions=@greenroom/source"] })
  const [{ port, key }] = (await once(child, "message")) as [{ port: number; key: string }]
  await use(port, key)
  child.kill()
}

switch (process.argv[2]) {
  case "greenroom":
    await serveGreenroom()
    break
  case "bare":
    serveBare()
    break
  default: {
    const body = (key: string) => JSON.stringify(publishCall(key))
    await withChild("bare", async (port) => measure("node:http", port, () => body("x")))
    await withChild("greenroom", async (port, key) => {
      const again = body(key)
      await measure("greenroom, allowed again", port, () => again)
      await measure("greenroom, refused", port, () => body("sk_unknown"))
      await measure("greenroom, read", port, () => JSON.stringify({ action: "read", path: "live/x", id: null }))
    })
    await withChild("bare", async (port) => measure("node:http", port, () => body("x")))
  }
}
