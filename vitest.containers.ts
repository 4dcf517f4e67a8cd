import { defineConfig } from "vitest/config"

/** What needs a container engine; `npm run containers` builds the image first. One file at a time: each has containers of its own. */
export default defineConfig({
  ssr: { resolve: { conditions: ["@greenroom/source", "node", "import", "module", "default"] } },
  test: {
    include: ["verification/containers/*.test.ts"],
    exclude: ["verification/containers/decideDatabase.test.ts"],
    testTimeout: 240_000,
    hookTimeout: 240_000,
    fileParallelism: false,
    reporters: process.env.CI === "true" ? ["default", "json"] : ["default"],
    outputFile: { json: "reports/containers.json" }
  }
})
