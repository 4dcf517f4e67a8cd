/** Single passes on a stage. */
import type { PassOutcome } from "@greenroom/core"
import { Effect } from "effect"
import { newHistory } from "../../src/domain/reconciliation/describePassChange.ts"
import type { ReconcileState } from "../../src/domain/reconciliation/ReconcileState.ts"
import { findingsOf, follower, leader, newLeaderState, type Role } from "../../src/reconciler/Role.ts"
import { reportPass } from "../../src/reconciler/reportPass.ts"
import { runPass } from "../../src/reconciler/runPass.ts"
import { makeConditions } from "../../src/resilience/Conditions.ts"
import { streamId } from "./arbitraries.ts"
import type { Stage } from "./stage.ts"

/** Reports the pass as well. The role after it; fails as the pass did. */
export const runWith = Effect.fnUntraced(function* (stage: Stage, role: Role) {
  const result = yield* runPass(role).pipe(Effect.provide(stage.layer))
  const { outcome, role: after } = result
  yield* reportPass(result, findingsOf(role), newHistory(0), makeConditions())
  return outcome._tag === "Failed" ? yield* Effect.failCause(outcome.cause) : { outcome, role: after }
})

const roleOf = (memory: ReconcileState | undefined): Role =>
  memory === undefined ? follower : leader({ ...newLeaderState, reconcile: memory })

export const run = (stage: Stage, memory?: ReconcileState) =>
  Effect.map(runWith(stage, roleOf(memory)), ({ outcome }) => outcome)

/** A pass that must be complete; `memory`: what it leaves to the next. */
export const complete = Effect.fnUntraced(function* (stage: Stage, memory?: ReconcileState) {
  const outcome: PassOutcome = yield* run(stage, memory)
  if (outcome._tag !== "Complete") throw new Error("not leading")
  return { ...outcome, memory: outcome.reconcile }
})

/** What has happened to the `n`th session. */
export const eventsOf = (stage: Stage, n: number) => stage.rows.get(streamId(n))!.events.map((event) => event.type)
