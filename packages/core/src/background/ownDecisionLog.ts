/** The decision log of this instance, under the name that it reconciles with. */
import { Effect, Layer } from "effect"
import { DecisionLog } from "../decisions/DecisionLog.ts"
import { ReconcilePolicy } from "../reconciler/ReconcilePolicy.ts"

export const decisionLog = Layer.unwrap(Effect.map(ReconcilePolicy, ({ holder }) => DecisionLog.layer(holder)))
