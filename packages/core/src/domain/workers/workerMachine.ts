/**
 * A pipeline's worker as a state machine: pure and total. Its events are what was observed (a source, an output), what has happened to its
 * process, and whether it may start; its answer is the next state and what to do to the process.
 */
import type { WorkerSource } from "./workerSource.ts"
import {
  CONNECT_WITHIN_MS,
  holdsPlace,
  OUTPUT_MISSING_MS,
  RETRY_AFTER_MS,
  STEADY_MS,
  type Worker,
  type WorkerEvent,
  type WorkerPhase,
  type WorkerStep,
  wantsToStart
} from "./workerState.ts"

const same = (worker: Worker): WorkerStep => ({ worker, command: null })

/** The next phase, whatever becomes of a process that is up: it is stopped. */
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
