/**
 * Who reconciles a media server: one instance at a time, by a lease that runs out unless it is renewed, on the database's clock.
 * Beside it stands what every instance has to know: what the last complete pass found, and what an operator wishes.
 * Laws: at no time do two holders hold it; a holder that froze past `until` has lost it; what the holder remembers and what is wished
 * outlive it; a wish runs out by itself, and only the holder can say that it is fulfilled.
 */
import { Context, type DateTime, type Effect } from "effect"
import type { PassSummary } from "../domain/reconciliation/PassSummary.ts"
import type { StoreUnavailable } from "./StoreUnavailable.ts"

export interface Lease {
  readonly held: boolean
  /** How long it lasts from now, whoever holds it, in milliseconds by the database's clock; at most 0 when it is free. */
  readonly leftMillis: number
  /** The media server's `started` in the last complete pass, of whichever holder; `null` before the first. */
  readonly started: string | null
  /** Somebody wishes, now, that unauthorised publishers go, however many they are. */
  readonly enforce: boolean
  /** The last complete pass, of whichever holder; `null` before the first. */
  readonly lastSnapshot: {
    /** How long ago it began, in milliseconds by the database's clock. */
    readonly ageMillis: number
    readonly found: PassSummary
  } | null
}

/** What a complete pass leaves to whoever comes next. */
export interface PassRecord {
  readonly started: string
  /** The database's clock before the look. */
  readonly lookedAt: DateTime.Utc
  readonly found: PassSummary
  /** Nobody is left of whom the wish spoke. */
  readonly fulfilled: boolean
}

export class Leases extends Context.Service<
  Leases,
  {
    /** Takes or renews the lease for `ttlMillis` from now if nobody else holds it. */
    readonly acquire: (holder: string, ttlMillis: number) => Effect.Effect<Lease, StoreUnavailable>
    /** Keeps the memory beside the lease, if `holder` still holds it. */
    readonly recordPass: (holder: string, memory: PassRecord) => Effect.Effect<void, StoreUnavailable>
    /** Wishes enforcement for `millis` from now, whoever holds the lease; a wish that lasts longer stays. */
    readonly requestEnforcement: (millis: number) => Effect.Effect<void, StoreUnavailable>
    /** Gives the lease up, so that another instance need not wait for its end. */
    readonly release: (holder: string) => Effect.Effect<void, StoreUnavailable>
  }
>()("greenroom/Leases") {}
