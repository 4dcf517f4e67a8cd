/** The core's metrics, by name. The process that runs it decides whether and where they are exported. No label carries what a client sent. */
import { Metric } from "effect"

/** Decisions on auth calls, by `action` and `decision` (`allow` or the refusal's reason). */
const authDecisions = Metric.counter("greenroom_auth_decisions_total", {
  description: "Answers to the media server's auth calls",
  incremental: true
})

const decided = new Map<string, typeof authDecisions>()

/** `authDecisions` with its labels, made once for each of the few pairs there are: every auth call counts one. */
export const authDecision = (action: string, decision: string): typeof authDecisions => {
  const name = `${action} ${decision}`
  const known = decided.get(name)
  if (known !== undefined) return known
  const made = Metric.withAttributes(authDecisions, { action, decision })
  decided.set(name, made)
  return made
}

/** Passes of the reconciler, by `outcome`: `complete`, `not_leading`, `store_unavailable`, `media_server_unavailable`, `media_server_absent`, `lease_lost`, `too_long`, `failed`. */
export const passes = Metric.counter("greenroom_reconciler_passes_total", {
  description: "Passes of the reconciler",
  incremental: true
})

export const passSeconds = Metric.histogram("greenroom_reconciler_pass_seconds", {
  description: "Duration of complete passes",
  boundaries: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
})

export const unendedStreams = Metric.gauge("greenroom_streams_unended", {
  description: "Streams that are connecting, active or being taken off the air, at the last pass"
})

/** Kicks that were answered, by `why`: `stopping`, `unauthorized`, `former`. A publisher that stays is kicked again in every pass. */
export const kicks = Metric.counter("greenroom_kicks_total", { description: "Publishers kicked", incremental: true })

/** Unauthorised publishers that the last pass left on the air: reported, or held back by the mass-kick limit. */
export const unauthorizedPublishers = Metric.gauge("greenroom_unauthorized_publishers", {
  description: "Publishers without a session that the last pass did not kick"
})

/** Publishers that are on a path and in no list of connections, where a kick would find them, in two snapshots in a row. */
export const unlistedPublishers = Metric.gauge("greenroom_unlisted_publishers", {
  description: "Publishers on a path that no list of connections shows"
})

/** 1 while the warning lasts, by `kind`; see `Warnings.ts`. */
export const warnings = Metric.gauge("greenroom_media_server_warnings", {
  description: "1 while the media server's version, configuration or behaviour gives this warning, else 0"
})

/** Publishers that were kicked and were still listed in the last snapshot. */
export const staying = Metric.gauge("greenroom_publishers_told_to_go", {
  description: "Publishers that were kicked and were still listed in the last snapshot"
})

/** Attempts to rid a path of a publisher that no list shows, by `outcome`: `reset`, `failed`. */
export const pathResets = Metric.counter("greenroom_path_resets_total", {
  description: "Paths that were reset because of a publisher that no list shows",
  incremental: true
})

/** 1 while the condition lasts, by `kind`; see `Conditions.ts`. */
export const degraded = Metric.gauge("greenroom_degraded", { description: "1 while this condition lasts, else 0" })

export const leading = Metric.gauge("greenroom_reconciler_leading", {
  description: "1 when this instance reconciles, 0 when another does or none can"
})

export const lastLook = Metric.gauge("greenroom_last_look_timestamp_seconds", {
  description: "When the last complete snapshot of the media server began, of any instance, in seconds since 1970"
})

export const regretsPending = Metric.gauge("greenroom_regrets_pending", {
  description: "Admissions whose answer was lost and whose sessions could not be ended yet"
})

export const regretsDropped = Metric.counter("greenroom_regrets_dropped_total", {
  description: "Admissions whose answer was lost when too many others had been",
  incremental: true
})

/** Hooks by `kind` and `outcome`: `looked` (a snapshot made it needless), `believed` (applied), `ignored` (nothing followed), `dropped`. */
export const hooks = Metric.counter("greenroom_hooks_total", {
  description: "Hooks of the media server, by what became of them",
  incremental: true
})

/** What pruning deleted, by `what`: `streams`, `keys`, `events`, `audit_entries`, `playback_tokens`. */
const prunedTotal = Metric.counter("greenroom_pruned_total", {
  description:
    "Streams that ended, keys that were revoked, events and audit entries that were logged, and playback tokens that expired long ago, and were deleted",
  incremental: true
})

export const pruned = (what: "streams" | "keys" | "events" | "audit_entries" | "playback_tokens") =>
  Metric.withAttributes(prunedTotal, { what })

export const lastPruned = Metric.gauge("greenroom_last_pruned_timestamp_seconds", {
  description: "When this instance last pruned all that was due, in seconds since 1970"
})

/** Workers by `state`: what the instance that runs them knows; on the others, none. */
export const workers = Metric.gauge("greenroom_workers", { description: "Media workers" })

export const workerStarts = Metric.counter("greenroom_worker_starts_total", {
  description: "Attempts to start a media worker, retries included",
  incremental: true
})

export const workerRetries = Metric.counter("greenroom_worker_retries_total", {
  description: "Media workers that were lost or did not come up, and are tried again",
  incremental: true
})

export const workerFailures = Metric.counter("greenroom_worker_failures_total", {
  description: "Media workers that were given up",
  incremental: true
})

export const eventsPlaced = Metric.counter("greenroom_events_placed_total", {
  description: "Events that this instance gave a position in the event log",
  incremental: true
})

/** Attempts to deliver an event to a webhook endpoint, by `outcome`: `delivered`, `retrying`, `failed`. */
const webhookAttemptsTotal = Metric.counter("greenroom_webhook_attempts_total", {
  description: "Attempts to deliver events to webhook endpoints",
  incremental: true
})

const attempts = {
  delivered: Metric.withAttributes(webhookAttemptsTotal, { outcome: "delivered" }),
  retrying: Metric.withAttributes(webhookAttemptsTotal, { outcome: "retrying" }),
  failed: Metric.withAttributes(webhookAttemptsTotal, { outcome: "failed" })
} as const

export const webhookAttempts = (outcome: keyof typeof attempts) => attempts[outcome]

export const webhookEndpointsHeld = Metric.gauge("greenroom_webhook_endpoints_held", {
  description: "Webhook endpoints that this instance delivers to"
})

/** Records of the decision log by `outcome`: `written`, `dropped` (too many waited, or the store refused them). */
const recordsTotal = Metric.counter("greenroom_auth_decision_records_total", {
  description: "Records of the decision log, each of one or more equal answers to auth calls",
  incremental: true
})

const records = {
  written: Metric.withAttributes(recordsTotal, { outcome: "written" }),
  dropped: Metric.withAttributes(recordsTotal, { outcome: "dropped" })
} as const

export const decisionRecords = (outcome: keyof typeof records) => records[outcome]

export const decisionsWaiting = Metric.gauge("greenroom_auth_decision_records_waiting", {
  description: "Records of the decision log that this instance has not written yet"
})

/** Sessions of viewers that count, by `protocol`; 0 on an instance that does not lead. */
const viewersGauge = Metric.gauge("greenroom_viewers", { description: "Viewers that are watching" })

export const viewers = (protocol: string) => Metric.withAttributes(viewersGauge, { protocol })

/** Sessions of viewers that were kicked, by `why`. */
const viewerKicksTotal = Metric.counter("greenroom_viewer_kicks_total", {
  description: "Sessions of viewers that were kicked",
  incremental: true
})

export const viewerKicks = (why: string) => Metric.withAttributes(viewerKicksTotal, { why })

/** By `what`: `refusal` (above ten a second, or too many wait), `token` (too many wait). */
const viewerNotesDroppedTotal = Metric.counter("greenroom_viewer_notes_dropped_total", {
  description: "Refusals of viewers that became no event, and tokens of applications that were not recorded",
  incremental: true
})

export const viewerNotesDropped = (what: "refusal" | "token") =>
  Metric.withAttributes(viewerNotesDroppedTotal, { what })
