/** Lets in callers whose credential is good and whose scopes allow the operation, before anything else of the request is decoded. */
import { CurrentCaller, mayDo } from "@greenroom/core"
import { Context, Effect, Layer } from "effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import type * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import { ApiKey } from "../api/ApiKey.ts"
import { Access, type OperationAccess } from "../api/OperationAccess.ts"
import { failWith, type Problem } from "../problems/Problem.ts"
import { makeIdentify } from "./identify.ts"
import type { RequestContext } from "./RequestContext.ts"

/** An operation without the annotation needs everything: a forgotten one must not be open. */
const closed: OperationAccess = { scope: "admin", wholeFleet: true, action: null }

export const accessOf = (endpoint: HttpApiEndpoint.Top): OperationAccess =>
  Context.getOrUndefined(endpoint.annotations as Context.Context<Access>, Access) ?? closed

const lacksScope = (scope: string) => failWith("forbidden", `The API token does not have the scope ${scope}`)
const isLimited = failWith(
  "forbidden",
  "The API token is limited to one broadcaster, and this call concerns all of them"
)

export const layer = Layer.effect(
  ApiKey,
  Effect.map(makeIdentify, (identify) => {
    const check = <A, E, R>(
      app: Effect.Effect<A, E, R>,
      { endpoint }: { readonly endpoint: HttpApiEndpoint.Top }
    ): Effect.Effect<
      A,
      E | Problem<"unauthorized" | "forbidden" | "too-many-requests">,
      R | HttpServerRequest | RequestContext
    > =>
      Effect.flatMap(identify, (caller): Effect.Effect<A, E | Problem<"forbidden">, R> => {
        const { scope, wholeFleet } = accessOf(endpoint)
        if (scope !== null && !mayDo(caller, scope)) return lacksScope(scope)
        if (wholeFleet && caller.only !== null) return isLimited
        return Effect.provideService(app, CurrentCaller, caller)
      })
    return ApiKey.of({ api_key: check, bearer: check, session: check } as never)
  })
)
