/** What this process knows in memory of the viewers' sessions: those that it has let in, and, on the leader, those that are watching. */
import { Context, Layer } from "effect"
import type { StreamKeyId } from "../domain/values/Ids.ts"
import type { Departure, ListedReader } from "../domain/viewers/Viewer.ts"
import { countsUnknown } from "../domain/viewers/viewerSessions.ts"
import { AdmittedViewers } from "./AdmittedViewers.ts"

export class CurrentViewers extends Context.Service<
  CurrentViewers,
  {
    readonly admitted: AdmittedViewers
    /** Whether a listed session counts as a viewer. The leader's supervision replaces it. */
    counts: (reader: ListedReader) => boolean
    /** Why this process has kicked a session, until it is gone. */
    readonly kicked: Map<string, Departure>
    /** The workers that this process has started: what each reads, by the id of its key. */
    readonly workerKeys: Map<StreamKeyId, string>
  }
>()("greenroom/CurrentViewers") {
  static readonly layer = Layer.sync(CurrentViewers, () => ({
    admitted: new AdmittedViewers(),
    counts: countsUnknown,
    kicked: new Map<string, Departure>(),
    workerKeys: new Map<StreamKeyId, string>()
  }))
}
