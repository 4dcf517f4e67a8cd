/** The HTTP client for the control API: its timeouts, its limits, and a callback for connections that were cut. */
import type { Socket } from "node:net"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Undici from "@effect/platform-node/Undici"
import type { Layer } from "effect"
import type { HttpClient } from "effect/http"

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

/** Calls `onCut` when the other side refuses or ends a connection. */
export const layerHttpClient = (onCut: () => void): Layer.Layer<HttpClient.HttpClient> => {
  const connect = Undici.buildConnector({ timeout: CONNECT_WITHIN_MS })
  return NodeHttpClient.layerUndiciOptions({
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
