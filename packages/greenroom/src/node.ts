/** For `node:http`, Express and Fastify: the web handler on Node's request and response. */
import type { IncomingMessage, ServerResponse } from "node:http"
import type { Greenroom } from "./createGreenroom.ts"

/** What a body parser in front leaves. */
type ParsedRequest = IncomingMessage & { readonly body?: unknown; readonly originalUrl?: string }

type Body = string | Uint8Array | ReadableStream<Uint8Array>

const READ_BEFORE =
  "Greenroom got a request whose body was read already and left nowhere: a middleware in front of it (a body parser, a proxy, a logger) " +
  "has taken the stream without setting `req.body`. Mount Greenroom in front of that middleware."

const bytesOf = (body: unknown): Body =>
  typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body)

const hasBody = ({ method, headers }: IncomingMessage): boolean =>
  method !== "GET" &&
  method !== "HEAD" &&
  (headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0)

/** Reads only when asked: Node discards the body of a request that was not touched, and a half-read one blocks its connection. */
const streamOf = (request: IncomingMessage): ReadableStream<Uint8Array> => {
  const pieces = request.iterator({ destroyOnReturn: false })
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        const { done, value } = await pieces.next()
        if (done === true) controller.close()
        else controller.enqueue(value)
      },
      cancel: async () => {
        await pieces.return?.()
        request.resume()
      }
    },
    { highWaterMark: 0 }
  )
}

/** The body that a parser has left, else the stream. A stream that was read without leaving one is an error, never an empty body. */
const bodyOf = (request: ParsedRequest): Body | null => {
  if (!hasBody(request)) return null
  if (request.body !== undefined && (request.readableEnded || request.readableDidRead)) return bytesOf(request.body)
  if (request.readableDidRead) throw new Error(READ_BEFORE)
  return streamOf(request)
}

const headersOf = ({ headersDistinct }: IncomingMessage): Headers => {
  const headers = new Headers()
  for (const [name, values] of Object.entries(headersDistinct))
    for (const value of values ?? []) headers.append(name, value)
  return headers
}

const webRequest = (request: ParsedRequest): Request => {
  const url = new URL(request.originalUrl ?? request.url ?? "/", `http://${request.headers.host ?? "localhost"}`)
  const body = bodyOf(request)
  return new Request(url, {
    method: request.method ?? "GET",
    headers: headersOf(request),
    ...(body === null ? {} : { body, duplex: "half" })
  } as RequestInit)
}

/** Whole: every answer is bounded. */
const send = async (answer: Response, response: ServerResponse): Promise<void> => {
  const body = Buffer.from(await answer.arrayBuffer())
  const hasLength = answer.status !== 204 && answer.status !== 304
  const headers = Object.fromEntries(answer.headers)
  response.writeHead(answer.status, hasLength ? { ...headers, "content-length": body.length } : headers).end(body)
}

/** What may be shown to the caller; anything else is for the host's own log. */
const textOf = (error: unknown): string => {
  if (error instanceof Error && error.message === READ_BEFORE) return READ_BEFORE
  console.error("greenroom:", error)
  return "Greenroom could not answer: see the log of the host"
}

export type NodeHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  next?: (error?: unknown) => void
) => Promise<void>

/** `next`, which Express and Connect give, gets what breaks; without it the answer is 500, which MediaMTX takes for a refusal. */
export const toNodeHandler =
  (greenroom: Pick<Greenroom, "fetch">): NodeHandler =>
  async (request, response, next) => {
    try {
      await send(await greenroom.fetch(webRequest(request)), response)
    } catch (error) {
      if (next !== undefined) {
        next(error)
        return
      }
      if (response.headersSent) response.destroy()
      else response.writeHead(500, { "content-type": "text/plain" }).end(textOf(error))
    }
  }
