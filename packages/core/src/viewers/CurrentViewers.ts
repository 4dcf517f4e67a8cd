/** What this process knows in memory of the viewers' sessions: those that it has let in, and, on the leader, those that are watching. */
import { Context, Layer } from "effect"
import type { Departure } from "../domain/viewers/Viewer.ts"
import { AdmittedViewers } from "./AdmittedViewers.ts"

export class CurrentViewers extends Context.Service<
  CurrentViewers,
  {
    readonly admitted: AdmittedViewers
    /** Sessions that are listed and do not count: workers, HLS players that ask for nothing. The leader's supervision replaces it. */
    notCounted: ReadonlySet<string>
    /** Why this process has kicked a session, until it is gone. */
    readonly kicked: Map<string, Departure>
  }
>()("greenroom/CurrentViewers") {
  static readonly layer = Layer.sync(CurrentViewers, () => ({
    admitted: new AdmittedViewers(),
    notCounted: new Set<string>(),
    kicked: new Map<string, Departure>()
  }))
}
