/**
 * The HTTP client for the control API: its timeouts, its limits, and a callback for connections that were cut. It hands the answer's bytes
 * on as they came. undici is called directly, because a pass makes its calls every second: through Effect's client each costs twice as much.
 */
import type { Socket } from "node:net"
import { Effect, type Scope } from "effect"
import * as Undici from "undici"

/** 10,000 paths with two tracks each are 7 MB. */
export const MAX_BODY = 64 * 1024 * 1024

/**
 * Shorter than any `readTimeout` in use, after which (or after 30 s) MediaMTX closes idle connections: a call must not use a
 * connection that is being closed. Longer than the second between two snapshots, and shorter than two of them: on dead connections, only the first
 * attempt of one snapshot is lost.
 */
const KEEP_ALIVE_MS = 1_500

/** The system repeats a lost SYN after 1 s, then after 2 s, 4 s, …: once the network is back, a new attempt is faster. */
const CONNECT_WITHIN_MS = 1_500

const codeOf = (error: Error): unknown => ("code" in error ? error.code : undefined)

/** When a process ends, its system closes or resets all its connections, idle ones included, and refuses new ones. */
const watch = (socket: Socket, onCut: () => void) => {
  socket.once("end", onCut)
  socket.once("error", (error) => {
    if (codeOf(error) === "ECONNRESET") onCut()
  })
}

const openAgent = (onCut: () => void): Undici.Agent => {
  const connect = Undici.buildConnector({ timeout: CONNECT_WITHIN_MS })
  return new Undici.Agent({
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    connect: (options, callback) =>
      connect(options, (...[error, socket]) => {
        if (error === null) {
          watch(socket, onCut)
          return callback(null, socket)
        }
        if (codeOf(error) === "ECONNREFUSED") onCut()
        callback(error, null)
      }),
    maxResponseSize: MAX_BODY,
    connections: 64
  })
}

export interface HttpRequest {
  readonly origin: string
  readonly path: string
  readonly method: "GET" | "POST" | "DELETE"
  readonly headers: Record<string, string>
  readonly body?: string
}

export interface HttpResponse {
  readonly status: number
  readonly bytes: Buffer
}

/** No redirect is followed and nothing is repeated. An interruption closes the call's connection. */
export type Send = (request: HttpRequest) => Effect.Effect<HttpResponse, Error>

const givenUp = new Error("the caller has given up")

const sendOver =
  (agent: Undici.Agent): Send =>
  (request) =>
    Effect.callback((resume) => {
      const chunks: Array<Buffer> = []
      let status = 0
      let controller: Undici.Dispatcher.DispatchController | undefined
      let isGivenUp = false
      agent.dispatch(request, {
        onRequestStart: (started) => {
          controller = started
          if (isGivenUp) started.abort(givenUp)
        },
        onResponseStart: (_, code) => {
          status = code
        },
        onResponseData: (_, chunk) => void chunks.push(chunk),
        onResponseEnd: () => {
          const [only] = chunks
          const bytes = only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks)
          resume(Effect.succeed({ status, bytes }))
        },
        onResponseError: (_, error) => resume(Effect.fail(error))
      })
      return Effect.sync(() => {
        isGivenUp = true
        controller?.abort(givenUp)
      })
    })

/** Calls `onCut` when the other side refuses or ends a connection. */
export const makeTransport = (onCut: () => void): Effect.Effect<Send, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => openAgent(onCut)),
      (agent) => Effect.promise(() => agent.destroy())
    ),
    sendOver
  )
