/**
 * What Node refuses before there is a request (bad syntax, headers too large, an unknown method, a request that never ends)
 * would be answered with an empty body. It gets a problem document, an id and a log line like everything else, written straight to
 * the socket.
 */
import { randomUUID } from "node:crypto"
import { type IncomingMessage, METHODS, type Server, type ServerResponse, STATUS_CODES } from "node:http"
import type { Duplex } from "node:stream"
import { withoutKeys } from "@greenroom/core"
import { attached } from "../listener/attached.ts"
import { documentOf, type Problem, problem, validation } from "../problems/Problem.ts"
import type { ProblemName } from "../problems/problemTypes.ts"
import { isTooLong, shownPath, TARGET_MAX } from "./RequestContext.ts"

/** A request that could not be read, as far as it could. `method` and `path`: as they may be shown; `null` where they are not known. */
export interface MalformedRequest {
  readonly status: number
  readonly method: string | null
  readonly path: string | null
  readonly requestId: string
}

export interface MalformedRequestOptions {
  readonly methodsAt: (url: string) => ReadonlyArray<string>
  readonly onRefused: (what: MalformedRequest) => void
}

interface Refusal {
  readonly problem: Problem
  readonly method?: string
  readonly url?: string
  readonly headers?: ReadonlyArray<string>
}

const malformed = validation([{ pointer: "", detail: "Expected a well-formed HTTP/1.1 request" }])

/** Characters of an unknown method that are shown. */
const METHOD_SHOWN = 32

/** Bytes of a packet in which the request line is looked for: a longest target, a method, a version. */
const LINE_MAX = TARGET_MAX + 1024

/** The request line of a method that Node's parser does not know (RFC 9110: any token is a method). */
const requestLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) (\/[^ ]*) HTTP\/1\.[01]\r?\n/

/** The packet may begin with an earlier request, which the parser did know: then nothing is certain of the one that failed. */
const ofUnknownMethod = (packet: Buffer | undefined, methodsAt: MalformedRequestOptions["methodsAt"]): Refusal => {
  const [, sent, url] = requestLine.exec(packet?.toString("latin1", 0, LINE_MAX) ?? "") ?? []
  if (sent === undefined || url === undefined || METHODS.includes(sent)) return { problem: malformed }
  const method = withoutKeys(sent).slice(0, METHOD_SHOWN)
  if (isTooLong(url)) return { problem: problem("uri-too-long"), method }
  const methods = methodsAt(url)
  return methods.length === 0
    ? { problem: problem("not-found"), method, url }
    : { problem: problem("method-not-allowed"), method, url, headers: [`Allow: ${methods.join(", ")}`] }
}

/** The codes of Node and its parser that stand for a problem of their own. */
const problemNames: Readonly<Record<string, ProblemName>> = {
  HPE_HEADER_OVERFLOW: "headers-too-large",
  HPE_CHUNK_EXTENSIONS_OVERFLOW: "payload-too-large",
  ERR_HTTP_REQUEST_TIMEOUT: "request-timeout"
}

const refusalOf = (
  { code = "", rawPacket }: NodeJS.ErrnoException & { readonly rawPacket?: Buffer },
  methodsAt: MalformedRequestOptions["methodsAt"]
): Refusal => {
  if (code === "HPE_INVALID_METHOD") return ofUnknownMethod(rawPacket, methodsAt)
  const name = problemNames[code]
  return { problem: name === undefined ? malformed : problem(name) }
}

/** After the answer the sender has this long to read it before the connection is cut. */
const LINGER_MS = 500

const refuse = (socket: Duplex, { problem: body, method, url, headers = [] }: Refusal): MalformedRequest => {
  const requestId = randomUUID()
  const path = url === undefined ? null : shownPath(url)
  const text = JSON.stringify(documentOf(body, path ?? "/", requestId))
  const head = [
    `HTTP/1.1 ${body.status} ${STATUS_CODES[body.status]}`,
    "Content-Type: application/problem+json",
    `Content-Length: ${Buffer.byteLength(text)}`,
    `X-Request-ID: ${requestId}`,
    "Cache-Control: no-store",
    "Connection: close",
    ...headers
  ]
  socket.on("error", () => {})
  socket.end(`${head.join("\r\n")}\r\n\r\n${text}`)
  const cut = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.once("close", () => clearTimeout(cut))
  return { status: body.status, method: method ?? null, path, requestId }
}

/** The answer that is under way on the connection, if one is. */
const underWay = (socket: Duplex): ServerResponse | null =>
  (socket as { _httpMessage?: ServerResponse | null })._httpMessage ?? null

/** `onRefused` is called with each request that could not be read. */
export const refuseMalformedRequest = (server: Server, { methodsAt, onRefused }: MalformedRequestOptions): Server => {
  /** The last request that was answered on each connection. */
  const answered = attached<IncomingMessage>()
  /** What fails is the rest of a request that has its answer: a second one would be taken for the next request's. */
  const isRest = (socket: Duplex) => answered.of(socket)?.complete === false
  return server
    .on("request", (request, response) => response.once("finish", () => answered.attach(request.socket, request)))
    .on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => {
      const response = underWay(socket)
      if (error.code === "ECONNRESET" || !socket.writable || response?.headersSent === true || isRest(socket)) {
        socket.destroy()
        return
      }
      if (response?.req.complete === true) {
        // What failed came behind a whole request: that one has its answer, and the connection ends with it.
        response.shouldKeepAlive = false
        return
      }
      onRefused(refuse(socket, refusalOf(error, methodsAt)))
    })
    .on("connect", (_: IncomingMessage, socket: Duplex) => {
      onRefused(
        refuse(socket, {
          problem: problem("method-not-allowed"),
          method: "CONNECT",
          headers: ["Allow: GET, HEAD, POST, PATCH, DELETE"]
        })
      )
    })
    .on("checkExpectation", (request, response) => server.emit("request", request, response))
}
