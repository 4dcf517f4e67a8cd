/** What is known of a worker: its state, its source, its process. One record a pipeline. */
import type { DateTime } from "effect"
import type { StreamId } from "../values/Ids.ts"
import type { PipelineId } from "./PipelinePath.ts"
import type { WorkerStateName } from "./workerState.ts"

/** Where a worker's process is: a pid is one process only together with when it started. */
export interface ProcessRef {
  readonly host: string
  readonly pid: number
  /** When it started, in the words of its operating system. */
  readonly startedAt: string
}

export interface WorkerChange {
  readonly id: PipelineId
  readonly state: WorkerStateName
  /** Why it is in this state, in a sentence; `null` when that goes without saying. */
  readonly reason: string | null
  /** The attempts that were made on this source. */
  readonly attempt: number
  readonly inputStreamId: StreamId | null
  readonly outputStreamId: StreamId | null
  /** Until the next attempt. */
  readonly retryInMillis: number | null
  /** Its process; `null` once nothing of it can be left. */
  readonly mark: ProcessRef | null
}

export interface WorkerRecord extends Omit<WorkerChange, "retryInMillis"> {
  /** A UUID, for the order of lists. */
  readonly recordId: string
  readonly retryAt: DateTime.Utc | null
  readonly createdAt: DateTime.Utc
  readonly stateSince: DateTime.Utc
  readonly updatedAt: DateTime.Utc
}
