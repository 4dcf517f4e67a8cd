/** A client of its own scope for an address, and servers that say what a test wants. */
import { once } from "node:events"
import * as Http from "node:http"
import type { AddressInfo, Socket } from "node:net"
import { MediaServer } from "@greenroom/core"
import { unhurried } from "@greenroom/testing"
import { Context, Effect, Layer, Redacted } from "effect"
import { MediaMtx } from "../../src/mediamtx/index.ts"

/** A busy machine does not come near its deadlines. */
export const clientOf = (apiUrl: string, options: Partial<MediaMtx.MediaMtxOptions> = {}) => {
  const client = { apiUrl, user: "greenroom", password: Redacted.make("pw"), deadlines: unhurried }
  return Effect.map(Layer.build(Layer.fresh(MediaMtx.layer({ ...client, ...options }))), (context) =>
    Context.get(context, MediaServer)
  )
}

export interface Answer {
  readonly status: number
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Answers by `METHOD /path?query`, or cuts the connection. `cutIdle` ends those that wait for a request, until both sides know. */
export const serverToCutOf = (answer: (request: string) => Answer | "cut") => {
  const sockets = new Set<Socket>()
  return Effect.map(
    Effect.acquireRelease(
      Effect.callback<Http.Server>((resume) => {
        const server = Http.createServer((request, response) => {
          const given = answer(`${request.method} ${request.url}`)
          if (given === "cut") return request.socket.destroy()
          const { status, body = "", headers = {} } = given
          response.writeHead(status, headers).end(body)
        })
        server.on("connection", (socket) => {
          sockets.add(socket)
          socket.once("close", () => sockets.delete(socket))
        })
        server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
      }),
      (server) =>
        Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        })
    ),
    (server) => ({
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      cutIdle: Effect.forEach(sockets, (socket) => Effect.promise(() => once(socket.end(), "close")), {
        concurrency: "unbounded",
        discard: true
      })
    })
  )
}

export const serverOf = (answer: (request: string) => Answer | "cut") =>
  Effect.map(serverToCutOf(answer), ({ url }) => url)

export const noRoute: Answer = { status: 404, body: "404 page not found", headers: { "Content-Type": "text/plain" } }

export const json = (value: unknown, status = 200): Answer => ({ status, body: JSON.stringify(value) })
