/** A reporter of vitest: the ten files that took the longest, with their time, at the end of the run. */
import { relative } from "node:path"
import type { Reporter, TestModule } from "vitest/node"

const SHOWN = 10

export interface Timed {
  readonly file: string
  readonly millis: number
}

/** One line a file, the slowest first. */
export const slowest = (files: ReadonlyArray<Timed>): ReadonlyArray<string> =>
  files
    .toSorted((one, other) => other.millis - one.millis)
    .slice(0, SHOWN)
    .map(({ file, millis }) => `${(millis / 1000).toFixed(1).padStart(7)} s  ${file}`)

/** Its tests and hooks, and what its imports took. */
const timed = (module: TestModule): Timed => {
  const { duration, collectDuration, setupDuration, prepareDuration } = module.diagnostic()
  return {
    file: relative(process.cwd(), module.moduleId),
    millis: duration + collectDuration + setupDuration + prepareDuration
  }
}

export default class SlowestFiles implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>): void {
    if (modules.length > SHOWN) console.log(["\nThe slowest files:", ...slowest(modules.map(timed))].join("\n"))
  }
}
