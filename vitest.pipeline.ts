import { defineConfig } from "vitest/config"

/** The live pipeline's figures, with a real MediaMTX and ffmpeg. One after the other: they measure. */
export default defineConfig({
  ssr: { resolve: { conditions: ["@greenroom/source", "node", "import", "module", "default"] } },
  test: {
    include: ["verification/e2e/pipeline/**/*.test.ts"],
    testTimeout: 300_000,
    hookTimeout: 180_000,
    fileParallelism: false,
    reporters: process.env.CI === "true" ? ["default", "json"] : ["default"],
    outputFile: { json: "reports/pipeline.json" }
  }
})
