/** How a run is told: counts, failures with what replays them, and the table of the deliberate bugs. */
import type { Tally } from "./Counts.ts"
import { expectedFaults, expectedTransitions } from "./Expected.ts"
import type { Violation } from "./Invariants.ts"
import type { Shrunk } from "./Shrink.ts"

/** From so many schedules on, everything that is expected must have come up. */
export const ENOUGH_SCHEDULES = 500

const rows = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, count]) => `${String(count).padStart(10)}  ${name}`)
    .join("\n")

const withExpected = (counts: Readonly<Record<string, number>>, expected: ReadonlyArray<string>) => ({
  ...Object.fromEntries(expected.map((name) => [name, 0])),
  ...counts
})

export const countsText = ({ faults, transitions, notes }: Tally): string =>
  [
    "faults",
    rows(withExpected(faults, expectedFaults)),
    "transitions",
    rows(withExpected(transitions, expectedTransitions)),
    "besides",
    rows(notes)
  ].join("\n")

/** What should have come up and did not. */
export const missing = ({ faults, transitions }: Tally): ReadonlyArray<string> => [
  ...expectedFaults.filter((name) => faults[name] === undefined),
  ...expectedTransitions.filter((name) => transitions[name] === undefined)
]

export const violationText = ({ invariant, at, what }: Violation): string =>
  `invariant ${invariant} after ${(at / 1_000).toFixed(3)} s: ${what}`

export const failureText = (seed: number, { schedule, violation, plays }: Shrunk, bug: string | null): string => {
  const replay = `npm run simulate -- ${bug === null ? "" : `--bug "${bug}" `}--replay`
  return [
    `seed ${seed}: ${violationText(violation)}`,
    `shrunk to ${schedule.steps.length} steps in ${plays} plays; ${replay} '${JSON.stringify(schedule)}'`
  ].join("\n")
}

export interface BugResult {
  readonly name: string
  readonly what: string
  /** `null`: not caught. */
  readonly caught: {
    readonly seed: number
    readonly schedules: number
    readonly violation: Violation
    readonly steps: number
  } | null
}

export const bugTable = (results: ReadonlyArray<BugResult>): string =>
  [
    "| bug | what is wrong | caught by invariant | after schedules | steps when shrunk |",
    "|---|---|---|---|---|",
    ...results.map(({ name, what, caught }) =>
      caught === null
        ? `| ${name} | ${what} | **not caught** | | |`
        : `| ${name} | ${what} | ${caught.violation.invariant} | ${caught.schedules} | ${caught.steps} |`
    )
  ].join("\n")
