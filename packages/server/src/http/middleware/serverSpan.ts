/**
 * A request as a span: a server span of our own making, because the built-in one would record the whole URL. Only when spans are collected.
 * Its parent is the caller's `traceparent`. All that a request does which is not sampled has no spans.
 */
import { isTraced, knownMethod } from "@greenroom/core/internal"
import { Effect, Tracer } from "effect"
import * as Headers from "effect/http/Headers"
import * as HttpTraceContext from "effect/http/HttpTraceContext"
import { errorTypeOf } from "./HttpMetrics.ts"
import type { RequestContext } from "./RequestContext.ts"

interface Head {
  readonly method: string
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
}

type Note = RequestContext["Service"]

const answered = (note: Note, status: number) => {
  const failed = errorTypeOf(status)
  return Effect.annotateCurrentSpan({
    ...(note.route === null ? {} : { "http.route": note.route }),
    "http.response.status_code": status,
    ...(failed === undefined ? {} : { "error.type": failed })
  })
}

/** `pattern`: of the route that will match. The convention's name of the span has it, and a span has its name from its beginning. */
export const traced = <A extends { readonly status: number }, E, R>(
  app: Effect.Effect<A, E, R>,
  request: Head,
  note: Note,
  pattern: () => string | null
) =>
  Effect.withFiber<A, E, R>((fiber) => {
    if (!isTraced(fiber)) return app
    const method = knownMethod(request.method)
    const route = pattern()
    const parent = HttpTraceContext.fromHeaders(Headers.fromInput(request.headers))
    const described = Effect.tap(app, ({ status }) => answered(note, status))
    const options = {
      kind: "server",
      ...(parent._tag === "Some" ? { parent: parent.value } : { root: true }),
      attributes: {
        "http.request.method": method,
        "url.path": note.path,
        "url.scheme": "http",
        request_id: note.requestId
      }
    } as const
    return Effect.useSpan(route === null ? method : `${method} ${route}`, options, (span) =>
      Effect.provideService(span.sampled ? described : Effect.withTracerEnabled(app, false), Tracer.ParentSpan, span)
    ) as Effect.Effect<A, E, R>
  })
