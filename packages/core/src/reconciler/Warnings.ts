/**
 * Warnings about the media server, each for as long as it lasts: of its version, its configuration, and what the reconciler finds.
 * Each warning is logged once when it begins and once when it is over, shown as a gauge by `kind`, and listed in `GET /health`.
 */
import { Effect, Metric } from "effect"
import { mediaServerWarningKinds } from "../domain/reconciliation/mediaServerWarnings.ts"
import * as Metrics from "../Metrics.ts"

export const warningKinds = [
  ...mediaServerWarningKinds,
  /** Admitted publishers do not appear on the media server that is looked at. */
  "another_media_server_asks",
  /** Publishers stand on a path and in no list. */
  "unlisted_publishers"
] as const
export type WarningKind = (typeof warningKinds)[number]

export interface Warning {
  readonly kind: WarningKind
  readonly detail: string
}

export const anotherAsks: Warning = {
  kind: "another_media_server_asks",
  detail:
    "Of the last eight admitted publishers at least three never appeared on the media server: another media server asks this Greenroom (a replica, a staging machine, or MEDIAMTX_API_URL names the wrong one), or encoders leave at once. Unauthorised publishers are not kicked meanwhile"
}

export const unlistedPublishers = (count: number): Warning => ({
  kind: "unlisted_publishers",
  detail: `${count} publishers stand on a path and in no list of connections, so a kick cannot reach them; those that have to go lose their path`
})

export const makeWarnings = () => {
  let lasting: ReadonlyMap<WarningKind, Warning> = new Map()

  /** These last now, and no others. */
  const set = Effect.fnUntraced(function* (warnings: ReadonlyArray<Warning>) {
    const before = lasting
    lasting = new Map(warnings.map((warning) => [warning.kind, warning]))
    for (const kind of warningKinds) {
      const lasts = lasting.get(kind)
      yield* Metric.update(Metric.withAttributes(Metrics.warnings, { kind }), lasts === undefined ? 0 : 1)
      if ((lasts === undefined) === !before.has(kind)) continue
      yield* lasts === undefined
        ? Effect.logInfo("a warning about the media server is over").pipe(Effect.annotateLogs({ kind }))
        : Effect.logWarning(lasts.detail).pipe(Effect.annotateLogs({ kind }))
    }
  })

  return { set, current: Effect.sync((): ReadonlyArray<Warning> => [...lasting.values()]) }
}

export type Warnings = ReturnType<typeof makeWarnings>
