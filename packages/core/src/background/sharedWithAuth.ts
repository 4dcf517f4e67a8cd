/** The services that `/auth` and the reconciler have in common: what this process knows in memory, and what it has still to write. */
import { Layer } from "effect"
import { EventFeed } from "../events/EventFeed.ts"
import { CurrentViewers } from "../playback/CurrentViewers.ts"
import { PlaybackAccess } from "../playback/PlaybackAccess.ts"
import { ViewerNotes } from "../playback/ViewerNotes.ts"
import { LostAdmissions } from "../resilience/LostAdmissions.ts"
import { StoreMonitor } from "../resilience/StoreMonitor.ts"
import { decisionLog } from "./ownDecisionLog.ts"

/** `StoreMonitor`, `LostAdmissions`, `EventFeed`, `DecisionLog`, `CurrentViewers`, `ViewerNotes` and `PlaybackAccess`. */
export const sharedWithAuth = PlaybackAccess.layer.pipe(
  Layer.provideMerge(
    Layer.mergeAll(
      StoreMonitor.layer,
      LostAdmissions.layer,
      EventFeed.layer,
      decisionLog,
      CurrentViewers.layer,
      ViewerNotes.layer
    )
  )
)
