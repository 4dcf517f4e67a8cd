/**
 * `npm run bench`: how fast Greenroom answers, beside what the language and the database cost by themselves. `-- --only auth,start`
 * measures some parts alone. Prints tables for `docs/measurements.md`; fails when a call goes wrong, not when an aim is missed. Everything it starts is on the loopback and gone at its end.
 */
import { loadavg } from "node:os"
import { auth } from "./auth.ts"
import { embedded } from "./embedded.ts"
import { events } from "./events.ts"
import { hundred } from "./hundred.ts"
import { memory } from "./memory.ts"
import { million } from "./million.ts"
import { type Measured, type Part, partsFrom, Usage } from "./parts.ts"
import { idlePart, listsPart } from "./polled.ts"
import { beginRun, type Run } from "./processes.ts"
import { hasFailures, report } from "./report.ts"
import { type Stage, setStage } from "./stage.ts"
import { start } from "./start.ts"
import { telemetry } from "./telemetry.ts"
import { viewers } from "./viewers.ts"
import { writes } from "./writes.ts"

/** The parts that share the ordinary stage. */
const onStage: Partial<Record<Part, (stage: Stage) => Promise<Measured>>> = { auth, hundred, writes, memory }
/** The parts that start what they need themselves, when the ordinary stage is gone. */
const alone: Partial<Record<Part, (run: Run) => Promise<Measured>>> = {
  lists: listsPart,
  idle: idlePart,
  embedded,
  viewers,
  events,
  telemetry,
  start,
  million
}

const measure = async (run: Run, parts: ReadonlyArray<Part>): Promise<ReadonlyArray<Measured>> => {
  const measured: Array<Measured> = []
  const progress = (part: Part) => process.stderr.write(`measuring: ${part}\n`)
  if (parts.some((part) => onStage[part] !== undefined)) {
    const stage = await setStage(run)
    for (const part of parts) {
      const measurePart = onStage[part]
      if (measurePart === undefined) continue
      progress(part)
      measured.push(await measurePart(stage))
    }
    await stage.end()
  }
  for (const part of parts) {
    const measurePart = alone[part]
    if (measurePart === undefined) continue
    progress(part)
    measured.push(await measurePart(run))
  }
  return measured
}

const parts = (() => {
  try {
    return partsFrom(process.argv.slice(2))
  } catch (error) {
    if (!(error instanceof Usage)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exit(2)
  }
})()
const [begun, load] = [performance.now(), loadavg()[0] ?? 0]
const run = await beginRun()
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => void run.end().then(() => process.exit(130)))

try {
  const measured = await measure(run, parts)
  console.log(report({ measured, load, loadAfter: loadavg()[0] ?? 0, seconds: (performance.now() - begun) / 1000 }))
  if (hasFailures(measured)) process.exitCode = 1
} finally {
  await run.end()
}
