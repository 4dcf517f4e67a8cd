/** What runs in the background, over the ports: the reconciler, the supervision of viewers, and the services that they share with `/auth`. */
import { Effect, Layer } from "effect"
import { layerOwnRuntime } from "../EffectCopy.ts"
import { Reconciler } from "../reconciler/Reconciler.ts"
import { superviseViewers } from "../viewers/superviseViewers.ts"
import { sharedWithAuth } from "./sharedWithAuth.ts"

/**
 * The reconciler and all of `sharedWithAuth`, over a store and a media server. Begins passes when it is built; its end releases the
 * lease. Dies when this copy of `effect` is not the one that runs it.
 */
export const layerBackground = Layer.effectDiscard(Effect.forkScoped(superviseViewers)).pipe(
  Layer.provideMerge(Reconciler.layer),
  Layer.provideMerge(sharedWithAuth),
  Layer.provide(layerOwnRuntime)
)
