import { defineConfig } from "vitest/config"

export default defineConfig({
  ssr: { resolve: { conditions: ["@greenroom/source", "node", "import", "module", "default"] } },
  test: {
    include: [
      "packages/*/test/**/*.test.ts",
      "scripts/**/*.test.ts",
      "simulation/**/*.test.ts",
      "storm/**/*.test.ts",
      "examples/**/*.test.ts"
    ],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: process.env.CI === "true" ? ["default", "json"] : ["default"],
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
