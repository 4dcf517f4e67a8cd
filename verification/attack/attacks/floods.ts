/** Attacks by number: ordinary requests, as many as the client can send. */
import * as http from "node:http"
import type { Attack, Means } from "../Attack.ts"
import { pause, repeatedly } from "../sockets.ts"

interface Call {
  readonly method?: string
  readonly path: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly port?: number
}

/** On a connection that is kept. */
const call = (
  means: Means,
  agent: http.Agent,
  { method = "POST", path, body, headers = {}, port }: Call
): Promise<void> =>
  new Promise((resolve) => {
    const text = body === undefined ? "" : JSON.stringify(body)
    const request = http.request(
      {
        port: port ?? means.target.apiPort,
        host: "127.0.0.1",
        path,
        method,
        agent,
        headers: { "content-type": "application/json", "content-length": Buffer.byteLength(text), ...headers }
      },
      (response) => {
        response.resume().on("close", () => {
          means.spent.answers += 1
          resolve()
        })
      }
    )
    request.on("error", () => setTimeout(resolve, 20))
    means.spent.bytes += text.length + 150
    request.end(text)
  })

const flood = async (means: Means, clients: number, next: (worker: number, round: number) => Call): Promise<void> => {
  const agent = new http.Agent({ keepAlive: true, maxSockets: clients })
  means.spent.connections += clients
  await repeatedly(means, clients, (worker, round) => call(means, agent, next(worker, round)))
  agent.destroy()
}

const publish = (worker: number, round: number) => ({
  ip: "127.0.0.1",
  user: "",
  password: `sk_${"x".repeat(40)}${String(round % 1000).padStart(3, "0")}`,
  action: "publish",
  path: `live/flood-${worker}`,
  protocol: "rtmp",
  id: crypto.randomUUID(),
  query: ""
})

const basic = (secret: string) => `Basic ${Buffer.from(`mediamtx:${secret}`).toString("base64")}`

export const floodAttacks: ReadonlyArray<Attack> = [
  {
    name: "auth calls without the hook secret, 64 clients",
    run: (means) => flood(means, 64, (worker, round) => ({ path: "/auth", body: publish(worker, round) }))
  },
  {
    name: "publishers with unknown keys, 16 clients",
    run: (means) =>
      flood(means, 16, (worker, round) => ({
        path: "/auth",
        body: publish(worker, round),
        headers: { authorization: basic(means.target.hookSecret) },
        port: means.target.hookPort
      }))
  },
  {
    name: "hooks without the secret, 64 clients",
    run: (means) => flood(means, 64, (_, round) => ({ path: "/webhook/ready", body: { path: `live/${round % 50}` } }))
  },
  {
    name: "hooks with the secret, 16 clients",
    run: (means) =>
      flood(means, 16, (_, round) => ({
        path: round % 2 === 0 ? "/webhook/ready" : "/webhook/not-ready",
        body: { path: `live/${round % 50}`, source_type: "rtmpConn", source_id: crypto.randomUUID() },
        headers: { authorization: basic(means.target.hookSecret) },
        port: means.target.hookPort
      }))
  },
  {
    name: "guesses at the API secret, 64 clients",
    run: (means) =>
      flood(means, 64, (worker, round) => ({
        method: "GET",
        path: "/streams",
        headers: { "x-api-key": `guess-${worker}-${round}-0123456789` }
      }))
  },
  {
    name: "long lists, 20 clients",
    run: async (means) => {
      const headers = { "x-api-key": means.target.apiSecret }
      await flood(means, 20, () => ({ method: "GET", path: "/stream-keys?limit=200", headers }))
      await pause(0)
    }
  },
  {
    name: "pages without a secret, 64 clients",
    run: (means) =>
      flood(means, 64, (_, round) => ({ method: "GET", path: round % 2 === 0 ? "/docs" : "/openapi.json" }))
  }
]
