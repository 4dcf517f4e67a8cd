/**
 * `npm run simulate -- --seeds N [--seed S]`: plays N schedules from seed S on. `--bugs` makes the table of the deliberate bugs, `--bug`
 * switches one of them on, `--replay` plays one schedule (its JSON, or a file with it) and prints its trace, `--trace` does so for a seed.
 */
import { existsSync, readFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { parseArgs } from "node:util"
import { bugNamed, bugs } from "./bugs/index.ts"
import { playSeeds } from "./Pool.ts"
import { type BugResult, bugTable, countsText, ENOUGH_SCHEDULES, failureText, missing } from "./Report.ts"
import { drawSchedule } from "./Schedule.ts"
import { shrink } from "./Shrink.ts"
import { play } from "./Simulation.ts"
import type { Schedule } from "./Step.ts"

const MAX_FAILURES = 3

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "500" },
    seed: { type: "string", default: "1" },
    workers: { type: "string", default: String(Math.min(availableParallelism(), 8)) },
    bug: { type: "string" },
    bugs: { type: "boolean", default: false },
    replay: { type: "string" },
    trace: { type: "boolean", default: false }
  }
})
const seed = Number(values.seed)
const seeds = Number(values.seeds)
const workers = Number(values.workers)

const showTrace = (schedule: Schedule): boolean => {
  const { trace, violation } = play(schedule, {
    bug: values.bug === undefined ? null : bugNamed(values.bug),
    traced: true
  })
  console.log(trace.join("\n"))
  return violation === null
}

const simulate = async (): Promise<boolean> => {
  const bug = values.bug === undefined ? null : bugNamed(values.bug).name
  const began = performance.now()
  const result = await playSeeds({ workers, seed, seeds, bug, enough: MAX_FAILURES })
  const minutes = (performance.now() - began) / 60_000
  console.log(countsText(result.tally))
  const { schedules, steps, simulatedMillis } = result
  const hours = (simulatedMillis / 3_600_000).toFixed(1)
  console.log(
    `${schedules} schedules, ${steps} steps, ${hours} simulated hours; ${Math.round(schedules / minutes)} schedules a minute`
  )
  for (const failure of result.failures.slice(0, MAX_FAILURES)) {
    const shrunk = shrink(drawSchedule(failure.seed), bug === null ? null : bugNamed(bug))
    console.log(failureText(failure.seed, shrunk, bug))
  }
  const unseen = schedules >= ENOUGH_SCHEDULES && bug === null ? missing(result.tally) : []
  for (const name of unseen) console.log(`never seen: ${name}`)
  return result.failures.length === 0 && unseen.length === 0
}

const MAX_SCHEDULES_A_BUG = 2_000
const PLAYS_TO_SHRINK_A_BUG = 250

const tryBugs = async (): Promise<boolean> => {
  const results: Array<BugResult> = []
  for (const bug of bugs) {
    const { name, what } = bug
    const { failures } = await playSeeds({ workers, seed, seeds: MAX_SCHEDULES_A_BUG, bug: name, enough: 1 })
    const first = failures[0]
    if (first === undefined) {
      console.log(`${name}: not caught`)
      results.push({ name, what, caught: null })
      continue
    }
    const shrunk = shrink(drawSchedule(first.seed), bug, PLAYS_TO_SHRINK_A_BUG)
    console.log(failureText(first.seed, shrunk, name))
    const { violation, schedule } = shrunk
    const caught = { seed: first.seed, schedules: first.seed - seed + 1, violation, steps: schedule.steps.length }
    results.push({ name, what, caught })
  }
  console.log(`\n${bugTable(results)}`)
  return results.every(({ caught }) => caught !== null)
}

const isGood =
  values.replay !== undefined
    ? showTrace(JSON.parse(existsSync(values.replay) ? readFileSync(values.replay, "utf8") : values.replay) as Schedule)
    : values.trace
      ? showTrace(drawSchedule(seed))
      : await (values.bugs ? tryBugs() : simulate())
process.exitCode = isGood ? 0 : 1
