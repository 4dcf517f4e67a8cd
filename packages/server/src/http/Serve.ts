/**
 * The HTTP server on Node: its limits in time and size, and an end that lets open requests finish. Which routes it serves is
 * `HttpRoutes`; the ports that these need are asked for in the layer's type.
 */
import { createServer, type Server } from "node:http"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { type Duration, Effect, Layer } from "effect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import * as HttpRouter from "effect/http/HttpRouter"
import type { ServeError } from "effect/http/HttpServerError"
import * as HttpMetrics from "./HttpMetrics.ts"
import { RouteBoard, routerConfig } from "./KnownRoutes.ts"
import { MAX_BODY } from "./RequestFrame.ts"
import { refuseUnreadable, type Unreadable } from "./unreadable.ts"

/** A request must be here as a whole, and its headers, too, within this. */
const REQUEST_WITHIN_MS = 10_000
/** Longer than the usual idle time of reverse proxies (60 s), so that it is the proxy who closes. */
const KEEP_ALIVE_MS = 65_000
const MAX_CONNECTIONS = 5_000
const FINISH_WITHIN = "30 seconds"

export interface Listen {
  readonly host: string
  readonly port: number
  /** How long open requests may go on after the end has begun. */
  readonly finishWithin?: Duration.Input
  /** For tests of the limit itself. */
  readonly requestWithinMillis?: number
}

const limited = ({ requestWithinMillis = REQUEST_WITHIN_MS }: Listen): Server => {
  const server = createServer({
    requestTimeout: requestWithinMillis,
    headersTimeout: requestWithinMillis,
    connectionsCheckingInterval: Math.min(1_000, requestWithinMillis / 4),
    keepAliveTimeout: KEEP_ALIVE_MS,
    // Node would answer a request without Host with an empty 400; the request's frame gives it a body.
    requireHostHeader: false,
    // Nothing here upgrades; what asks for it is answered as plain HTTP.
    shouldUpgradeCallback: () => false
  })
  server.maxConnections = MAX_CONNECTIONS
  // Once nothing new is accepted, a kept-alive connection is closed as soon as its open request is answered.
  server.on("request", (_, response) => {
    response.once("close", () => {
      if (!server.listening) setImmediate(() => server.closeIdleConnections())
    })
  })
  return server
}

const unreadable = ({ status, method, path, requestId }: Unreadable) =>
  Effect.andThen(
    HttpMetrics.count("none", null, status, 0),
    Effect.annotateLogs(Effect.logInfo("request"), { method, route: null, path, status, request_id: requestId })
  )

type Needed<R> = Exclude<
  | HttpRouter.Request.Without<R>
  | Exclude<HttpRouter.Request.Only<"Requires" | "GlobalRequires", R>, HttpRouter.GlobalProvided>,
  HttpRouter.HttpRouter | Provided
>
type Provided = Layer.Success<ReturnType<typeof NodeHttpServer.layer>>

/**
 * Serves the routes until its scope closes: then nothing new is accepted, and what is open has time to finish. The layer gives the
 * server along, whose address tells the port when `port` was 0.
 */
export const serve = <A, E, R>(
  routes: Layer.Layer<A, E, R>,
  listen: Listen
): Layer.Layer<A | Provided, HttpRouter.Request.Without<E> | ServeError, Needed<R>> =>
  Layer.unwrap(
    Effect.map(Effect.context<never>(), (context) => {
      const tell = Effect.runForkWith(context)
      const board = { methodsAt: (): ReadonlyArray<string> => [] } as typeof RouteBoard.Service
      const server = refuseUnreadable(limited(listen), {
        methodsAt: (url) => board.methodsAt(url),
        told: (what) => void tell(unreadable(what))
      })
      // Released after the routes are and before the server waits for its last connection to close.
      const cutOff = Layer.effectDiscard(Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections())))
      const boarded = Layer.provide(routes, Layer.succeed(RouteBoard, board))
      return HttpRouter.serve(boarded, { disableLogger: true, disableListenLog: true, routerConfig }).pipe(
        Layer.provide(cutOff),
        Layer.provideMerge(
          NodeHttpServer.layer(() => server, {
            host: listen.host,
            port: listen.port,
            gracefulShutdownTimeout: listen.finishWithin ?? FINISH_WITHIN
          })
        ),
        Layer.provide([
          Layer.succeed(HttpMiddleware.TracerDisabledWhen, () => true),
          Layer.succeed(HttpIncomingMessage.MaxBodySize, MAX_BODY)
        ])
      ) as Layer.Layer<A | Provided, HttpRouter.Request.Without<E> | ServeError, Needed<R>>
    })
  )
