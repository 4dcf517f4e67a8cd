import { defineConfig } from "vitest/config"
import SlowestFiles from "./scripts/slowestFiles.ts"

/**
 * The scenarios on real input: a real MediaMTX, PostgreSQL and ffmpeg. Those of a file are played one after the other; the files at the
 * same time, because most of what they do is to wait.
 */
export default defineConfig({
  ssr: { resolve: { conditions: ["@greenroom/source", "node", "import", "module", "default"] } },
  test: {
    // What the pipeline's media server shows is a contract; the pipeline's figures are measured apart.
    include: ["verification/e2e/*.test.ts", "verification/e2e/pipeline/mediaServer.test.ts"],
    testTimeout: 240_000,
    hookTimeout: 240_000,
    maxWorkers: 3,
    reporters: [...(process.env.CI === "true" ? ["default", "json"] : ["default"]), new SlowestFiles()],
    outputFile: { json: "reports/e2e.json" }
  }
})
