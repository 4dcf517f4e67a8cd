/** The broadcasters' endpoints: each decodes, calls one use case and encodes. */
import {
  changeBroadcaster,
  countBroadcasters,
  createBroadcaster,
  describeBroadcaster,
  describeBroadcasterByExternalId,
  type ExternalIdTaken,
  listBroadcasters,
  removeBroadcaster
} from "@greenroom/core"
import { Effect, identity, Option } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import { ServedApi } from "../api/Api.ts"
import { Broadcaster } from "../api/BroadcastersApi.ts"
import { ListSlots } from "../lists/ListSlots.ts"
import { pageAnswer } from "../lists/pageAnswer.ts"
import { conflictAt, failWith } from "../problems/Problem.ts"
import { foundOr, pageRequest, storeFailureToDefect, withCursor, withTotal } from "./handling.ts"

const found = foundOr(failWith("not-found", "No broadcaster has this id"))

const LEAVING = "The broadcaster is deleted; its streams are being taken off the air"

const takenToConflict = <A, E, R>(effect: Effect.Effect<A, E | ExternalIdTaken, R>) =>
  Effect.catchTag(effect as Effect.Effect<A, ExternalIdTaken, R>, "ExternalIdTaken", () =>
    conflictAt("/external_id", "Expected an external id that no other broadcaster has")
  )

const answerPage = pageAnswer("broadcasters", Broadcaster, identity<typeof Broadcaster.Type>)

export const layer = HttpApiBuilder.group(
  ServedApi,
  "broadcasters",
  Effect.fnUntraced(function* (handlers) {
    const { answerList } = yield* ListSlots
    return handlers.handleAll({
      create: ({ payload: { externalId = null, displayName, contact = null, metadata = {}, playback = null } }) =>
        createBroadcaster({ externalId, displayName, contact, metadata, playback }).pipe(
          takenToConflict,
          Effect.map((body) => HttpApiSchema.withHeaders({ body, headers: { location: `/broadcasters/${body.id}` } })),
          storeFailureToDefect
        ),
      list: ({ query: { externalId, total, ...page } }) =>
        (externalId === undefined
          ? Effect.map(listBroadcasters(pageRequest(page)), withCursor).pipe(withTotal(total, countBroadcasters))
          : Effect.map(describeBroadcasterByExternalId(externalId), (found) => ({
              items: Option.toArray(found),
              next_cursor: null,
              ...(total === "true" ? { total: Option.isSome(found) ? 1 : 0 } : {})
            }))
        ).pipe(Effect.flatMap(answerPage), answerList),
      get: ({ params }) => describeBroadcaster(params.id).pipe(Effect.flatMap(found), storeFailureToDefect),
      change: ({ params, payload }) =>
        changeBroadcaster(params.id, payload).pipe(takenToConflict, Effect.flatMap(found), storeFailureToDefect),
      remove: ({ params: { id } }) =>
        removeBroadcaster(id).pipe(
          Effect.flatMap(found),
          Effect.map(({ offAir }) => (offAir ? undefined : { id, message: LEAVING })),
          storeFailureToDefect
        )
    })
  })
)
