/** How this deployment reconciles. */
import { Context } from "effect"
import type { Policy } from "../domain/reconciliation/planForUnauthorized.ts"

export class ReconcilePolicy extends Context.Service<
  ReconcilePolicy,
  Policy & {
    /** Names this instance among those that share the store; never the same twice. */
    readonly holder: string
  }
>()("greenroom/ReconcilePolicy") {}
