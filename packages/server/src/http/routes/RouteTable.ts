/**
 * Which routes a server has. Effect's router neither answers 405 nor shows which route it chose. This one keeps every route in a second
 * matcher of the same kind, and writes the pattern of the chosen route into the request's context.
 */
import { Context, Effect, Layer } from "effect"
import * as FindMyWay from "effect/http/FindMyWay"
import * as HttpRouter from "effect/http/HttpRouter"
import type { DirectHandler } from "../direct/directHandler.ts"
import { RequestContext } from "../middleware/RequestContext.ts"

export interface Routes {
  /** The methods that the path has routes for, in the order of an `Allow` header; none when nothing is there. */
  methodsAt: (url: string) => ReadonlyArray<string>
  /** The pattern of the route for it, `/streams/:id`; `null` when there is none. */
  patternAt: (method: string, url: string) => string | null
  /** A route in front of the router, if the server has one. */
  direct: DirectHandler | null
}

/** Made with each server, and filled by `layer`: a method that Node's parser does not know is answered before there is a router. */
export class RouteTable extends Context.Reference<Routes>("greenroom/http/RouteTable", {
  defaultValue: () => ({ methodsAt: () => [], patternAt: () => null, direct: null })
}) {}

/**
 * Of the router and of its table alike. A path has one spelling: the defaults would also match other letter cases, a slash at the end and
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
      const request = Context.getOrUndefined(fiber.context, RequestContext)
      if (request !== undefined) request.route = route.path
      return route.handler
    }),
    { uninterruptible: route.uninterruptible }
  )

/** To be provided to every layer that registers routes. */
export const layer: Layer.Layer<HttpRouter.HttpRouter, never, HttpRouter.HttpRouter> = Layer.effect(
  HttpRouter.HttpRouter,
  Effect.gen(function* () {
    const router = yield* HttpRouter.HttpRouter
    const table = yield* RouteTable
    const matcher = FindMyWay.make<string>(routerConfig)
    const addAll: HttpRouter.HttpRouter["addAll"] = (routes) => {
      for (const { method, path } of routes) {
        for (const each of method === "*" ? METHODS : [method]) matcher.on(each, path, path)
      }
      return router.addAll(routes.map(noting)) as never
    }
    const patternAt = (method: string, url: string) => matcher.find(method as never, url)?.handler ?? null
    table.patternAt = patternAt
    table.methodsAt = (url) => {
      const patterns = METHODS.map((method) => patternAt(method === "HEAD" ? "GET" : method, url))
      // `/signing-keys/rotate` is also an id's place: a path that is written out is the resource there.
      const isWrittenOut = patterns.some((pattern) => pattern !== null && !pattern.includes(":"))
      const isHere = (pattern: string | null) => pattern !== null && !(isWrittenOut && pattern.includes(":"))
      return METHODS.filter((_, index) => isHere(patterns[index] ?? null))
    }
    return HttpRouter.HttpRouter.of({
      ...router,
      addAll,
      add: (method, path, handler, options) => addAll([HttpRouter.route(method, path, handler, options)]) as never
    })
  })
)
