/**
 * Applies the bounds of a `ConnectionTable` to the connections of a server: closes connections that make room for others, refuses those
 * without a place, counts both, and logs the condition once while it lasts.
 */
import type { Server, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { Metric } from "effect"
import type { Condition } from "./Condition.ts"
import { ConnectionTable, type Limits } from "./ConnectionTable.ts"
import { clientAddress } from "./clientAddress.ts"
import type { ListenerEnvironment } from "./ListenerEnvironment.ts"

const open = Metric.gauge("greenroom_http_connections", { description: "Open connections of a listener" })
const limited = Metric.counter("greenroom_http_connections_limited_total", {
  description: "Connections that a listener refused, or closed to make room, because a bound was reached",
  incremental: true
})

/** What the connection is doing, kept on the side: a socket's own fields are Node's. */
interface Activity {
  /** The answer that is under way, if one is. */
  answering: ServerResponse | null
}

/** The client has to act next: to send the rest of its request, to read the answer, or to ask for something. */
const isWaiting = ({ answering }: Activity): boolean =>
  answering === null || !answering.req.complete || answering.writableEnded

/** There is no whole request that waits for its answer. */
const lacksRequest = ({ answering }: Activity): boolean => answering === null || !answering.req.complete

export interface ConnectionLimits {
  /** Closes the connections on which nothing has ever come. */
  readonly closeUnused: () => void
  /** Closes those whose request is not here as a whole. */
  readonly closeUnfinished: () => void
  /** To be called when a request's handling begins. */
  readonly began: (socket: Socket, response: ServerResponse) => void
}

export const limitConnections = (
  server: Server,
  limits: Limits,
  condition: Condition,
  { name, context }: ListenerEnvironment
): ConnectionLimits => {
  const activities = new WeakMap<Socket, Activity>()
  const table = new ConnectionTable<Socket>(limits, (socket) => {
    const activity = activities.get(socket)
    return activity === undefined || isWaiting(activity)
  })
  const gauge = Metric.withAttributes(open, { listener: name })
  const counters = {
    KeptInsteadOf: Metric.withAttributes(limited, { listener: name, reason: "closed" }),
    Refused: Metric.withAttributes(limited, { listener: name, reason: "refused" })
  }
  const showSize = () => gauge.updateUnsafe(table.size, context)

  server.on("connection", (socket: Socket) => {
    const address = clientAddress(socket.remoteAddress)
    const verdict = table.add(socket, address)
    if (verdict._tag !== "Kept") {
      counters[verdict._tag].updateUnsafe(1, context)
      condition.observe({ listener: name, address, open: table.size, ...limits })
    }
    if (verdict._tag === "Refused") {
      socket.destroy()
      return
    }
    if (verdict._tag === "KeptInsteadOf") verdict.closed.destroy()
    activities.set(socket, { answering: null })
    showSize()
    socket.once("close", () => {
      table.remove(socket)
      showSize()
    })
  })

  const closeWhere = (isToClose: (socket: Socket) => boolean): void => {
    for (const socket of table.all) if (isToClose(socket)) socket.destroy()
  }

  return {
    closeUnused: () => closeWhere((socket) => socket.bytesRead === 0),
    closeUnfinished: () =>
      closeWhere((socket) => {
        const activity = activities.get(socket)
        return activity === undefined || lacksRequest(activity)
      }),
    began: (socket, response) => {
      const activity = activities.get(socket)
      if (activity === undefined) return
      activity.answering = response
      table.touch(socket)
      response.once("close", () => {
        activity.answering = null
        table.touch(socket)
      })
    }
  }
}
