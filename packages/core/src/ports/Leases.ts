/**
 * Who reconciles a media server: one instance at a time, by a lease that runs out unless it is renewed, on the database's clock.
 * Laws: at no time do two holders hold it; a holder that froze past `until` has lost it; what the holder remembers (the media
 * server's `started`) outlives it.
 */
import { Context, type Effect } from "effect"
import type { StoreUnavailable } from "./StoreUnavailable.ts"

export interface Lease {
  readonly held: boolean
  /** The media server's `started` in the last complete pass, of whichever holder; `null` before the first. */
  readonly started: string | null
}

export class Leases extends Context.Service<
  Leases,
  {
    /** Takes or renews the lease for `ttlMillis` from now if nobody else holds it. */
    readonly hold: (holder: string, ttlMillis: number) => Effect.Effect<Lease, StoreUnavailable>
    /** Keeps `started` beside the lease, if `holder` still holds it. */
    readonly remember: (holder: string, started: string) => Effect.Effect<void, StoreUnavailable>
    /** Gives the lease up, so that another instance need not wait for its end. */
    readonly release: (holder: string) => Effect.Effect<void, StoreUnavailable>
  }
>()("greenroom/Leases") {}
