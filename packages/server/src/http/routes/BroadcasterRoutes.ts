/** The broadcasters' endpoints: each decodes, calls one use case and encodes. */
import {
  changeBroadcaster,
  createBroadcaster,
  describeBroadcaster,
  listBroadcasters,
  removeBroadcaster
} from "@greenroom/core"
import { Effect, identity } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import { ServedApi } from "../api/Api.ts"
import { Broadcaster } from "../api/BroadcastersApi.ts"
import { ListSlots } from "../lists/ListSlots.ts"
import { pageAnswer } from "../lists/pageAnswer.ts"
import { failWith } from "../problems/Problem.ts"
import { foundOr, pageRequest, storeFailureToDefect, withCursor } from "./handling.ts"

const found = foundOr(failWith("not-found", "No broadcaster has this id"))

const LEAVING = "The broadcaster is deleted; its streams are being taken off the air"

const answerPage = pageAnswer("broadcasters", Broadcaster, identity<typeof Broadcaster.Type>)

export const layer = HttpApiBuilder.group(
  ServedApi,
  "broadcasters",
  Effect.fnUntraced(function* (handlers) {
    const { answerList } = yield* ListSlots
    return handlers.handleAll({
      create: ({ payload: { displayName, contact = null, metadata = {} } }) =>
        createBroadcaster({ displayName, contact, metadata }).pipe(
          Effect.map((body) => HttpApiSchema.withHeaders({ body, headers: { location: `/broadcasters/${body.id}` } })),
          storeFailureToDefect
        ),
      list: ({ query }) =>
        listBroadcasters(pageRequest(query)).pipe(Effect.map(withCursor), Effect.flatMap(answerPage), answerList),
      get: ({ params }) => describeBroadcaster(params.id).pipe(Effect.flatMap(found), storeFailureToDefect),
      change: ({ params, payload }) =>
        changeBroadcaster(params.id, payload).pipe(Effect.flatMap(found), storeFailureToDefect),
      remove: ({ params: { id } }) =>
        removeBroadcaster(id).pipe(
          Effect.flatMap(found),
          Effect.map(({ offAir }) => (offAir ? undefined : { id, message: LEAVING })),
          storeFailureToDefect
        )
    })
  })
)
