/**
 * Applies the bounds of a `ConnectionTable` to the connections of a server: closes connections that make room for others, refuses those
 * without a place, counts both, and logs the condition once while it lasts.
 */
import type { Server, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import type { Duplex } from "node:stream"
import { Metric } from "effect"
import { attached } from "./attached.ts"
import type { Condition } from "./Condition.ts"
import { ConnectionTable, type Limits, type Place } from "./ConnectionTable.ts"
import { clientAddress } from "./clientAddress.ts"
import type { ListenerEnvironment } from "./ListenerEnvironment.ts"

const open = Metric.gauge("greenroom_http_connections", { description: "Open connections of a listener" })
const limited = Metric.counter("greenroom_http_connections_limited_total", {
  description: "Connections that a listener refused, or closed to make room, because a bound was reached",
  incremental: true
})

/** A connection, and what it is doing; kept on the side: a socket's own fields are Node's. */
interface Connection {
  readonly socket: Socket
  /** The answer that is under way, if one is. */
  answering: ServerResponse | null
  /** `null` until it has one. */
  place: Place<Connection> | null
}

/** The client has to act next: to send the rest of its request, to read the answer, or to ask for something. */
const isWaiting = ({ answering }: Connection): boolean =>
  answering === null || !answering.req.complete || answering.writableEnded

/** There is no whole request that waits for its answer. */
const lacksRequest = ({ answering }: Connection): boolean => answering === null || !answering.req.complete

const PIPED_LISTENERS = 20

/** What takes a connection out of the competition for places. */
const aparts = attached<() => void>()

/** For the connection of an answer that does not end: see `ConnectionTable.keepApart`. */
export const keepApart = (socket: Duplex): void => aparts.of(socket)?.()

export interface ConnectionLimits {
  /** Closes the connections on which nothing has ever come. */
  readonly closeUnused: () => void
  /** Closes those whose request is not here as a whole. */
  readonly closeUnfinished: () => void
  /** Each answer that is under way announces that its connection closes. */
  readonly announceEnd: () => void
  /** To be called when a request's handling begins. */
  readonly began: (socket: Socket, response: ServerResponse) => void
}

export const limitConnections = (
  server: Server,
  limits: Limits,
  condition: Condition,
  { name, context }: ListenerEnvironment
): ConnectionLimits => {
  const connections = attached<Connection>()
  const table = new ConnectionTable<Connection>(limits, isWaiting)
  const gauge = Metric.withAttributes(open, { listener: name })
  const counters = {
    KeptInsteadOf: Metric.withAttributes(limited, { listener: name, reason: "closed" }),
    Refused: Metric.withAttributes(limited, { listener: name, reason: "refused" })
  }
  const showSize = () => gauge.updateUnsafe(table.size, context)

  server.on("connection", (socket: Socket) => {
    const address = clientAddress(socket.remoteAddress)
    const connection: Connection = { socket, answering: null, place: null }
    const verdict = table.add(connection, address)
    if (verdict._tag !== "Kept") {
      counters[verdict._tag].updateUnsafe(1, context)
      condition.observe({ listener: name, address, open: table.size, ...limits })
    }
    if (verdict._tag === "Refused") {
      socket.destroy()
      return
    }
    if (verdict._tag === "KeptInsteadOf") verdict.closed.socket.destroy()
    const { place } = verdict
    connection.place = place
    connections.attach(socket, connection)
    aparts.attach(socket, () => {
      table.keepApart(place)
      // Node's pipeline adds its own listeners to those of this listener and of Effect: more than the ten after which Node warns of a leak.
      connection.answering?.setMaxListeners(PIPED_LISTENERS)
    })
    showSize()
    socket.once("close", () => {
      table.remove(place)
      showSize()
    })
  })

  const closeWhere = (isToClose: (connection: Connection) => boolean): void => {
    for (const connection of table.all) if (isToClose(connection)) connection.socket.destroy()
  }

  return {
    closeUnused: () => closeWhere(({ socket }) => socket.bytesRead === 0),
    closeUnfinished: () => closeWhere(lacksRequest),
    announceEnd: () => {
      for (const { answering } of table.all) if (answering !== null) answering.shouldKeepAlive = false
    },
    began: (socket, response) => {
      const connection = connections.of(socket)
      if (connection === undefined || connection.place === null) return
      const { place } = connection
      connection.answering = response
      table.touch(place)
      response.once("close", () => {
        connection.answering = null
        table.touch(place)
      })
    }
  }
}
