/** One worker of `Pool.ts`. */
import { parentPort } from "node:worker_threads"
// First.
import "./withoutAsyncContext.ts"
import { bugNamed } from "./bugs/index.ts"
import { addTally, emptyTally } from "./Counts.ts"
import type { Failure, Range, RangeResult } from "./Pool.ts"
import { drawSchedule } from "./Schedule.ts"
import { play } from "./Simulation.ts"

// The errors of a simulation are facts of it: what they tell is in the trace, and their stacks would take a tenth of the time.
Error.stackTraceLimit = 0

parentPort?.on("message", ({ from, to, bug: name }: Range) => {
  const bug = name === null ? null : bugNamed(name)
  const tally = emptyTally()
  const failures: Array<Failure> = []
  let steps = 0
  let simulatedMillis = 0
  for (let seed = from; seed < to; seed++) {
    const outcome = play(drawSchedule(seed), { bug })
    addTally(tally, outcome.tally)
    steps += outcome.steps
    simulatedMillis += outcome.simulatedMillis
    if (outcome.violation !== null) failures.push({ seed, violation: outcome.violation })
  }
  const result: RangeResult = { tally, failures, steps, simulatedMillis }
  parentPort?.postMessage(result)
})
