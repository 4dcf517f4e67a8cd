/** A store in this process always answers. */
import { Effect, Layer } from "effect"
import { StoreHealth } from "../StoreHealth.ts"

export const layer: Layer.Layer<StoreHealth> = Layer.succeed(StoreHealth, StoreHealth.of({ ping: Effect.void }))
