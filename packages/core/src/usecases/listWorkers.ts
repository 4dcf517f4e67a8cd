/** The workers as they were last written down, by the instance that runs them. */
import { Effect, Option, Schema } from "effect"
import { PipelineId } from "../domain/workers/PipelinePath.ts"
import { type WorkerStateName, workerStates } from "../domain/workers/workerState.ts"
import { WorkersOn } from "../ports/MediaWorker.ts"
import type { PageRequest } from "../ports/Page.ts"
import { Workers } from "../ports/Workers.ts"
import { pageFields } from "./argumentSchemas.ts"
import { checkArguments } from "./InvalidArgument.ts"

const checkList = checkArguments("listWorkers", {
  states: Schema.NullOr(Schema.Array(Schema.Literals(workerStates))),
  ...pageFields
})
const checkDescribe = checkArguments("describeWorker", { id: PipelineId })

/** `None` while workers are off: what was written down before is out of date. */
export const listWorkers = Effect.fn("listWorkers")(function* (
  states: ReadonlyArray<WorkerStateName> | null,
  page: PageRequest
) {
  const { states: checked, ...checkedPage } = yield* checkList({ ...page, states })
  if (!(yield* WorkersOn)) return Option.none()
  const workers = yield* Workers
  return Option.some(yield* workers.list(checked, checkedPage))
})

/** `None` when no stream of this id was ever worked on, and while workers are off. */
export const describeWorker = Effect.fn("describeWorker")(function* (id: PipelineId) {
  const checked = yield* checkDescribe({ id })
  if (!(yield* WorkersOn)) return Option.none()
  const workers = yield* Workers
  return yield* workers.find(checked.id)
})
