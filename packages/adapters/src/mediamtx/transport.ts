/** The HTTP client for the control API: how long connections are kept and waited for, how much is read, and who learns that one was cut. */
import type { Socket } from "node:net"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Undici from "@effect/platform-node/Undici"
import type { Layer } from "effect"
import type { HttpClient } from "effect/http"

/** 10,000 paths with two tracks each are 7 MB. */
export const MAX_BODY = 64 * 1024 * 1024

/**
 * Shorter than any `readTimeout` in use (MediaMTX closes idle connections after it, or after 30 s): a call must not be sent into
 * a connection that is being closed. Longer than the second between two looks, and shorter than two: a network that forgot its
 * connections swallows one look's first attempt, not its second.
 */
const KEEP_ALIVE_MS = 1_500

/** A lost SYN is sent again after 1 s, then after 2 s, 4 s, …: a network that is back must not wait for those. */
const CONNECT_WITHIN_MS = 1_500

const codeOf = (error: Error): unknown => ("code" in error ? error.code : undefined)

/** The system of a process that has ended closes or resets all its connections, also those that are idle, and refuses new ones. */
const watch = (socket: Socket, onCut: () => void) => {
  socket.once("end", onCut)
  socket.once("error", (error) => {
    if (codeOf(error) === "ECONNRESET") onCut()
  })
}

/** `onCut` is called when the other side refused a connection, or has ended one. */
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
