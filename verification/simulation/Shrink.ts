/**
 * Makes a schedule that breaks an invariant small: takes steps away in ever smaller pieces, and faults out of the setting, as long as the
 * same invariant still breaks. Steps are plain data with times of their own, so nothing else has to be adjusted; but what they met by
 * chance (how long each call took) is another with each step less, so that other chances are tried, too.
 */
import type { Bug } from "./bugs/Bug.ts"
import type { Violation } from "./Invariants.ts"
import { type Outcome, play } from "./Simulation.ts"
import type { Schedule, Setting } from "./Step.ts"

export interface Shrunk {
  readonly schedule: Schedule
  readonly violation: Violation
  /** How many schedules were played for it. */
  readonly plays: number
}

const simpler = (setting: Setting): ReadonlyArray<Setting> => {
  const { clocks, publishers, viewers } = setting
  return [
    { ...setting, clocks: clocks.slice(0, 1) },
    { ...setting, clocks: clocks.slice(0, 2) },
    { ...setting, clocks: clocks.map(() => 0) },
    { ...setting, hooks: { lost: 100, twice: 0, late: 0 } },
    { ...setting, persistence: 0 },
    { ...setting, controlApi: "there" },
    { ...setting, hookSecret: true },
    { ...setting, distance: 1 },
    { ...setting, onDuplicate: "refuse" },
    { ...setting, massKickLimit: 10 },
    { ...setting, viewers: 0 },
    { ...setting, viewers: Math.max(Math.min(viewers, 1), Math.floor(viewers / 2)) },
    { ...setting, playback: { streams: "token", unknownPaths: "public" } },
    { ...setting, publishers: Math.max(1, Math.floor(publishers / 2)) },
    { ...setting, publishers: Math.max(1, publishers - 1) }
  ]
}

/** `schedule` must break an invariant. Gives the smallest that was found within `budget` plays. */
export const shrink = (schedule: Schedule, bug: Bug | null, budget = 2_000): Shrunk => {
  let plays = 0
  const outcomeOf = (candidate: Schedule): Outcome => {
    plays += 1
    return play(candidate, { bug })
  }
  const first = outcomeOf(schedule)
  if (first.violation === null) throw new Error("this schedule breaks nothing")
  let best = schedule
  let { violation } = first

  const isAccepted = (candidate: Omit<Schedule, "seed">, chances: number): boolean => {
    for (let chance = 0; chance < chances && plays < budget; chance++) {
      const tried = { ...candidate, seed: best.seed + chance }
      const outcome = outcomeOf(tried)
      if (outcome.violation?.invariant !== violation.invariant) continue
      best = tried
      violation = outcome.violation
      return true
    }
    return false
  }

  const cutSteps = (chances: number) => {
    for (let size = Math.ceil(best.steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let from = best.steps.length - size; from > -size; from -= size) {
        const start = Math.max(0, from)
        isAccepted({ ...best, steps: best.steps.toSpliced(start, Math.min(size, from + size - start)) }, chances)
      }
    }
  }
  const simplify = (chances: number) => {
    for (const setting of simpler(best.setting)) {
      const isOther = JSON.stringify(setting) !== JSON.stringify(best.setting)
      if (isOther && isAccepted({ ...best, setting }, chances)) return true
    }
    return false
  }

  isAccepted({ ...schedule, steps: schedule.steps.slice(0, first.steps) }, 1)
  let chances = 1
  while (plays < budget) {
    const before = best.steps.length
    cutSteps(chances)
    while (simplify(chances));
    if (best.steps.length < before) continue
    if (chances > 1) break
    chances = 8
  }
  return { schedule: best, violation, plays }
}
