/** What runs in the background, over the ports: the reconciler, and the services that it shares with `/auth`. */
import { Layer } from "effect"
import { layerOwnRuntime } from "../EffectCopy.ts"
import { EventFeed } from "../events/EventFeed.ts"
import { LostAdmissions } from "../resilience/LostAdmissions.ts"
import { StoreMonitor } from "../resilience/StoreMonitor.ts"
import { decisionLog } from "./ownDecisionLog.ts"
import { Reconciler } from "./Reconciler.ts"

/**
 * The reconciler, `StoreMonitor`, `LostAdmissions`, `EventFeed` and `DecisionLog`, over a store and a media server. Begins passes when it is built; its end releases the
 * lease. Dies when this copy of `effect` is not the one that runs it.
 */
export const layerBackground = Reconciler.layer.pipe(
  Layer.provideMerge(Layer.mergeAll(StoreMonitor.layer, LostAdmissions.layer, EventFeed.layer, decisionLog)),
  Layer.provide(layerOwnRuntime)
)
