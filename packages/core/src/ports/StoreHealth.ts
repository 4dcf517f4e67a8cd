/** Whether the store answers at all. Law: `ping` succeeds or fails within a second. */
import { Context, type Effect } from "effect"
import type { StoreUnavailable } from "./StoreUnavailable.ts"

export class StoreHealth extends Context.Service<
  StoreHealth,
  { readonly ping: Effect.Effect<void, StoreUnavailable> }
>()("greenroom/StoreHealth") {}
