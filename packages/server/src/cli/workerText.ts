/** Media workers as people read them. Pure. */
import type { DateTime } from "effect"
import type { Worker } from "../http/api/Wire.ts"
import { fields, moment, NOTHING, orNothing, relative, table } from "./format.ts"

type Shown = typeof Worker.Type

export const workerTable = (workers: ReadonlyArray<Shown>, now: DateTime.Utc): string =>
  table([
    ["STREAM", "STATE", "SINCE", "ATTEMPT", "REASON"],
    ...workers.map((worker) => [
      worker.stream_id as string,
      worker.state as string,
      relative(worker.state_since, now),
      worker.attempt === 0 ? NOTHING : String(worker.attempt),
      orNothing(worker.reason)
    ])
  ])

export const workerDetails = (worker: Shown, now: DateTime.Utc): string =>
  fields([
    ["stream", worker.stream_id],
    ["state", worker.state],
    ["since", moment(worker.state_since, now)],
    ["reason", orNothing(worker.reason)],
    ["attempt", worker.attempt === 0 ? NOTHING : String(worker.attempt)],
    ["retry", moment(worker.retry_at, now)],
    ["reads", `${worker.input_path} (${orNothing(worker.input_stream_id)})`],
    ["publishes", `${worker.output_path} (${orNothing(worker.output_stream_id)})`],
    ["process", worker.pid === null ? NOTHING : `${worker.pid} on ${orNothing(worker.host)}`],
    ["created", moment(worker.created_at, now)]
  ])
