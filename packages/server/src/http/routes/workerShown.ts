/** A media worker as the API shows it. Pure. */
import { pipelinePath, type WorkerRecord } from "@greenroom/core"
import type { Worker } from "../api/WorkersApi.ts"

export const workerShown = ({ id, mark, ...worker }: WorkerRecord): typeof Worker.Type => ({
  ...worker,
  streamId: id,
  inputPath: pipelinePath(id, "in"),
  outputPath: pipelinePath(id, "out"),
  host: mark?.host ?? null,
  pid: mark?.pid ?? null
})
