/** A store in this process always answers. */

import { StoreHealth } from "@greenroom/core"
import { Effect, Layer } from "effect"

export const layer: Layer.Layer<StoreHealth> = Layer.succeed(StoreHealth, StoreHealth.of({ ping: Effect.void }))
