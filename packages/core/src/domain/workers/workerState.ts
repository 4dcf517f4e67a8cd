/**
 * The state of a pipeline's worker, and what can be asked of it. Two things are apart on purpose: the phase, which people see, and the process,
 * which may take seconds to end when the phase has long moved on. How it changes is `workerMachine`.
 */
import type { WorkerSource } from "./workerSource.ts"

/** Waits before the first, second and third retry. */
export const RETRY_AFTER_MS = [1_000, 2_000, 4_000] as const
/** One attempt and its retries. */
export const ATTEMPTS = RETRY_AFTER_MS.length + 1
/** A worker that has run for this long has come up: when it is lost then, its attempts are counted anew. */
export const STEADY_MS = 10_000
/** An output that is not there after this will not come: its key admits no connection any more. */
export const CONNECT_WITHIN_MS = 15_000
/** How long the output of a running worker may be missing before it counts as lost. */
export const OUTPUT_MISSING_MS = 3_000

export type WorkerPhase =
  /** It has a source and no process of it; `why` it waits. `since`: its turn, 0 when it had a place already. */
  | {
      readonly _tag: "Idle"
      readonly source: WorkerSource
      readonly why: "new" | "full" | "output_taken" | "not_started"
      readonly since: number
    }
  | { readonly _tag: "Connecting"; readonly source: WorkerSource; readonly attempt: number; readonly since: number }
  | {
      readonly _tag: "Running"
      readonly source: WorkerSource
      readonly attempt: number
      readonly since: number
      /** When a snapshot first missed its output; `null` while it is there. */
      readonly missingSince: number | null
    }
  /** `attempt`: how many have failed. `due`: when the next may begin. */
  | {
      readonly _tag: "Retrying"
      readonly source: WorkerSource
      readonly attempt: number
      readonly due: number
      readonly reason: string
    }
  | { readonly _tag: "Stopped"; readonly reason: string | null }
  /** `source`: the one that it failed on, while that is there. */
  | { readonly _tag: "Failed"; readonly source: WorkerSource | null; readonly attempt: number; readonly reason: string }

/** What people see of a worker. */
export const workerStates = ["idle", "connecting", "running", "retrying", "stopped", "failed"] as const
export type WorkerStateName = (typeof workerStates)[number]

export interface Worker {
  readonly phase: WorkerPhase
  /** `ending`: it was stopped and has not ended yet. */
  readonly process: "none" | "up" | "ending"
}

/** Times are milliseconds of one clock that goes forward. */
export type WorkerEvent =
  | { readonly _tag: "SourceSeen"; readonly source: WorkerSource }
  | { readonly _tag: "SourceGone" }
  | { readonly _tag: "Granted" }
  | { readonly _tag: "Held"; readonly why: "full" | "output_taken" }
  | { readonly _tag: "OutputSeen" }
  | { readonly _tag: "OutputMissing" }
  /** The process has ended, by itself or because it was stopped. */
  | { readonly _tag: "Ended"; readonly reason: string }
  /** There was no attempt: what it needs could not be had. */
  | { readonly _tag: "NotStarted"; readonly reason: string }
  /** This instance is not to run workers any more. */
  | { readonly _tag: "Withdrawn"; readonly reason: string }

export interface WorkerStep {
  readonly worker: Worker
  readonly command: "start" | "stop" | null
}

export const stateName = (phase: WorkerPhase): WorkerStateName => {
  switch (phase._tag) {
    case "Idle":
      return "idle"
    case "Connecting":
      return "connecting"
    case "Running":
      return "running"
    case "Retrying":
      return "retrying"
    case "Stopped":
      return "stopped"
    case "Failed":
      return "failed"
  }
}

export const newWorker: Worker = { phase: { _tag: "Stopped", reason: null }, process: "none" }

/** Whether it counts against the workers that may be there at once: a process, or the promise of one. */
export const holdsPlace = ({ phase, process }: Worker): boolean => process !== "none" || phase._tag === "Retrying"

/** Whether it would start now, were it granted a place. */
export const wantsToStart = ({ phase, process }: Worker, now: number): boolean =>
  process === "none" && (phase._tag === "Idle" || (phase._tag === "Retrying" && phase.due <= now))

/** Whether there is nothing more to remember of it. */
export const isOver = ({ phase, process }: Worker): boolean =>
  process === "none" && (phase._tag === "Stopped" || (phase._tag === "Failed" && phase.source === null))
