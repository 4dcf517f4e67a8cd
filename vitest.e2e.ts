import { defineConfig } from "vitest/config"

/**
 * The scenarios on real input: a real MediaMTX, PostgreSQL and ffmpeg. Those of a file are played one after the other; the files at the
 * same time, because most of what they do is to wait.
 */
export default defineConfig({
  ssr: { resolve: { conditions: ["@greenroom/source", "node", "import", "module", "default"] } },
  test: {
    // What the pipeline's media server shows is a contract; the pipeline's figures are measured apart.
    include: ["e2e/*.test.ts", "e2e/pipeline/mediaServer.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 3,
    reporters: process.env.CI === "true" ? ["default", "json"] : ["default"],
    outputFile: { json: "reports/e2e.json" }
  }
})
