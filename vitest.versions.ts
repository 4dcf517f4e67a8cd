import { defineConfig } from "vitest/config"

/** Every MediaMTX in `MEDIAMTX_BINS`, one after the other; of each, two protocols at a time, because most of what they do is to wait. */
export default defineConfig({
  ssr: { resolve: { conditions: ["@greenroom/source", "node", "import", "module", "default"] } },
  test: {
    include: ["verification/e2e/versions/*.test.ts"],
    testTimeout: 600_000,
    hookTimeout: 240_000,
    maxConcurrency: 2,
    reporters: process.env.CI === "true" ? ["default", "json"] : ["default"],
    outputFile: { json: "reports/versions.json" }
  }
})
