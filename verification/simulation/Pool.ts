/** Plays seeds on several cores: workers take small ranges of them, one after the other, until the last, or until somebody has had enough. */
import { Worker } from "node:worker_threads"
import { addTally, emptyTally, type Tally } from "./Counts.ts"
import type { Violation } from "./Invariants.ts"

/** The name of a bug, if one is switched on. */
export interface Range {
  readonly from: number
  readonly to: number
  readonly bug: string | null
}

export interface Failure {
  readonly seed: number
  readonly violation: Violation
}

export interface RangeResult {
  readonly tally: Tally
  readonly failures: ReadonlyArray<Failure>
  readonly steps: number
  readonly simulatedMillis: number
}

export interface PoolResult extends RangeResult {
  readonly schedules: number
}

const RANGE = 20

export interface PoolOptions {
  readonly workers: number
  readonly seed: number
  readonly seeds: number
  readonly bug: string | null
  /** After so many failures no more ranges are begun. */
  readonly enough: number
}

/** The failures come in the order of their seeds. */
export const playSeeds = async ({ workers, seed, seeds, bug, enough }: PoolOptions): Promise<PoolResult> => {
  const tally = emptyTally()
  const failures: Array<Failure> = []
  const end = seed + seeds
  let next = seed
  let schedules = 0
  let steps = 0
  let simulatedMillis = 0

  const employ = () =>
    new Promise<void>((resolve, reject) => {
      const worker = new Worker(new URL("./work.ts", import.meta.url))
      const give = () => {
        if (next >= end || failures.length >= enough) return void worker.terminate().then(() => resolve())
        const range: Range = { from: next, to: Math.min(next + RANGE, end), bug }
        next = range.to
        schedules += range.to - range.from
        worker.postMessage(range)
      }
      worker.on("error", reject)
      worker.on("message", (result: RangeResult) => {
        addTally(tally, result.tally)
        failures.push(...result.failures)
        steps += result.steps
        simulatedMillis += result.simulatedMillis
        give()
      })
      give()
    })
  await Promise.all(Array.from({ length: workers }, employ))
  failures.sort((a, b) => a.seed - b.seed)
  return { tally, failures, schedules, steps, simulatedMillis }
}
