/** Single passes on a stage. */
import { initialState, type PassOutcome, type ReconcileState, runPass } from "@greenroom/core"
import { Effect } from "effect"
import { streamId } from "./arbitraries.ts"
import type { Stage } from "./stage.ts"

export const run = (stage: Stage, memory: ReconcileState = initialState) =>
  runPass(memory).pipe(Effect.provide(stage.layer))

/** A pass that must be complete. */
export const complete = (stage: Stage, memory: ReconcileState = initialState) =>
  Effect.map(run(stage, memory), (outcome): Extract<PassOutcome, { _tag: "Complete" }> => {
    if (outcome._tag !== "Complete") throw new Error("not leading")
    return outcome
  })

/** What has happened to the `n`th session. */
export const eventsOf = (stage: Stage, n: number) => stage.rows.get(streamId(n))!.events.map((event) => event.type)
