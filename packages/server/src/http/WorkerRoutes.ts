/** The media workers' endpoints. They only tell: a worker comes and goes with its source. */
import { describeWorker, listWorkers, WorkersOn } from "@greenroom/core"
import { Effect, Option } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { ServedApi } from "./api/Api.ts"
import { NotFound } from "./api/Problems.ts"
import { handled, pageRequest } from "./handled.ts"
import { pageToWire, workerToWire } from "./toWire.ts"

const off = { workers: [], count: 0, next_cursor: null, message: "Workers are off (WORKERS=on switches them on)." }

const notFound = Effect.flatMap(
  WorkersOn,
  (on) =>
    new NotFound({
      detail: on ? "No stream of this id was ever worked on" : "Workers are off (WORKERS=on switches them on)"
    })
)

export const layer = HttpApiBuilder.group(ServedApi, "workers", (handlers) =>
  handlers.handleAll({
    list: ({ query: { state = null, ...page } }) =>
      listWorkers(state, pageRequest(page)).pipe(
        Effect.map(
          Option.match({
            onNone: () => off,
            onSome: (workers) => ({
              ...pageToWire("workers", workers, workerToWire),
              ...(workers.items.length === 0 && state === null && page.cursor === undefined
                ? { message: "No stream has been worked on yet." }
                : {})
            })
          })
        ),
        handled
      ),
    get: ({ params }) =>
      describeWorker(params.streamId).pipe(
        Effect.flatMap(Option.match({ onNone: () => notFound, onSome: Effect.succeed })),
        Effect.map(workerToWire),
        handled
      )
  })
)
