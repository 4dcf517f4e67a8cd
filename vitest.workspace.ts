import { defineConfig } from "vitest/config"

const isCi = process.env.CI === "true"
/** They wait for nothing but the processor: what fails, fails again. */
const pure = ["packages/core/test/**/*.test.ts", "simulation/**/*.test.ts", "storm/**/*.test.ts"]

export default defineConfig({
  ssr: { resolve: { conditions: ["@greenroom/source", "node", "import", "module", "default"] } },
  test: {
    projects: [
      { extends: true, test: { name: "pure", include: pure } },
      {
        extends: true,
        test: {
          name: "processes",
          include: ["packages/*/test/**/*.test.ts", "scripts/**/*.test.ts", "examples/**/*.test.ts"],
          exclude: pure,
          // Real processes on a machine that others use: a test that fails is run once more, and fails the run if it fails again.
          retry: isCi ? 1 : 0
        }
      }
    ],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Most of what the tests of processes do is to wait.
    maxWorkers: 3,
    reporters: isCi ? ["default", "json"] : ["default"],
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
