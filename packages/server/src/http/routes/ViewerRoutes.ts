/** The viewers' endpoints: each decodes, calls one use case and encodes. */
import {
  countViewers,
  kickViewer,
  listViewers,
  type MediaServerUnavailable,
  REVOKED_UNTIL_MAX_DAYS,
  revokeViewer,
  type Timestamp,
  type ViewerId
} from "@greenroom/core"
import { Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { ServedApi } from "../api/Api.ts"
import { Viewer } from "../api/ViewersApi.ts"
import { ListSlots } from "../lists/ListSlots.ts"
import { pageAnswer } from "../lists/pageAnswer.ts"
import { failWith, invalid } from "../problems/Problem.ts"
import { pageRequest, storeFailureToDefect, withTextCursor, withTotal } from "./handling.ts"
import { timeOf, viewerShown } from "./viewerShown.ts"

const notFound = failWith("not-found", "No viewer has a session with this id")

const answerPage = pageAnswer("viewers", Viewer, viewerShown)

const silentToProblem = <A, E, R>(effect: Effect.Effect<A, E | MediaServerUnavailable, R>) =>
  Effect.catchTag(effect as Effect.Effect<A, MediaServerUnavailable, R>, "MediaServerUnavailable", () =>
    failWith("media-server-unavailable")
  ) as Effect.Effect<
    A,
    Exclude<E, MediaServerUnavailable> | Effect.Error<ReturnType<typeof failWith<"media-server-unavailable">>>,
    R
  >

const untilExpected = (detail: string) => invalid([{ pointer: "/until", detail }])

const revoke = Effect.fnUntraced(function* (id: ViewerId, until: Timestamp | null) {
  const outcome = yield* revokeViewer(id, until)
  switch (outcome._tag) {
    case "Revoked": {
      const { revoked, tokens } = outcome
      return { viewerId: revoked.viewerId, revokedAt: timeOf(revoked.at), until, tokens }
    }
    case "UntilPast":
      return yield* untilExpected("Expected a time in the future")
    case "UntilTooFar":
      return yield* untilExpected(`Expected a time at most ${REVOKED_UNTIL_MAX_DAYS} days ahead`)
  }
})

export const layer = HttpApiBuilder.group(
  ServedApi,
  "viewers",
  Effect.fnUntraced(function* (handlers) {
    const { answerList } = yield* ListSlots
    return handlers.handleAll({
      list: ({ query: { limit, cursor, total, ...filter } }) =>
        listViewers(filter, pageRequest({ limit, cursor })).pipe(
          Effect.map(withTextCursor),
          withTotal(total, countViewers(filter)),
          Effect.flatMap(answerPage),
          answerList
        ),
      kick: ({ params }) =>
        kickViewer(params.id).pipe(
          Effect.flatMap((kicked) => (kicked ? Effect.void : notFound)),
          silentToProblem,
          storeFailureToDefect
        ),
      revoke: ({ params, payload: { until = null } }) => storeFailureToDefect(revoke(params.viewer_id, until))
    })
  })
)
