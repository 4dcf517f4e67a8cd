/** Receivers of webhooks that do what a test wants, on loopback, and a sender of the test's own. */
import * as Http from "node:http"
import * as Net from "node:net"
import { type WebhookRequest, WebhookSender } from "@greenroom/core"
import { Context, Effect, Layer, Redacted } from "effect"
import { HttpWebhookSender } from "../../src/webhooks/index.ts"

/** A busy machine does not come near it. */
const AMPLE_MS = 60_000

export const senderOf = (options: Partial<HttpWebhookSender.SenderOptions> = {}) =>
  Effect.map(
    Layer.build(
      Layer.fresh(HttpWebhookSender.layer({ allowPrivate: true, requireTls: false, within: AMPLE_MS, ...options }))
    ),
    (context) => Context.get(context, WebhookSender)
  )

export const secret = Redacted.make("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

export const orderTo = (url: string, more: Partial<WebhookRequest> = {}): WebhookRequest => ({
  url,
  id: "0192e4a7-3f5e-4c1c-9d2a-5f0a3a1c7b11",
  timestamp: Math.floor(Date.now() / 1000),
  body: '{"type":"test"}',
  secrets: [secret],
  ...more
})

const listening = <S extends Net.Server>(server: S) =>
  Effect.callback<S>((resume) => {
    server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
  })

export const portOf = (server: Net.Server) => (server.address() as Net.AddressInfo).port

/** A server over TCP alone. `seen`: what came in over all connections. */
export const tcpServer = (onData: (socket: Net.Socket, data: Buffer) => void) =>
  Effect.gen(function* () {
    const sockets = new Set<Net.Socket>()
    const seen = { connections: 0, bytes: 0 }
    const made = Net.createServer((socket) => {
      seen.connections += 1
      sockets.add(socket)
      socket.on("error", () => undefined)
      socket.on("data", (data) => {
        seen.bytes += data.length
        onData(socket, data)
      })
    })
    const server = yield* Effect.acquireRelease(listening(made), () =>
      Effect.callback<void>((resume) => {
        for (const socket of sockets) socket.destroy()
        made.close(() => resume(Effect.void))
      })
    )
    return { port: portOf(server), url: `http://127.0.0.1:${portOf(server)}/hook`, seen, sockets }
  })

export interface Received {
  readonly method: string
  readonly url: string
  readonly headers: Http.IncomingHttpHeaders
  readonly body: string
  readonly remotePort: number
}

export const httpServer = (
  answer: (received: Received, response: Http.ServerResponse) => void,
  make: (listener: Http.RequestListener) => Net.Server = Http.createServer
) =>
  Effect.gen(function* () {
    const received: Array<Received> = []
    const sockets = new Set<Net.Socket>()
    const made = make((request, response) => {
      const chunks: Array<Buffer> = []
      request.on("data", (chunk: Buffer) => chunks.push(chunk))
      request.on("end", () => {
        const one = {
          method: request.method ?? "",
          url: request.url ?? "",
          headers: request.headers,
          body: Buffer.concat(chunks).toString(),
          remotePort: request.socket.remotePort ?? 0
        }
        received.push(one)
        answer(one, response)
      })
    })
    made.on("connection", (socket) => {
      sockets.add(socket)
      socket.on("error", () => undefined)
    })
    const server = yield* Effect.acquireRelease(listening(made), () =>
      Effect.callback<void>((resume) => {
        for (const socket of sockets) socket.destroy()
        made.close(() => resume(Effect.void))
      })
    )
    return { url: `http://127.0.0.1:${portOf(server)}/hook`, port: portOf(server), received }
  })
