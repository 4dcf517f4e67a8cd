/** The endpoints of API tokens. The answer that creates one is the one place where a token is written out. */
import {
  API_TOKENS_MAX,
  changeApiToken,
  createApiToken,
  describeApiToken,
  listApiTokens,
  removeApiToken,
  type ApiToken as Token
} from "@greenroom/core"
import { Effect, identity, Redacted } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import { ServedApi } from "../api/Api.ts"
import { ApiToken, type NewApiToken } from "../api/apiTokenSchemas.ts"
import { ListSlots } from "../lists/ListSlots.ts"
import { pageAnswer } from "../lists/pageAnswer.ts"
import { failWith, invalid } from "../problems/Problem.ts"
import { foundOr, pageRequest, storeFailureToDefect, withCursor } from "./handling.ts"

const notFound = failWith("not-found", "No API token has this id")
const expiryInPast = invalid([{ pointer: "/expires_at", detail: "Expected a time in the future" }])
const unknownBroadcaster = invalid([
  { pointer: "/broadcaster_id", detail: "Expected the id of a broadcaster that exists" }
])
const tooMany = failWith("conflict", `There are ${API_TOKENS_MAX} API tokens: delete one that is not needed`)

const create = Effect.fnUntraced(function* ({
  name,
  scopes,
  broadcasterId = null,
  expiresAt = null
}: typeof NewApiToken.Type) {
  const outcome = yield* createApiToken({ name, scopes, broadcasterId, expiresAt })
  switch (outcome._tag) {
    case "Created":
      return HttpApiSchema.withHeaders({
        body: { ...outcome.token, token: Redacted.value(outcome.value) },
        headers: { location: `/api-tokens/${outcome.token.id}`, "cache-control": "no-store" }
      })
    case "UnknownBroadcaster":
      return yield* unknownBroadcaster
    case "ExpiryInPast":
      return yield* expiryInPast
    case "TooMany":
      return yield* tooMany
  }
})

const answerChange = Effect.fnUntraced(function* (outcome: Effect.Success<ReturnType<typeof changeApiToken>>) {
  switch (outcome._tag) {
    case "Changed":
      return outcome.token
    case "NotFound":
      return yield* notFound
    case "ExpiryInPast":
      return yield* expiryInPast
  }
})

const answerPage = pageAnswer("api_tokens", ApiToken, identity<Token>)

export const layer = HttpApiBuilder.group(
  ServedApi,
  "api_tokens",
  Effect.fnUntraced(function* (handlers) {
    const { answerList } = yield* ListSlots
    return handlers.handleAll({
      create: ({ payload }) => storeFailureToDefect(create(payload)),
      list: ({ query }) =>
        listApiTokens(pageRequest(query)).pipe(Effect.map(withCursor), Effect.flatMap(answerPage), answerList),
      get: ({ params }) => describeApiToken(params.id).pipe(Effect.flatMap(foundOr(notFound)), storeFailureToDefect),
      change: ({ params, payload }) =>
        changeApiToken(params.id, payload).pipe(Effect.flatMap(answerChange), storeFailureToDefect),
      remove: ({ params }) =>
        removeApiToken(params.id).pipe(
          Effect.flatMap((removed) => (removed ? Effect.void : notFound)),
          storeFailureToDefect
        )
    })
  })
)
