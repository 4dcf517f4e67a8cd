/**
 * Node's HTTP server with bounds in size, time and number, decided before a handler runs: how long a request may take to arrive, how
 * many connections there are, how many requests of a connection are open, and how much of a turn of the event loop requests get.
 * Two listeners with servers of their own do not share these bounds, so what fills one leaves the other alone.
 */
import { type IncomingMessage, Server, type ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { Effect } from "effect"
import type { DirectHandler } from "../direct/directHandler.ts"
import { makeCondition } from "./Condition.ts"
import { type ConnectionLimits, limitConnections } from "./ConnectionLimits.ts"
import type { Limits } from "./ConnectionTable.ts"
import type { ListenerEnvironment } from "./ListenerEnvironment.ts"
import { MeteredSocket } from "./MeteredSocket.ts"
import { limitPieces } from "./PieceLimit.ts"
import { makeRequestQueue } from "./RequestQueue.ts"
import { TurnBudget } from "./TurnBudget.ts"

/** A request must be here as a whole, and its headers, too, within this. */
export const REQUEST_WITHIN_MS = 10_000
/** Longer than the usual idle time of reverse proxies (60 s), so that it is the proxy who closes. */
const KEEP_ALIVE_MS = 65_000
/** While an answer is under way, so long nothing may happen on the connection: a client that does not read is closed. */
const SILENT_FOR_MS = 30_000
/** What the requests that begin in one turn of the event loop may take of it. */
const TURN_MS = 5

export interface ServerOptions {
  readonly requestWithinMillis: number
  readonly limits: Limits
  /** Answers a request in front of the listeners of `request`; false: they answer it. */
  readonly direct?: DirectHandler
}

/** Node announces a request with one of these events, by what the client expects. */
const isRequestEvent = (event: string | symbol): boolean => event === "request" || event === "checkContinue"

export class LimitedServer extends Server {
  readonly #environment: ListenerEnvironment
  readonly #requestWithinMillis: number
  readonly #direct: DirectHandler
  readonly #connections: ConnectionLimits
  /** `null` for `hooks`, whose clients are trusted. */
  readonly #budget: TurnBudget | null
  readonly #admit: (request: IncomingMessage, response: ServerResponse, begin: () => void) => void

  constructor(environment: ListenerEnvironment, { requestWithinMillis, limits, direct = () => false }: ServerOptions) {
    super({
      requestTimeout: requestWithinMillis,
      headersTimeout: requestWithinMillis,
      connectionsCheckingInterval: Math.min(1_000, requestWithinMillis / 4),
      keepAliveTimeout: KEEP_ALIVE_MS,
      // Node would answer a request without Host with an empty 400; the request middleware gives it a body.
      requireHostHeader: false,
      // Nothing here upgrades; what asks for it is answered as plain HTTP.
      shouldUpgradeCallback: () => false
    })
    this.timeout = SILENT_FOR_MS
    this.#environment = environment
    this.#requestWithinMillis = requestWithinMillis
    this.#direct = direct
    const condition = makeCondition(environment.run, "connections_limited", {
      begins: "connections are refused or closed: a bound of this listener is reached",
      ends: "connections are accepted again without closing others"
    })
    this.#connections = limitConnections(this, limits, condition, environment)
    this.#budget = environment.name === "hooks" ? null : new TurnBudget(TURN_MS)
    const queue = makeRequestQueue(this.#budget, this.#connections.began, condition, environment)
    this.#admit = queue.add
    this.once("close", condition.close)
  }

  /**
   * Node takes a connection on which nothing has come for one with an open request, and once it closes it looks for late requests no
   * more: without this, a client that only connects would hold up the end for as long as open requests may take.
   */
  override close(callback?: (error?: Error) => void): this {
    super.close(callback)
    this.#connections.announceEnd()
    this.#connections.closeUnused()
    const late = setTimeout(() => this.#connections.closeUnfinished(), this.#requestWithinMillis)
    this.once("close", () => clearTimeout(late))
    return this
  }

  /**
   * Requests are announced when it is their turn. A listener that throws costs its connection, and nothing else: without this it would
   * end the process.
   */
  override emit(event: string | symbol, ...args: ReadonlyArray<never>): boolean {
    if (event === "connection" && this.#budget !== null) {
      const [socket] = args as unknown as [Socket]
      return this.#total(event, [new MeteredSocket(socket, this.#budget)])
    }
    if (!isRequestEvent(event)) return this.#total(event, args)
    const [request, response] = args as unknown as [IncomingMessage, ServerResponse]
    limitPieces(request, () => this.#tooManyPieces(request))
    // Once nothing new is accepted, a kept-alive connection is closed as soon as its open request is answered.
    response.once("close", () => {
      if (!this.listening) setImmediate(() => this.closeIdleConnections())
    })
    this.#admit(request, response, () => this.#begin(event, request, response))
    return true
  }

  #begin(event: string | symbol, request: IncomingMessage, response: ServerResponse): void {
    if (!this.listening) response.shouldKeepAlive = false
    const isAnswered =
      event === "request" && this.#total(event, [request, response], () => this.#direct(request, response))
    if (!isAnswered) this.#total(event, [request, response])
  }

  /** As when the parser itself had refused the body: a 413 and the end of the connection. */
  #tooManyPieces({ socket }: IncomingMessage): void {
    socket.pause()
    const error = Object.assign(new Error("too many chunks"), { code: "HPE_CHUNK_EXTENSIONS_OVERFLOW" })
    this.#total("clientError", [error, socket])
  }

  #total(
    event: string | symbol,
    args: ReadonlyArray<unknown>,
    handle = () => super.emit(event as never, ...(args as []))
  ): boolean {
    try {
      return handle()
    } catch (error) {
      // Of Node's events for connections and requests, the last argument that can be destroyed is the connection or its answer.
      for (const arg of args)
        if (arg !== null && typeof arg === "object" && "destroy" in arg) (arg as Destroyable).destroy()
      this.#environment.run(
        Effect.annotateLogs(Effect.logError("a listener failed; its connection is closed", error), {
          listener: this.#environment.name,
          event: String(event)
        })
      )
      return true
    }
  }
}

interface Destroyable {
  readonly destroy: () => void
}
