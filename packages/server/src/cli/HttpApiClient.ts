/** The client over HTTP: the address, the secret on every call that needs one, and errors sorted before anything is decoded. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Effect, Layer, Redacted } from "effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import { ServedApi } from "../http/api/Api.ts"
import { ApiClient } from "./ApiClient.ts"
import { refuse } from "./apiErrors.ts"
import { address, secretFor } from "./credentials.ts"

/** The health needs no secret, so none is sent. */
const isOpen = (request: HttpClientRequest.HttpClientRequest): boolean => request.url === "/health"

export const layer = Layer.effect(
  ApiClient,
  Effect.gen(function* () {
    const url = yield* address
    const secret = yield* Effect.cached(secretFor(url))
    let origin: string | null = null
    const httpClient = (yield* HttpClient.HttpClient).pipe(
      HttpClient.mapRequestEffect((request) =>
        isOpen(request)
          ? Effect.succeed(request)
          : Effect.map(secret, (found) => {
              origin = found.origin
              return HttpClientRequest.setHeader(request, "x-api-key", Redacted.value(found.value))
            })
      ),
      HttpClient.mapRequest(HttpClientRequest.prependUrl(url)),
      HttpClient.transformResponse(Effect.flatMap((response) => refuse(response, url, origin)))
    )
    return { url, client: yield* HttpApiClient.makeWith(ServedApi, { httpClient }) }
  })
).pipe(Layer.provide(NodeHttpClient.layerUndici))
