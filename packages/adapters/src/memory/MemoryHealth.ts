/** A store in this process always answers. */
import { StoreHealth } from "@greenroom/core"
import { Effect } from "effect"

export const make: Effect.Effect<StoreHealth["Service"]> = Effect.succeed(StoreHealth.of({ ping: Effect.void }))
