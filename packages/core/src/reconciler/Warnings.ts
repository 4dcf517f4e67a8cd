/**
 * Warnings about the media server, each for as long as it lasts: of its version, its configuration, and what the reconciler finds.
 * Each is a condition with a gauge of its own, and is listed in `GET /health`.
 */
import { Effect, Metric } from "effect"
import { mediaServerWarningKinds, mediaServerWarnings } from "../domain/reconciliation/mediaServerWarnings.ts"
import * as Metrics from "../Metrics.ts"
import { MediaServer } from "../ports/MediaServer.ts"
import { makeConditions } from "../resilience/Conditions.ts"
import { DuplicatePolicy } from "../resilience/DuplicatePolicy.ts"
import type { PassOutcome } from "./runPass.ts"

/** What can be wrong with the media server or its configuration, as `Reconciler.warnings` has it. */
export const warningKinds = [
  ...mediaServerWarningKinds,
  /** Admitted publishers do not appear on this media server. */
  "another_media_server_asks",
  /** Publishers are on a path and in no list. */
  "unlisted_publishers"
] as const
type WarningKind = (typeof warningKinds)[number]

export interface Warning {
  readonly kind: WarningKind
  readonly detail: string
}

const anotherAsks: Warning = {
  kind: "another_media_server_asks",
  detail:
    "Of the last eight admitted publishers at least three never appeared on the media server: another media server asks this Greenroom (a replica, a staging machine, or MEDIAMTX_API_URL names the wrong one), or encoders leave at once. Unauthorised publishers are not kicked meanwhile"
}

const unlistedPublishers = (count: number): Warning => ({
  kind: "unlisted_publishers",
  detail: `${count} publishers are on a path and in no list of connections, so a kick cannot reach them; those that have to go lose their path`
})

/** Only the leader warns of what it finds on the media server. */
const ofPass = (outcome: PassOutcome): ReadonlyArray<Warning> => {
  if (outcome._tag !== "Complete") return []
  const found: Array<Warning> = []
  if (outcome.found.notAppearing === true) found.push(anotherAsks)
  if (outcome.unlistedLeft > 0) found.push(unlistedPublishers(outcome.unlistedLeft))
  return found
}

/** Every instance warns of the configuration. */
const ofConfiguration = Effect.gen(function* () {
  const facts = yield* (yield* MediaServer).facts
  const takeover = (yield* DuplicatePolicy) === "takeover"
  return facts === null ? [] : mediaServerWarnings(facts, { takeover })
})

const OVER = "a warning about the media server is over"

export const makeWarnings = Effect.gen(function* () {
  for (const kind of warningKinds) yield* Metric.update(Metric.withAttributes(Metrics.warnings, { kind }), 0)
  const conditions = makeConditions<WarningKind>(Metrics.warnings)
  let current: ReadonlyArray<Warning> = []

  /** After a pass that did not fail: what it found lasts now, and nothing else. */
  const update = Effect.fnUntraced(function* (outcome: PassOutcome) {
    const before = current
    current = [...(yield* ofConfiguration), ...ofPass(outcome)]
    for (const { kind } of before) {
      if (current.some((one) => one.kind === kind)) continue
      yield* conditions.set(kind, false, OVER, { annotations: { kind } })
    }
    for (const { kind, detail } of current) yield* conditions.set(kind, true, detail, { annotations: { kind } })
  })

  return { update, current: Effect.sync(() => current) }
})
export type Warnings = Effect.Success<typeof makeWarnings>
