/** The core's metrics, by name. Whoever runs it decides whether and where they are exported. No label carries what a client sent. */
import { Metric } from "effect"

/** Decisions on auth calls, by `action` and `decision` (`allow` or the refusal's reason). */
export const authDecisions = Metric.counter("greenroom_auth_decisions_total", {
  description: "Answers to the media server's auth calls",
  incremental: true
})

/** Passes of the reconciler, by `outcome`: `complete`, `not_leading`, `store_unavailable`, `media_server_unavailable`, `media_server_absent`, `failed`. */
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

/** Kicks, by `why`: `stopping`, `unauthorized`, `former`. */
export const kicks = Metric.counter("greenroom_kicks_total", { description: "Publishers kicked", incremental: true })

/** Unauthorised publishers that the last pass left on the air: reported, or held back by the mass-kick limit. */
export const unauthorizedPublishers = Metric.gauge("greenroom_unauthorized_publishers", {
  description: "Publishers without a session that the last pass did not kick"
})
