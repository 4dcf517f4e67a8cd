/** A worker in words: the reason for its phase in a sentence, and the log line when its phase changes. Pure. */
import { type PipelineId, pipelinePath } from "./PipelinePath.ts"
import { RETRY_AFTER_MS, type WorkerPhase } from "./workerState.ts"

/** Why the worker is where it is; `null` when that needs no words. `note`: why there was no attempt, the last time. */
export const describePhase = (id: PipelineId, phase: WorkerPhase, max: number, note: string | null): string | null => {
  switch (phase._tag) {
    case "Idle":
      switch (phase.why) {
        case "new":
          return null
        case "full":
          return `waiting for a place: ${max} workers are there already (MAX_WORKERS)`
        case "output_taken":
          return `waiting until ${pipelinePath(id, "out")} is free`
        case "not_started":
          return note
      }
      break
    case "Connecting":
    case "Running":
      return null
    default:
      return phase.reason
  }
}

export const attemptOf = (phase: WorkerPhase): number =>
  phase._tag === "Idle" || phase._tag === "Stopped" ? 0 : phase.attempt

export interface TransitionLine {
  readonly level: "Debug" | "Info" | "Warn" | "Error"
  readonly message: string
  readonly facts: { readonly [name: string]: string | number }
}

/** The line for a change of phase; `null` when nothing worth a line has changed. */
export const describeTransition = (
  id: PipelineId,
  before: WorkerPhase,
  after: WorkerPhase,
  max: number
): TransitionLine | null => {
  const line = (
    level: TransitionLine["level"],
    message: string,
    facts: TransitionLine["facts"] = {}
  ): TransitionLine => ({
    level,
    message,
    facts: { pipeline: id, ...facts }
  })
  if (before._tag === after._tag && !(before._tag === "Idle" && after._tag === "Idle" && before.why !== after.why)) {
    return null
  }
  switch (after._tag) {
    case "Idle": {
      const reason = describePhase(id, after, max, null)
      return after.why === "full" && reason !== null ? line("Info", "a worker waits", { reason }) : null
    }
    case "Connecting":
      return line("Info", "a worker starts", { attempt: after.attempt })
    case "Running":
      return line("Info", "a worker runs: its output is there", { attempt: after.attempt })
    case "Retrying":
      return line("Warn", "a worker has ended and is tried again", {
        attempt: after.attempt,
        reason: after.reason,
        retry_in_ms: RETRY_AFTER_MS[after.attempt - 1] ?? 0
      })
    case "Stopped":
      return line("Info", "a worker stops", after.reason === null ? {} : { reason: after.reason })
    case "Failed":
      return line("Error", "a worker has failed: it is not tried again on this source", {
        attempt: after.attempt,
        reason: after.reason
      })
  }
}
