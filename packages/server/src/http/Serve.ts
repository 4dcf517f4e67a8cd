/**
 * The HTTP server on Node. Its end lets open requests finish. `listener/` has its bounds, `HttpRoutes` its routes; the ports that these
 * need are in the layer's type.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { type Duration, Effect, Layer } from "effect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import * as HttpRouter from "effect/http/HttpRouter"
import type { ServeError } from "effect/http/HttpServerError"
import type { Limits } from "./listener/ConnectionTable.ts"
import { LimitedServer, REQUEST_WITHIN_MS } from "./listener/LimitedServer.ts"
import { type ListenerEnvironment, type ListenerName, listenerEnvironment } from "./listener/ListenerEnvironment.ts"
import { eventStreamsWithin, ListenerState } from "./listener/ListenerState.ts"
import { limitsWithin, openFilesAllowed } from "./listener/listenerLimits.ts"
import * as HttpMetrics from "./middleware/HttpMetrics.ts"
import { type MalformedRequest, refuseMalformedRequest } from "./middleware/malformedRequests.ts"
import { MAX_BODY } from "./middleware/requestHead.ts"
import { type Routes, RouteTable, routerConfig } from "./routes/RouteTable.ts"

const FINISH_WITHIN = "30 seconds"

export interface Listen {
  readonly host: string
  readonly port: number
  /** For metrics and the log; the requests of `hooks` never wait for those of other clients. */
  readonly name?: ListenerName
  /** How long open requests may go on after the end has begun. */
  readonly finishWithin?: Duration.Input
  /** For tests of the limits themselves. */
  readonly requestWithinMillis?: number
  readonly limits?: Limits
}

const recordUnreadable = ({ run, context }: ListenerEnvironment, what: MalformedRequest): void => {
  const { status, method, path, requestId } = what
  HttpMetrics.count(context, { method: "none", route: null, status, seconds: 0 })
  run(Effect.annotateLogs(Effect.logInfo("request"), { method, route: null, path, status, request_id: requestId }))
}

type Needed<R> = Exclude<
  | HttpRouter.Request.Without<R>
  | Exclude<HttpRouter.Request.Only<"Requires" | "GlobalRequires", R>, HttpRouter.GlobalProvided>,
  HttpRouter.HttpRouter | Provided
>
type Provided = Layer.Success<ReturnType<typeof NodeHttpServer.layer>>

/**
 * Serves the routes until its scope closes: then nothing new is accepted, and what is open has time to finish. The layer gives the
 * server along, whose address has the port when `port` was 0.
 */
export const serve = <A, E, R>(
  routes: Layer.Layer<A, E, R>,
  listen: Listen
): Layer.Layer<A | Provided, HttpRouter.Request.Without<E> | ServeError, Needed<R>> =>
  Layer.unwrap(
    Effect.map(Effect.context<never>(), (context) => {
      const { name = "api", requestWithinMillis = REQUEST_WITHIN_MS } = listen
      const environment = listenerEnvironment(name, context)
      const table: Routes = { methodsAt: () => [], patternAt: () => null, direct: null }
      const limits = listen.limits ?? limitsWithin(openFilesAllowed(), name)
      const ending = new AbortController()
      const state = { ending: ending.signal, eventStreamsMax: eventStreamsWithin(limits.total) }
      const server = new LimitedServer(environment, {
        requestWithinMillis,
        limits,
        direct: (request, response) => table.direct?.(request, response) === true
      })
      refuseMalformedRequest(server, {
        methodsAt: (url) => table.methodsAt(url),
        onRefused: (what) => recordUnreadable(environment, what)
      })
      // Released after the routes are and before the server waits for its last connection to close.
      const cutOff = Layer.effectDiscard(Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections())))
      // Released first of all: answers that do not end by themselves would hold up the end.
      const endLongAnswers = Layer.effectDiscard(Effect.addFinalizer(() => Effect.sync(() => ending.abort())))
      const given = Layer.merge(Layer.succeed(RouteTable, table), Layer.succeed(ListenerState, state))
      const served = HttpRouter.serve(Layer.provide(routes, given), {
        disableLogger: true,
        disableListenLog: true,
        routerConfig
      }).pipe(
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
      )
      return Layer.provideMerge(endLongAnswers, served) as Layer.Layer<
        A | Provided,
        HttpRouter.Request.Without<E> | ServeError,
        Needed<R>
      >
    })
  )
