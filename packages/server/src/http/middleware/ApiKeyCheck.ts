/** Lets in callers with the API secret, compared in constant time before anything of the request is decoded. Wrong ones are throttled. */
import { isOperator, type KeyGenerator, type OperatorSecret } from "@greenroom/core"
import { Effect, Layer, Redacted } from "effect"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import { ApiKey } from "../api/ApiKey.ts"
import { failWith, type Problem } from "../problems/Problem.ts"
import { CredentialThrottle, callersNetwork } from "../throttle/CredentialThrottle.ts"
import type { RequestContext } from "./RequestContext.ts"

const refused = failWith(
  "unauthorized",
  "The API secret is missing or wrong: send it as X-API-Key or as a bearer token"
)

const sendsSecret = (headers: Readonly<Record<string, string | undefined>>): boolean =>
  (headers["x-api-key"] ?? "") !== "" || /^bearer +\S/i.test(headers.authorization ?? "")

type Needed = HttpServerRequest | RequestContext

export const layer: Layer.Layer<ApiKey, never, OperatorSecret | KeyGenerator | CredentialThrottle> = Layer.effect(
  ApiKey,
  Effect.gen(function* () {
    const context = yield* Effect.context<OperatorSecret | KeyGenerator>()
    const throttle = yield* CredentialThrottle
    /**
     * A request without a secret is no guess. A request with a secret in the other of the two headers is judged there, but this is the
     * answer that is sent.
     */
    const isRight = (credential: Redacted.Redacted): Effect.Effect<boolean, Problem<"too-many-requests">, Needed> =>
      Effect.flatMap(callersNetwork, (network) =>
        Redacted.value(credential) === ""
          ? Effect.as(
              Effect.flatMap(HttpServerRequest, ({ headers }) =>
                sendsSecret(headers) ? throttle.standing(network) : Effect.void
              ),
              false
            )
          : throttle.check("api", network, Effect.provideContext(isOperator([credential]), context), (right) => right)
      )
    const check = <A, E, R>(
      app: Effect.Effect<A, E, R>,
      { credential }: { readonly credential: Redacted.Redacted }
    ): Effect.Effect<A, E | Problem<"unauthorized" | "too-many-requests">, R | Needed> =>
      Effect.flatMap(
        isRight(credential),
        (right): Effect.Effect<A, E | Problem<"unauthorized">, R> => (right ? app : refused)
      )
    return ApiKey.of({ api_key: check, bearer: check } as never)
  })
)
