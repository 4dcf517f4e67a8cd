import { defineConfig } from "vitest/config"
import { BaseSequencer, type TestSpecification } from "vitest/node"
import SlowestFiles from "./scripts/slowestFiles.ts"

const isCi = process.env.CI === "true"
/** They wait for nothing but the processor. */
const pure = [
  "packages/core/test/**/*.test.ts",
  "verification/simulation/**/*.test.ts",
  "verification/chaos/**/*.test.ts",
  "verification/containers/decideDatabase.test.ts"
]

/** What begins last must not be what takes longest: these mostly wait, for processes of their own. */
const slow = [/\/verification\/scenarios\//, /\/scripts\/local\./, /\/hook\/mtxHook\./, /\/server\/test\/composition\//]
const rank = ({ moduleId }: TestSpecification): number => {
  const at = slow.findIndex((pattern) => pattern.test(moduleId))
  return at === -1 ? slow.length : at
}

class SlowFirst extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    return (await super.sort(files)).sort((one, other) => rank(one) - rank(other))
  }
}

export default defineConfig({
  ssr: { resolve: { conditions: ["@greenroom/source", "node", "import", "module", "default"] } },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: "processes",
          include: [
            "packages/*/test/**/*.test.ts",
            "scripts/**/*.test.ts",
            "examples/**/*.test.ts",
            "verification/scenarios/**/*.test.ts"
          ],
          exclude: pure,
          globalSetup: ["verification/containers/chooseDatabase.ts"]
        }
      },
      { extends: true, test: { name: "pure", include: pure } }
    ],
    // Files share a process, and with it what they import; none leaves anything behind that another could meet.
    isolate: false,
    // A busy machine takes its time. What is waited for is an event; these only end a wait for one that does not come.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 60_000, interval: 20 } },
    // Most of what the tests of processes do is to wait.
    maxWorkers: 4,
    sequence: { sequencer: SlowFirst },
    reporters: [...(isCi ? ["default", "json"] : ["default"]), new SlowestFiles()],
    outputFile: { json: "reports/tests.json" },
    coverage: {
      provider: "v8",
      include: ["packages/*/src/**/*.ts"],
      reporter: ["text-summary", "json-summary"],
      reportsDirectory: "reports/coverage",
      thresholds: { lines: 80, "packages/core/src/**": { lines: 90 } }
    }
  }
})
