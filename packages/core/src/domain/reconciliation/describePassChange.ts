/**
 * What a pass changes for an operator: the log lines, and which conditions are active. It compares the report of the pass with the history of
 * those before, so that each failure, each finding and each change of leader is logged once when it begins and once when it ends. Pure.
 */
import { describeFindings, type LogLine } from "./describeFindings.ts"
import { type Findings, noFindings, type PassFailureKind, type PassReport } from "./PassReport.ts"

/** A media server often starts beside the reconciler: that it is not there yet is not worth a line. */
export const MAY_BE_AWAY_FOR_MS = 5_000

/** What the passes so far leave to the description of the next. */
export interface PassHistory {
  /** When the reconciler began, in milliseconds of the monotonic clock. */
  readonly began: number
  readonly failure: PassFailureKind | null
  /** The failures that were logged since the last pass without one, each once: two that take turns must not fill the log. */
  readonly logged: ReadonlySet<PassFailureKind>
  /** A pass of this instance was complete. */
  readonly hasCompleted: boolean
  /** `null`: not known yet. */
  readonly leading: boolean | null
}

export const newHistory = (began: number): PassHistory => ({
  began,
  failure: null,
  logged: new Set(),
  hasCompleted: false,
  leading: null
})

export interface PassChange {
  readonly history: PassHistory
  readonly lines: ReadonlyArray<LogLine>
  readonly conditions: ReadonlyArray<{
    readonly kind: PassFailureKind | "mass_kick_held_back" | "changes_not_written"
    readonly active: boolean
  }>
  /** Whether this instance leads; `null`: the pass does not show it. */
  readonly leads: boolean | null
}

const WORKS = "the reconciler observes"
const WORKS_AGAIN = "the reconciler observes again"
const STANDS_BY = "the reconciler has recovered: another instance leads, this one follows"

const failureLine = ({ outcome, failure }: PassReport): LogLine => {
  const annotations = { outcome, error: failure?.message }
  return failure?.kind === "media_server_absent"
    ? { level: "Info", message: "there is no media server to observe yet", annotations }
    : {
        level: "Warn",
        message: "the reconciler cannot observe; the stored state stays unchanged until it can",
        annotations
      }
}

const isExpectedAtStart = ({ began, hasCompleted }: PassHistory, { at, failure }: PassReport): boolean =>
  (failure?.kind === "media_server_absent" || failure?.kind === "media_server_unreachable") &&
  !hasCompleted &&
  at - began < MAY_BE_AWAY_FOR_MS

const describeFailure = (
  history: PassHistory,
  report: PassReport
): { readonly history: PassHistory; readonly lines: ReadonlyArray<LogLine> } => {
  const kind = report.failure?.kind ?? null
  const next = { ...history, failure: kind }
  if (kind === null) {
    const follows = report.outcome === "not_leading"
    const message = follows ? STANDS_BY : history.hasCompleted ? WORKS_AGAIN : WORKS
    return {
      history: { ...next, logged: new Set(), hasCompleted: history.hasCompleted || !follows },
      lines: history.logged.size > 0 ? [{ level: "Info", message, annotations: {} }] : []
    }
  }
  if (history.logged.has(kind) || isExpectedAtStart(history, report)) return { history: next, lines: [] }
  return { history: { ...next, logged: new Set([...history.logged, kind]) }, lines: [failureLine(report)] }
}

/** `null` where the pass did not come so far as to show it. */
const leadsAfter = ({ outcome }: PassReport): boolean | null => {
  switch (outcome) {
    case "complete":
    case "media_server_absent":
    case "media_server_unavailable":
      return true
    case "failed":
    case "too_long":
      return null
    default:
      return false
  }
}

/** Only a change is reported: an instance that leads or follows from its beginning logs nothing. */
const describeLeading = (history: PassHistory, { outcome }: PassReport, leads: boolean | null) => {
  const isDoubtful = leads === null || outcome === "store_unavailable" || outcome === "lease_lost"
  if (isDoubtful || leads === history.leading) return { history, lines: [] }
  const line: LogLine = leads
    ? { level: "Info", message: "this instance reconciles now", annotations: {} }
    : {
        level: "Warn",
        message: "this instance has lost the lease: another one may reconcile now",
        annotations: {}
      }
  return { history: { ...history, leading: leads }, lines: history.leading === null ? [] : [line] }
}

const conditionsAfter = (history: PassHistory, report: PassReport): PassChange["conditions"] => {
  const kind = report.failure?.kind ?? null
  const ended = history.failure === null || history.failure === kind ? [] : [{ kind: history.failure, active: false }]
  const active = kind === null ? [] : [{ kind, active: true }]
  if (kind !== null) return [...ended, ...active]
  return [
    ...ended,
    { kind: "mass_kick_held_back", active: isHeldBack(report.findings) },
    { kind: "changes_not_written", active: (report.findings?.unwritten.size ?? 0) > 0 }
  ]
}

const isHeldBack = (findings: Findings | null): boolean => findings?.held?.why === "too_many"

/** `before`: what this instance found in the pass before, if it led then. */
export const describePassChange = (history: PassHistory, before: Findings | null, report: PassReport): PassChange => {
  const failure = describeFailure(history, report)
  const leads = leadsAfter(report)
  const leading = describeLeading(failure.history, report, leads)
  // What lasts at a change of leader is the new leader's to report.
  const found = report.findings === null ? [] : describeFindings(before ?? noFindings, report.findings)
  return {
    history: leading.history,
    lines: [...found, ...failure.lines, ...leading.lines],
    conditions: conditionsAfter(history, report),
    leads
  }
}
