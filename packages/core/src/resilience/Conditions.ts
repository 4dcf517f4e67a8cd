/**
 * Conditions: something wrong that lasts. Each is logged when it begins and when it ends, and is 1 in a gauge by `kind` while it lasts; an operator
 * finds the kind in docs/operating.md. The component that finds a condition keeps its state, because one process may run several of them.
 */
import { Effect, Metric } from "effect"
import * as Metrics from "../Metrics.ts"

export const conditionKinds = [
  /** The store does not answer: no publisher is admitted. */
  "store",
  /** The reconciler's calls to the store fail, whether or not those of admissions do. */
  "reconciler_store",
  "media_server_absent",
  "media_server_unreachable",
  "media_server_refused",
  "media_server_nonsense",
  /** The lease ran out in the middle of a pass: this process was frozen, or its store is slow. */
  "lease_lost",
  /** A pass was given up because it took too long. */
  "pass_too_long",
  /** A defect. */
  "reconciler_failed",
  /** Events get no position, or cannot be read: the store does not answer. */
  "events_late",
  /** Decisions on auth calls cannot be written to the decision log. */
  "decisions_not_written",
  /** The connection on which the database notifies of events is lost. */
  "event_notifications",
  "mass_kick_held_back",
  /** What the leader writes is not in the store at its next pass: the ports are not of one store. */
  "changes_not_written",
  /** The session of a lost admission has not been ended yet. */
  "regrets_pending",
  /** History older than HISTORY_KEEP could not be pruned at the last attempt. */
  "history_not_pruned",
  /** Events older than EVENTS_KEEP could not be pruned at the last attempt. */
  "events_not_pruned",
  /** Audit entries older than AUDIT_KEEP could not be pruned at the last attempt. */
  "audit_log_not_pruned",
  /** Expired playback tokens could not be pruned at the last attempt. */
  "playback_tokens_not_pruned",
  /** There are webhook endpoints and no ENCRYPTION_KEY: nothing is delivered. */
  "webhooks_without_key",
  /** A webhook endpoint that this instance delivers to fails as a whole: its events wait. */
  "webhook_endpoint_failing",
  /** A webhook endpoint answered 410, or had no success for five days, and gets no events. */
  "webhook_endpoints_disabled",
  /** The store does not answer the deliveries of webhooks. */
  "webhooks_late",
  /** What this instance knows of private streams, revocations and signing keys cannot be brought up to date. */
  "playback_out_of_date",
  /** Viewers' sessions cannot be followed, or those that have to leave cannot be kicked. */
  "viewers_unsupervised",
  /** Refusals of viewers, and tokens that applications have signed, cannot be written; they wait. */
  "viewer_notes_not_written",
  /** The supervision of the workers fails; workers that run go on. */
  "workers_unsupervised",
  /** A listener refuses connections, or closes those that wait longest for their clients. */
  "connections_limited",
  /** Event streams or polls are answered with 503: there are as many as there may be. */
  "event_readers_refused",
  /** Lists are answered with 503: too many are requested at once. */
  "lists_refused",
  /** Standard error takes fewer log lines than there are. */
  "log_lines_dropped"
] as const
export type ConditionKind = (typeof conditionKinds)[number]

/** The gauge alone, for a caller that decides itself what to log and when. */
export const setCondition = (kind: ConditionKind, active: boolean): Effect.Effect<void> =>
  Metric.update(Metric.withAttributes(Metrics.degraded, { kind }), active ? 1 : 0)

/** So that a condition that never began is a 0 and not missing. */
export const clearConditions = Effect.forEach(conditionKinds, (kind) => setCondition(kind, false), { discard: true })

interface ConditionOptions {
  /** Of the line at the beginning; the one at the end is `Info`. Default: `Warn`. */
  readonly level?: "Info" | "Warn" | "Error"
  readonly annotations?: Readonly<Record<string, unknown>>
}

export interface Conditions<Kind extends string> {
  /** Does nothing when the condition is in this state already. Without a message only the gauge changes. */
  readonly set: (
    kind: Kind,
    active: boolean,
    message?: string | null,
    options?: ConditionOptions
  ) => Effect.Effect<void>
}

/** Conditions of one part of the program: each is logged when it begins and when it ends, and is 1 in the gauge while it lasts. */
export const makeConditions = <Kind extends string = ConditionKind>(
  gauge: Metric.Gauge<number> = Metrics.degraded
): Conditions<Kind> => {
  const active = new Set<Kind>()
  return {
    set: (kind, isActive, message = null, { level = "Warn", annotations = {} } = {}) =>
      Effect.suspend(() => {
        if (active.has(kind) === isActive) return Effect.void
        if (isActive) active.add(kind)
        else active.delete(kind)
        const show = Metric.update(Metric.withAttributes(gauge, { kind }), isActive ? 1 : 0)
        if (message === null) return show
        const line = Effect.logWithLevel(isActive ? level : "Info")(message).pipe(Effect.annotateLogs(annotations))
        return Effect.andThen(show, line)
      })
  }
}
