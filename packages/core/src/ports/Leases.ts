/**
 * Which instance reconciles a media server: one at a time, by a lease that runs out unless it is renewed, on the database's clock.
 * Beside it is kept what every instance has to know: what the last complete pass found, and whether an operator requests enforcement.
 * Laws: at no time do two holders hold it; a holder that froze past its end has lost it; the record of the pass and the request for enforcement
 * outlive it; a request runs out by itself, and only the holder can mark it as fulfilled.
 */
import type { DateTime, Effect } from "effect"
import type { PassSummary } from "../domain/reconciliation/PassSummary.ts"
import { port } from "./Repositories.ts"
import type { StoreUnavailable } from "./StoreUnavailable.ts"

export interface Lease {
  readonly held: boolean
  /** How long it lasts from now, whichever instance holds it, in milliseconds by the database's clock; at most 0 when it is free. */
  readonly leftMillis: number
  /** The media server's `started` in the last complete pass, of whichever holder; `null` before the first. */
  readonly started: string | null
  /** An operator requests, now, that unauthorized publishers go, however many they are. */
  readonly enforce: boolean
  /** The last complete pass, of whichever holder; `null` before the first. */
  readonly lastSnapshot: {
    /** How long ago it began, in milliseconds by the database's clock. */
    readonly ageMillis: number
    readonly found: PassSummary
  } | null
}

/** What a complete pass leaves to the next, of any instance. */
export interface PassRecord {
  readonly started: string
  /** The database's clock before the snapshot. */
  readonly lookedAt: DateTime.Utc
  readonly found: PassSummary
  /** No publisher is left that the request for enforcement speaks of. */
  readonly fulfilled: boolean
}

export interface LeasesPort {
  /** Takes or renews the lease for `ttlMillis` from now if no other instance holds it. */
  readonly acquire: (holder: string, ttlMillis: number) => Effect.Effect<Lease, StoreUnavailable>
  /** Keeps the memory beside the lease, and renews it for `ttlMillis` from now, if `holder` still holds it; otherwise `null`. */
  readonly recordPass: (
    holder: string,
    memory: PassRecord,
    ttlMillis: number
  ) => Effect.Effect<Lease | null, StoreUnavailable>
  /** Remembers that the media server does not answer, if `holder` still holds the lease: the next `recordPass` finds it reachable again. */
  readonly recordUnreachable: (holder: string) => Effect.Effect<void, StoreUnavailable>
  /** Requests enforcement for `millis` from now. Never shortens an earlier request. */
  readonly requestEnforcement: (millis: number) => Effect.Effect<void, StoreUnavailable>
  /** Gives the lease up, so that another instance need not wait for its end. */
  readonly release: (holder: string) => Effect.Effect<void, StoreUnavailable>
}

export class Leases extends port("leases") {}
