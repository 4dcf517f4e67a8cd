/** Whether the store answers at all. Law: `ping` succeeds or fails within a second. */
import type { Effect } from "effect"
import { port } from "./Repositories.ts"
import type { StoreUnavailable } from "./StoreUnavailable.ts"

export interface StoreHealthPort {
  readonly ping: Effect.Effect<void, StoreUnavailable>
}

export class StoreHealth extends port("storeHealth") {}
