/**
 * The router with a memory. Effect's router neither answers 405 nor tells which route it chose; this one decorates it: every
 * route that registers is remembered in a second matcher of the same kind, and writes its pattern on the request's note when it
 * is chosen.
 */
import { Context, Effect, Layer } from "effect"
import * as FindMyWay from "effect/http/FindMyWay"
import * as HttpRouter from "effect/http/HttpRouter"
import { RequestContext } from "../middleware/RequestContext.ts"

export class KnownRoutes extends Context.Service<
  KnownRoutes,
  {
    /** The methods that the path has routes for, in the order of an `Allow` header; none when nothing is there. */
    readonly methodsAt: (url: string) => ReadonlyArray<string>
  }
>()("greenroom/http/KnownRoutes") {}

/**
 * Where the routes of a server say which they are, for those who must know it before there is a request: a method that Node's parser
 * does not know comes no further than that.
 */
export const RouteTable = Context.Reference<{ methodsAt: KnownRoutes["Service"]["methodsAt"] }>(
  "greenroom/http/RouteTable",
  { defaultValue: () => ({ methodsAt: () => [] }) }
)

/**
 * Of the router and of its memory alike. A path has one spelling: the defaults would also match other letter cases, a slash at the end and
 * repeated slashes, which rules of a proxy in front do not expect. An id that is too long is a bad id, not a route that is not there.
 */
export const routerConfig = {
  caseSensitive: true,
  ignoreTrailingSlash: false,
  ignoreDuplicateSlashes: false,
  maxParamLength: 16 * 1024
} as const

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

const noting = <E, R>(route: HttpRouter.Route<E, R>) =>
  HttpRouter.route(
    route.method,
    route.path,
    Effect.withFiber((fiber) => {
      const note = Context.getOrUndefined(fiber.context, RequestContext)
      if (note !== undefined) note.route = route.path
      return route.handler
    }),
    { uninterruptible: route.uninterruptible }
  )

/** To be provided to every layer that registers routes. */
export const layer: Layer.Layer<HttpRouter.HttpRouter | KnownRoutes, never, HttpRouter.HttpRouter> =
  Layer.effectContext(
    Effect.gen(function* () {
      const router = yield* HttpRouter.HttpRouter
      const board = yield* RouteTable
      const matcher = FindMyWay.make<true>(routerConfig)
      const addAll: HttpRouter.HttpRouter["addAll"] = (routes) => {
        for (const { method, path } of routes) {
          for (const each of method === "*" ? METHODS : [method]) matcher.on(each, path, true)
        }
        return router.addAll(routes.map(noting)) as never
      }
      const remembering = HttpRouter.HttpRouter.of({
        ...router,
        addAll,
        add: (method, path, handler, options) => addAll([HttpRouter.route(method, path, handler, options)]) as never
      })
      const has = (method: string, url: string) => matcher.find(method as never, url) !== undefined
      const methodsAt = (url: string) =>
        METHODS.filter((method) => has(method, url) || (method === "HEAD" && has("GET", url)))
      board.methodsAt = methodsAt
      return Context.make(HttpRouter.HttpRouter, remembering).pipe(Context.add(KnownRoutes, { methodsAt }))
    })
  )
