/**
 * A pipeline's worker as a state machine: pure and total. It is told what was seen (a source, an output), what has happened to its
 * process, and whether it may start; it answers with its next state and with what to do to the process. Two things are apart
 * on purpose: the phase, which people see, and the process, which may take seconds to end when the phase has long moved on.
 */
import type { WorkerSource } from "./workerSource.ts"

/** Waits before the first, second and third retry. */
export const RETRY_AFTER_MS = [1_000, 2_000, 4_000] as const
/** One attempt and its retries. */
export const ATTEMPTS = RETRY_AFTER_MS.length + 1
/** A worker that has run for this long has come up: when it is lost then, its attempts are counted anew. */
export const STEADY_MS = 10_000
/** An output that is not there after this will not come: its key admits nobody any more. */
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
      /** When a look first missed its output; `null` while it is there. */
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

export const workerStates = ["idle", "connecting", "running", "retrying", "stopped", "failed"] as const
export type WorkerStateName = (typeof workerStates)[number]

export interface Worker {
  readonly phase: WorkerPhase
  /** `ending`: it was told to stop and has not ended yet. */
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
  /** The process has ended, by itself or because it was told to. */
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

const same = (worker: Worker): WorkerStep => ({ worker, command: null })

/** The next phase, whatever becomes of a process that is up: it is told to stop. */
const leaving = ({ process }: Worker, phase: WorkerPhase): WorkerStep =>
  process === "up"
    ? { worker: { phase, process: "ending" }, command: "stop" }
    : { worker: { phase, process }, command: null }

type AtWork = Extract<WorkerPhase, { readonly _tag: "Connecting" | "Running" }>

const isAtWork = (phase: WorkerPhase): phase is AtWork => phase._tag === "Connecting" || phase._tag === "Running"

/** What follows on an attempt that came to nothing, or on a run that was lost. */
const lost = (phase: AtWork, reason: string, now: number): WorkerPhase => {
  const steady = phase._tag === "Running" && now - phase.since >= STEADY_MS
  const attempt = steady ? 1 : phase.attempt
  const wait = RETRY_AFTER_MS[attempt - 1]
  return wait === undefined
    ? { _tag: "Failed", source: phase.source, attempt, reason }
    : { _tag: "Retrying", source: phase.source, attempt, due: now + wait, reason }
}

const sourceSeen = (worker: Worker, source: WorkerSource, now: number): WorkerStep => {
  const { phase } = worker
  if (phase._tag === "Stopped" || phase.source !== source) {
    return leaving(worker, { _tag: "Idle", source, why: "new", since: holdsPlace(worker) ? 0 : now })
  }
  if (phase._tag === "Connecting" && now - phase.since > CONNECT_WITHIN_MS) {
    return leaving(worker, lost(phase, `no output within ${CONNECT_WITHIN_MS / 1000} s`, now))
  }
  return same(worker)
}

const sourceGone = (worker: Worker): WorkerStep => {
  const { phase } = worker
  switch (phase._tag) {
    case "Stopped":
      return same(worker)
    case "Failed":
      return same(phase.source === null ? worker : { ...worker, phase: { ...phase, source: null } })
    default:
      return leaving(worker, { _tag: "Stopped", reason: "the source has gone" })
  }
}

const granted = (worker: Worker, now: number): WorkerStep => {
  const { phase } = worker
  if (!wantsToStart(worker, now) || (phase._tag !== "Idle" && phase._tag !== "Retrying")) return same(worker)
  const attempt = phase._tag === "Idle" ? 1 : phase.attempt + 1
  return {
    worker: { phase: { _tag: "Connecting", source: phase.source, attempt, since: now }, process: "up" },
    command: "start"
  }
}

const outputMissing = (worker: Worker, now: number): WorkerStep => {
  const { phase, process } = worker
  if (phase._tag !== "Running" || process !== "up") return same(worker)
  if (phase.missingSince === null) return same({ process, phase: { ...phase, missingSince: now } })
  return now - phase.missingSince < OUTPUT_MISSING_MS
    ? same(worker)
    : leaving(worker, lost(phase, "its output has left the media server", now))
}

const ended = (worker: Worker, reason: string, now: number): WorkerStep => {
  const { phase, process } = worker
  if (process !== "up" || !isAtWork(phase)) return same({ phase, process: "none" })
  return same({ phase: lost(phase, reason, now), process: "none" })
}

const notStarted = (worker: Worker, reason: string, now: number): WorkerStep => {
  const { phase, process } = worker
  if (process !== "up" || !isAtWork(phase)) return same({ phase, process: "none" })
  const { source, attempt, since } = phase
  return same({
    process: "none",
    phase:
      attempt === 1
        ? { _tag: "Idle", source, why: "not_started", since }
        : { _tag: "Retrying", source, attempt: attempt - 1, due: now + RETRY_AFTER_MS[0], reason }
  })
}

/** The state after the event and what to do. Every event in every state has an answer. */
export const stepWorker = (worker: Worker, event: WorkerEvent, now: number): WorkerStep => {
  const { phase, process } = worker
  switch (event._tag) {
    case "SourceSeen":
      return sourceSeen(worker, event.source, now)
    case "SourceGone":
      return sourceGone(worker)
    case "Granted":
      return granted(worker, now)
    case "Held":
      return same(phase._tag === "Idle" ? { process, phase: { ...phase, why: event.why } } : worker)
    case "OutputSeen":
      if (process !== "up") return same(worker)
      if (phase._tag === "Connecting") {
        const { source, attempt } = phase
        return same({ process, phase: { _tag: "Running", source, attempt, since: now, missingSince: null } })
      }
      return same(phase._tag === "Running" ? { process, phase: { ...phase, missingSince: null } } : worker)
    case "OutputMissing":
      return outputMissing(worker, now)
    case "Ended":
      return ended(worker, event.reason, now)
    case "NotStarted":
      return notStarted(worker, event.reason, now)
    case "Withdrawn":
      return phase._tag === "Stopped"
        ? leaving(worker, phase)
        : leaving(worker, { _tag: "Stopped", reason: event.reason })
  }
}
