/**
 * What every request gets: an id, a span, the body limit, a problem document for every error, one log line, two metrics. A global router
 * middleware, because it must see the router's own 404, each route's failure and each defect, and must be able to change the answer.
 */
import { Cause, Clock, Context, Effect, Option } from "effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { type Problem, problem, problemOfStatus } from "../problems/Problem.ts"
import { problemOf } from "../problems/problemOf.ts"
import { RouteTable } from "../routes/RouteTable.ts"
import { CorsOrigins, corsHeaders, preflightHeaders } from "./pageOrigin.ts"
import { newRequestContext, RequestContext } from "./RequestContext.ts"
import { CLIENT_GONE, logRequest, recordRequest } from "./recordRequest.ts"
import { refusedByHead } from "./requestHead.ts"
import { traced } from "./serverSpan.ts"
import { PROBLEM_JSON, writtenProblem } from "./writtenProblem.ts"

type Response = HttpServerResponse.HttpServerResponse
type Note = RequestContext["Service"]

const encode = (problem: Problem, note: Note, allowed: ReadonlyArray<string>): Response => {
  const { status, headers, body } = writtenProblem(problem, note, allowed)
  return HttpServerResponse.text(body, { status, contentType: PROBLEM_JSON, headers })
}

/** No cache keeps an answer unless its route allows it: most answers are for one caller, and all of them age. */
const unstored = (response: Response): Response =>
  response.headers["cache-control"] === undefined
    ? HttpServerResponse.setHeader(response, "cache-control", "no-store")
    : response

/** An error that a route or the HttpApi builder answered with a bare status gets the document of that status. */
const finish = (response: Response, note: Note): Response =>
  response.status < 400 || note.exempt
    ? HttpServerResponse.setHeader(unstored(response), "x-request-id", note.requestId)
    : encode(problemOfStatus(response.status), note, [])

/** Written for speed: every request passes here but most of the media server's auth calls (`directHandler`). */
const surround = <E, R>(app: Effect.Effect<Response, E, R>, table: typeof RouteTable.Service) =>
  Effect.withFiber<Response, E, Exclude<R, RequestContext> | HttpServerRequest.HttpServerRequest>((fiber) => {
    const { context } = fiber
    const request = Context.getUnsafe(context, HttpServerRequest.HttpServerRequest)
    const clock = fiber.getRef(Clock.Clock)
    const started = clock.monotonicTimeNanosUnsafe()
    const note = newRequestContext(
      request.url,
      request.headers["x-request-id"],
      Option.getOrUndefined(request.remoteAddress)
    )
    let fault: Cause.Cause<unknown> | undefined

    const record = (status: number): void => {
      const millis = Number(clock.monotonicTimeNanosUnsafe() - started) / 1e6
      recordRequest(context, { method: request.method, status, millis, note, fault })
    }

    const origins = fiber.getRef(CorsOrigins)
    const preflight = preflightHeaders(origins, request.method, request.headers)
    const readable = (response: Response): Response =>
      origins.size === 0 || preflight !== null
        ? response
        : HttpServerResponse.setHeaders(response, corsHeaders(origins, request.headers, response.headers.vary))
    const refused = refusedByHead(request)
    const answered: Effect.Effect<Response, E, R> =
      preflight !== null
        ? Effect.succeed(finish(HttpServerResponse.empty({ status: 204, headers: preflight }), note))
        : refused === undefined
          ? Effect.matchCauseEffect(app, {
              onSuccess: (response) => Effect.succeed(finish(response, note)),
              onFailure: (cause) => {
                if (Cause.hasInterruptsOnly(cause)) return Effect.failCause(cause)
                const error = Cause.squash(cause)
                if (HttpServerResponse.isHttpServerResponse(error)) return Effect.succeed(finish(error, note))
                const allowed = table.methodsAt(request.url)
                const { problem, isFault } = problemOf(error, allowed)
                if (isFault) fault = cause
                return Effect.succeed(encode(problem, note, allowed))
              }
            })
          : Effect.sync(() => encode(refused, note, []))
    return traced(answered, request, note, () => table.patternAt(request.method, request.url)).pipe(
      Effect.provideService(RequestContext, note),
      Effect.annotateLogs("request_id", note.requestId),
      Effect.onError(() => Effect.sync(() => record(CLIENT_GONE))),
      Effect.map((response) => {
        record(response.status)
        return readable(response)
      })
    )
  })

/** Answers even when the middleware itself breaks; then nothing of the request is read again. */
const always = <E, R>(framed: Effect.Effect<Response, E, R>): Effect.Effect<Response, E, R> =>
  Effect.catchCause(framed, (cause): Effect.Effect<Response, E> => {
    if (Cause.hasInterruptsOnly(cause)) return Effect.failCause(cause)
    const note = newRequestContext("/", undefined)
    return Effect.as(
      logRequest({ method: "", status: 500, millis: 0, note, fault: cause }),
      encode(problem("internal"), note, [])
    )
  })

/** To be provided, over `RouteTable.layer`, to the layer that holds all routes. */
export const layer = HttpRouter.middleware<{ provides: RequestContext }>()(
  Effect.map(RouteTable, (table) => (app) => always(surround(app, table))),
  { global: true }
)
