/** Media workers as people read them. Pure. */
import type { DateTime } from "effect"
import type { Worker } from "../http/api/WorkersApi.ts"
import { fields, moment, NOTHING, orNothing, relative, table } from "./format.ts"

type Shown = typeof Worker.Type

export const workerTable = (workers: ReadonlyArray<Shown>, now: DateTime.Utc): string =>
  table([
    ["STREAM", "STATE", "SINCE", "ATTEMPT", "REASON"],
    ...workers.map((worker) => [
      worker.streamId as string,
      worker.state as string,
      relative(worker.stateSince, now),
      worker.attempt === 0 ? NOTHING : String(worker.attempt),
      orNothing(worker.reason)
    ])
  ])

export const workerDetails = (worker: Shown, now: DateTime.Utc): string =>
  fields([
    ["stream", worker.streamId],
    ["state", worker.state],
    ["since", moment(worker.stateSince, now)],
    ["reason", orNothing(worker.reason)],
    ["attempt", worker.attempt === 0 ? NOTHING : String(worker.attempt)],
    ["retry", moment(worker.retryAt, now)],
    ["reads", `${worker.inputPath} (${orNothing(worker.inputStreamId)})`],
    ["publishes", `${worker.outputPath} (${orNothing(worker.outputStreamId)})`],
    ["process", worker.pid === null ? NOTHING : `${worker.pid} on ${orNothing(worker.host)}`],
    ["created", moment(worker.createdAt, now)]
  ])
