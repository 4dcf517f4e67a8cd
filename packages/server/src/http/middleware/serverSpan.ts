/** A request as a span: a server span of our own making, because the built-in one would record the whole URL. Only when spans are collected. */
import { isTraced } from "@greenroom/core/internal"
import { Effect } from "effect"
import * as Headers from "effect/http/Headers"
import * as HttpTraceContext from "effect/http/HttpTraceContext"
import type { RequestContext } from "./RequestContext.ts"

interface Head {
  readonly method: string
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
}

export const traced = <A extends { readonly status: number }, E, R>(
  app: Effect.Effect<A, E, R>,
  request: Head,
  note: RequestContext["Service"]
) =>
  Effect.withFiber<A, E, R>((fiber) => {
    if (!isTraced(fiber)) return app
    const described = Effect.tap(app, (response) =>
      Effect.annotateCurrentSpan({
        "http.route": note.route ?? "",
        "http.response.status_code": response.status,
        ...(response.status >= 500 ? { "error.type": String(response.status) } : {})
      })
    )
    const parent = HttpTraceContext.fromHeaders(Headers.fromInput(request.headers))
    return Effect.withSpan(described, request.method, {
      kind: "server",
      ...(parent._tag === "Some" ? { parent: parent.value } : {}),
      attributes: { "http.request.method": request.method, "url.path": note.path, request_id: note.requestId }
    }) as Effect.Effect<A, E, R>
  })
