/** What runs in the background, over the ports: the reconciler, and the two services that it shares with `/auth`. */
import { Layer } from "effect"
import { layerOwnRuntime } from "../EffectCopy.ts"
import { LostAdmissions } from "../resilience/LostAdmissions.ts"
import { StoreMonitor } from "../resilience/StoreMonitor.ts"
import { Reconciler } from "./Reconciler.ts"

export const layerBackground = Reconciler.layer.pipe(
  Layer.provideMerge(Layer.merge(StoreMonitor.layer, LostAdmissions.layer)),
  Layer.provide(layerOwnRuntime)
)
