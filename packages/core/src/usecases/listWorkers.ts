/** The workers as they were last written down, by the instance that runs them. */
import { Effect, Option } from "effect"
import type { PipelineId } from "../domain/workers/PipelinePath.ts"
import type { WorkerStateName } from "../domain/workers/workerState.ts"
import type { PageRequest } from "../ports/Page.ts"
import { Workers } from "../ports/Workers.ts"
import { WorkersOn } from "../workers/WorkerSettings.ts"

/** `None` while workers are off: what was written down before is out of date. */
export const listWorkers = Effect.fn("listWorkers")(function* (
  states: ReadonlyArray<WorkerStateName> | null,
  page: PageRequest
) {
  if (!(yield* WorkersOn)) return Option.none()
  const workers = yield* Workers
  return Option.some(yield* workers.list(states, page))
})

export const describeWorker = Effect.fn("describeWorker")(function* (id: PipelineId) {
  if (!(yield* WorkersOn)) return Option.none()
  const workers = yield* Workers
  return yield* workers.find(id)
})
