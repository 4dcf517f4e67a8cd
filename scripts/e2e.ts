/**
 * The end-to-end tests. `--versions` plays every protocol of each MediaMTX in `MEDIAMTX_BINS` instead and prints the table of what is
 * supported. Everything else is vitest's.
 */
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"

const checkout = fileURLToPath(new URL("..", import.meta.url))
const args = process.argv.slice(2)
const config = args.includes("--versions") ? "vitest.versions.ts" : "vitest.e2e.ts"
const rest = args.filter((arg) => arg !== "--versions")
const vitest = fileURLToPath(import.meta.resolve("vitest/package.json")).replace(/package\.json$/, "vitest.mjs")
const run = spawnSync(process.execPath, [vitest, "run", "--config", config, ...rest], {
  cwd: checkout,
  stdio: "inherit"
})
process.exit(run.status ?? 1)
