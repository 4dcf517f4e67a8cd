/** The broadcasters' endpoints: each decodes, calls one use case and encodes. */
import {
  changeBroadcaster,
  createBroadcaster,
  describeBroadcaster,
  listBroadcasters,
  removeBroadcaster
} from "@greenroom/core"
import { Effect, Option } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import { ServedApi } from "../api/Api.ts"
import type { BroadcasterChanges } from "../api/BroadcastersApi.ts"
import { Broadcaster } from "../api/Wire.ts"
import { ListSlots, noteBusy } from "../lists/ListSlots.ts"
import { pageAnswer } from "../lists/pageAnswer.ts"
import { failWith } from "../problems/Problem.ts"
import { pageRequest, storeFailureToDefect } from "./storeFailureToDefect.ts"
import { broadcasterToWire, envelopeOf } from "./toWire.ts"

const notFound = failWith("not-found", "No broadcaster has this id")
const found = <A>(option: Option.Option<A>) =>
  Option.match(option, { onNone: () => notFound, onSome: (value) => Effect.succeed(value) })

const toFields = (changes: typeof BroadcasterChanges.Type) => ({
  ...(changes.display_name === undefined ? {} : { displayName: changes.display_name }),
  ...(changes.contact === undefined ? {} : { contact: changes.contact }),
  ...(changes.metadata === undefined ? {} : { metadata: changes.metadata ?? {} })
})

const LEAVING = "The broadcaster is deleted; its streams are being taken off the air"

const pageOf = pageAnswer("broadcasters", Broadcaster, broadcasterToWire)

export const layer = HttpApiBuilder.group(
  ServedApi,
  "broadcasters",
  Effect.fnUntraced(function* (handlers) {
    const slots = yield* ListSlots
    return handlers.handleAll({
      create: ({ payload: { display_name, contact = null, metadata } }) =>
        createBroadcaster({ displayName: display_name, contact, metadata: metadata ?? {} }).pipe(
          Effect.map((created) =>
            HttpApiSchema.withHeaders({
              body: broadcasterToWire(created),
              headers: { location: `/broadcasters/${created.id}` }
            })
          ),
          storeFailureToDefect
        ),
      list: ({ query }) =>
        listBroadcasters(pageRequest(query)).pipe(
          Effect.flatMap((page) => pageOf(page.items, envelopeOf(page))),
          storeFailureToDefect,
          slots.run,
          noteBusy
        ),
      get: ({ params }) =>
        describeBroadcaster(params.id).pipe(Effect.flatMap(found), Effect.map(broadcasterToWire), storeFailureToDefect),
      change: ({ params, payload }) =>
        changeBroadcaster(params.id, toFields(payload)).pipe(
          Effect.flatMap(found),
          Effect.map(broadcasterToWire),
          storeFailureToDefect
        ),
      remove: ({ params: { id } }) =>
        removeBroadcaster(id).pipe(
          Effect.flatMap(found),
          Effect.map(({ offAir }) => (offAir ? undefined : { id, message: LEAVING })),
          storeFailureToDefect
        )
    })
  })
)
