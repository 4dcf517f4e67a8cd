/**
 * The requests of each connection, one after the other: a request begins when the answer to the one before it has been handed to the
 * operating system. So a client that sends many requests and reads no answer costs one answer, not thousands, and each request sees
 * what those before it on its connection have written. While a request waits, nothing more is read from its connection; only what one
 * read brought has been parsed by then. A connection that adds a request beyond `MAX_WAITING` is closed.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { Metric } from "effect"
import { attached } from "./attached.ts"
import type { Condition } from "./Condition.ts"
import { clientAddress } from "./clientAddress.ts"
import type { ListenerEnvironment } from "./ListenerEnvironment.ts"
import { MeteredSocket } from "./MeteredSocket.ts"
import type { TurnBudget } from "./TurnBudget.ts"

/** Parsed requests that wait, on all connections of the listener: about 6 KB of memory each. */
const MAX_WAITING = 4_000

const dropped = Metric.counter("greenroom_http_pipelines_dropped_total", {
  description: "Connections closed because too many of a listener's requests waited for the one before them",
  incremental: true
})

interface Waiting {
  readonly response: ServerResponse
  readonly begin: () => void
}

interface Line {
  isBusy: boolean
  isPaused: boolean
  readonly waiting: Array<Waiting>
}

export interface RequestQueue {
  /** `begin` hands the request to its handler, at once or when it is its turn. It must be total. */
  readonly add: (request: IncomingMessage, response: ServerResponse, begin: () => void) => void
}

const hold = (socket: Socket): unknown => (socket instanceof MeteredSocket ? socket.hold() : socket.pause())
const release = (socket: Socket): unknown => (socket instanceof MeteredSocket ? socket.release() : socket.resume())

/**
 * `budget`: `null` for a listener whose requests never wait for those of others. `onTurn`: called when a request becomes the one that its
 * connection handles, before it may have to wait for the budget.
 */
export const makeRequestQueue = (
  budget: TurnBudget | null,
  onTurn: (socket: Socket, response: ServerResponse) => void,
  condition: Condition,
  { name, context }: ListenerEnvironment
): RequestQueue => {
  const lines = attached<Line>()
  const drops = Metric.withAttributes(dropped, { listener: name })
  let waitingInAll = 0

  const newLine = (socket: Socket): Line => {
    const line: Line = { isBusy: false, isPaused: false, waiting: [] }
    lines.attach(socket, line)
    socket.once("close", () => {
      waitingInAll -= line.waiting.length
      line.waiting.length = 0
    })
    return line
  }

  const start = (socket: Socket, line: Line, { response, begin }: Waiting): void => {
    line.isBusy = true
    onTurn(socket, response)
    response.once("close", () => {
      line.isBusy = false
      if (!socket.destroyed) follow(socket, line)
    })
    const run = () => (socket.destroyed ? undefined : begin())
    if (budget === null) run()
    else budget.run(run)
  }

  const follow = (socket: Socket, line: Line): void => {
    const following = line.waiting.shift()
    if (following !== undefined) {
      waitingInAll -= 1
      start(socket, line, following)
    }
    if (line.isPaused && line.waiting.length === 0) {
      line.isPaused = false
      release(socket)
    }
  }

  return {
    add: (request, response, begin) => {
      const { socket } = request
      if (socket.destroyed) return
      const line = lines.of(socket) ?? newLine(socket)
      if (!line.isBusy && line.waiting.length === 0) {
        start(socket, line, { response, begin })
        return
      }
      if (waitingInAll >= MAX_WAITING) {
        drops.updateUnsafe(1, context)
        condition.observe({ listener: name, address: clientAddress(socket.remoteAddress), waiting: waitingInAll })
        socket.destroy()
        return
      }
      line.waiting.push({ response, begin })
      waitingInAll += 1
      line.isPaused = true
      hold(socket)
    }
  }
}
