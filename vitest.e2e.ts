import { defineConfig } from "vitest/config"

/** The scenarios on real input: a real MediaMTX, PostgreSQL and ffmpeg. One after the other: they measure. */
export default defineConfig({
  ssr: { resolve: { conditions: ["@greenroom/source", "node", "import", "module", "default"] } },
  test: {
    include: ["e2e/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    fileParallelism: false,
    // Real processes on a machine that others use: a scenario that fails is played once more, and fails the run if it fails again.
    retry: process.env.CI === "true" ? 1 : 0,
    reporters: process.env.CI === "true" ? ["default", "json"] : ["default"],
    outputFile: { json: "reports/e2e.json" }
  }
})
