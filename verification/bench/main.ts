/**
 * `npm run bench`: how long Greenroom takes to answer, beside what the language and the database cost by themselves. Prints tables
 * for `docs/measurements.md`; fails when a single call goes wrong. Everything it starts is on the loopback and gone at its end.
 */
import { loadavg } from "node:os"
import { beginRun } from "./processes.ts"
import { report } from "./report.ts"
import { besideTheFloor, hundredClients, oneClient } from "./scenarios.ts"
import { setStage } from "./stage.ts"

const begun = performance.now()
const load = loadavg()[0] ?? 0
const run = await beginRun()
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => void run.end().then(() => process.exit(130)))

try {
  const stage = await setStage(run)
  const beside = await besideTheFloor(stage)
  const one = await oneClient(stage)
  const hundred = await hundredClients(stage)
  const postgres = await stage.store.version()
  await stage.store.close()
  console.log(report({ beside, one, hundred, postgres, load, seconds: (performance.now() - begun) / 1000 }))
} finally {
  await run.end()
}
