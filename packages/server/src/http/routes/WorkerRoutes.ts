/** The media workers' endpoints. They only read: a worker comes and goes with its source. */
import { describeWorker, listWorkers, WorkersOn } from "@greenroom/core"
import { Effect, Option } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { ServedApi } from "../api/Api.ts"
import { Worker } from "../api/WorkersApi.ts"
import { ListSlots } from "../lists/ListSlots.ts"
import { pageAnswer } from "../lists/pageAnswer.ts"
import { failWith } from "../problems/Problem.ts"
import { foundOr, pageRequest, storeFailureToDefect, withCursor } from "./handling.ts"
import { workerShown } from "./workerShown.ts"

const answerPage = pageAnswer("workers", Worker, workerShown)

const OFF = "Workers are off (WORKERS=on switches them on)"

const found = foundOr(
  Effect.flatMap(WorkersOn, (on) => failWith("not-found", on ? "No stream of this id was ever worked on" : OFF))
)

export const layer = HttpApiBuilder.group(
  ServedApi,
  "workers",
  Effect.fnUntraced(function* (handlers) {
    const { answerList } = yield* ListSlots
    return handlers.handleAll({
      list: ({ query: { state = null, ...page } }) =>
        listWorkers(state, pageRequest(page)).pipe(
          Effect.map(
            Option.match({
              onNone: () => ({ items: [], next_cursor: null, message: `${OFF}.` }),
              onSome: (workers) => ({
                ...withCursor(workers),
                ...(workers.items.length === 0 && state === null && page.cursor === undefined
                  ? { message: "No stream has been worked on yet." }
                  : {})
              })
            })
          ),
          Effect.flatMap(answerPage),
          answerList
        ),
      get: ({ params }) =>
        describeWorker(params.streamId).pipe(Effect.flatMap(found), Effect.map(workerShown), storeFailureToDefect)
    })
  })
)
