/**
 * What Node refuses before there is a request (bad syntax, headers too large, a request that never ends) would be answered with an
 * empty body. It gets a problem document, an id and a log line like everything else, written straight to the socket.
 */
import { randomUUID } from "node:crypto"
import type { IncomingMessage, Server } from "node:http"
import type { Duplex } from "node:stream"
import { documentOf, type Problem, problem, validation } from "./problemDocument.ts"

const reasons: Readonly<Record<number, string>> = {
  400: "Bad Request",
  405: "Method Not Allowed",
  408: "Request Timeout",
  413: "Payload Too Large",
  431: "Request Header Fields Too Large"
}

const problemOf = (code: string | undefined): Problem => {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return problem("headers-too-large")
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return problem("payload-too-large")
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return problem("request-timeout")
    default:
      return validation([{ pointer: "", detail: "Expected a well-formed HTTP/1.1 request" }])
  }
}

/** After the answer the sender has this long to read it before the connection is cut. */
const LINGER_MS = 500

const refuse = (socket: Duplex, body: Problem, headers: ReadonlyArray<string> = []): string => {
  const requestId = randomUUID()
  const text = JSON.stringify(documentOf(body, "/", requestId))
  const head = [
    `HTTP/1.1 ${body.status} ${reasons[body.status] ?? ""}`,
    "Content-Type: application/problem+json",
    `Content-Length: ${Buffer.byteLength(text)}`,
    `X-Request-ID: ${requestId}`,
    "Connection: close",
    ...headers
  ]
  socket.on("error", () => {})
  socket.end(`${head.join("\r\n")}\r\n\r\n${text}`)
  const cut = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.once("close", () => clearTimeout(cut))
  return requestId
}

/** Whether an answer to an earlier, whole request has begun on the connection: nothing can be put between. */
const answering = (socket: Duplex): boolean => {
  const message = (socket as { _httpMessage?: { readonly headersSent: boolean } })._httpMessage
  return message?.headersSent === true
}

/** `told` hears of each request that could not be read. */
export const refuseUnreadable = (server: Server, told: (status: number, requestId: string) => void): Server =>
  server
    .on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => {
      if (error.code === "ECONNRESET" || !socket.writable || answering(socket)) {
        socket.destroy()
        return
      }
      const refused = problemOf(error.code)
      told(refused.status, refuse(socket, refused))
    })
    .on("connect", (_: IncomingMessage, socket: Duplex) => {
      told(405, refuse(socket, problem("method-not-allowed"), ["Allow: GET, HEAD, POST, PATCH, DELETE"]))
    })
    .on("checkExpectation", (request, response) => server.emit("request", request, response))
