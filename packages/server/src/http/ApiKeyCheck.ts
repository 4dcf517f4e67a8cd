/** Lets in whoever holds the API secret, in constant time, before anything of the request is decoded. */
import { isOperator, type KeyMint, type OperatorSecret } from "@greenroom/core"
import { Effect, Layer, type Redacted } from "effect"
import { ApiKey } from "./api/ApiKey.ts"
import { Unauthorized } from "./api/Problems.ts"

const refused = new Unauthorized({
  detail: "The API secret is missing or wrong: send it as X-API-Key or as a bearer token"
})

export const layer: Layer.Layer<ApiKey, never, OperatorSecret | KeyMint> = Layer.effect(
  ApiKey,
  Effect.map(Effect.context<OperatorSecret | KeyMint>(), (context) => {
    const check = <A, E, R>(
      app: Effect.Effect<A, E, R>,
      { credential }: { readonly credential: Redacted.Redacted }
    ): Effect.Effect<A, E | Unauthorized, R> =>
      Effect.flatMap(
        Effect.provideContext(isOperator([credential]), context),
        (known): Effect.Effect<A, E | Unauthorized, R> => (known ? app : Effect.fail(refused))
      )
    return ApiKey.of({ api_key: check, bearer: check })
  })
)
