/** An HTTP server on a free port of the loopback that answers as a test wants, and remembers what it was asked. */
import http from "node:http"
import type { AddressInfo } from "node:net"

export interface Reply {
  readonly status?: number
  /** A string is sent as it is, with the type `text/html`; anything else as JSON. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface Asked {
  readonly method: string
  readonly url: string
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
}

export type Routes = Readonly<Record<string, Reply | ((asked: Asked) => Reply | "silence" | "cut")>>

const send = (response: http.ServerResponse, { status = 200, body, headers = {} }: Reply): void => {
  const isText = typeof body === "string"
  const type = isText ? "text/html" : status >= 400 ? "application/problem+json" : "application/json"
  response.writeHead(status, { ...(body === undefined ? {} : { "content-type": type }), ...headers })
  response.end(body === undefined ? undefined : isText ? body : JSON.stringify(body))
}

/** `routes`: answers by `GET /streams`, without the query; anything else is a 404 that is no problem document. */
export const fakeService = async (routes: Routes) => {
  const asked: Array<Asked> = []
  const server = http.createServer(async (request, response) => {
    let body = ""
    for await (const chunk of request) body += chunk
    const { method = "", url = "", headers } = request
    const question: Asked = { method, url, headers, body }
    asked.push(question)
    const route = routes[`${method} ${url.split("?")[0]}`]
    const reply = typeof route === "function" ? route(question) : (route ?? { status: 404, body: "nothing" })
    if (reply === "cut") request.socket.destroy()
    else if (reply !== "silence") send(response, reply)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    port: (server.address() as AddressInfo).port,
    asked,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }
}

export type FakeService = Awaited<ReturnType<typeof fakeService>>
