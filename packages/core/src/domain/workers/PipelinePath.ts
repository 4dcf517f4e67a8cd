/**
 * The two paths of a pipeline: what comes in at `live/<id>/in` is worked on and goes out at `live/<id>/out`. The id's grammar is
 * narrow because it becomes part of URLs and of command lines; a path that does not fit it belongs to no pipeline.
 */
import { Schema } from "effect"
import type { PathLimit } from "../access/StreamPath.ts"

export const PipelineId = Schema.String.annotate({
  description: "The <id> of live/<id>/in and live/<id>/out",
  examples: ["studio-1"]
})
  .check(Schema.isPattern(/^[A-Za-z0-9_-]{1,128}$/u, { message: "Expected 1 to 128 letters, digits, _ and -" }))
  .pipe(Schema.brand("PipelineId"))
export type PipelineId = typeof PipelineId.Type

type Direction = "in" | "out"

export interface PipelinePath {
  readonly id: PipelineId
  readonly direction: Direction
}

/** `live/<id>/in` is an ingest, `live/<id>/out` what a worker made of it. With `u` the pattern is part of published schemas. */
export const PIPELINE_PATH = /^live\/([A-Za-z0-9_-]{1,128})\/(in|out)$/u

/** What the path is to a pipeline; `null` when it is nothing to any. */
export const parsePipelinePath = (path: string): PipelinePath | null => {
  const [, id, direction] = PIPELINE_PATH.exec(path) ?? []
  return id === undefined ? null : { id: id as PipelineId, direction: direction as Direction }
}

/** The path at which the pipeline's stream comes in or goes out. */
export const pipelinePath = (id: PipelineId, direction: Direction): string => `live/${id}/${direction}`

/** Whether only a worker may publish on the path, while workers are on. */
export const isWorkerOutput = (path: string): boolean => parsePipelinePath(path)?.direction === "out"

/** Whether a key with this limit could publish on workers' outputs only. */
export const isForOutputsOnly = (limit: PathLimit | null): boolean =>
  limit?._tag === "Exact" && isWorkerOutput(limit.path)
