/** The media workers' endpoints. They only tell: a worker comes and goes with its source. */
import { describeWorker, listWorkers, WorkersOn } from "@greenroom/core"
import { Effect, Option } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { ServedApi } from "../api/Api.ts"
import { Worker } from "../api/Wire.ts"
import { ListSlots, noteBusy } from "../lists/ListSlots.ts"
import { pageAnswer } from "../lists/pageAnswer.ts"
import { failWith } from "../problems/Problem.ts"
import { pageRequest, storeFailureToDefect } from "./storeFailureToDefect.ts"
import { envelopeOf, workerToWire } from "./toWire.ts"

const workersAnswer = pageAnswer("workers", Worker, workerToWire)

const off = { count: 0, next_cursor: null, message: "Workers are off (WORKERS=on switches them on)." }

const notFound = Effect.flatMap(WorkersOn, (on) =>
  failWith(
    "not-found",
    on ? "No stream of this id was ever worked on" : "Workers are off (WORKERS=on switches them on)"
  )
)

export const layer = HttpApiBuilder.group(
  ServedApi,
  "workers",
  Effect.fnUntraced(function* (handlers) {
    const slots = yield* ListSlots
    return handlers.handleAll({
      list: ({ query: { state = null, ...page } }) =>
        listWorkers(state, pageRequest(page)).pipe(
          Effect.flatMap(
            Option.match({
              onNone: () => workersAnswer([], off),
              onSome: (workers) =>
                workersAnswer(workers.items, {
                  ...envelopeOf(workers),
                  ...(workers.items.length === 0 && state === null && page.cursor === undefined
                    ? { message: "No stream has been worked on yet." }
                    : {})
                })
            })
          ),
          storeFailureToDefect,
          slots.run,
          noteBusy
        ),
      get: ({ params }) =>
        describeWorker(params.streamId).pipe(
          Effect.flatMap(Option.match({ onNone: () => notFound, onSome: Effect.succeed })),
          Effect.map(workerToWire),
          storeFailureToDefect
        )
    })
  })
)
