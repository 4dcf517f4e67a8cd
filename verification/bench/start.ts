/** How long a start takes until the service is ready, and how much memory it has then; on a new data directory and on an existing one. */
import { readFileSync } from "node:fs"
import * as path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { median } from "./figures.ts"
import type { Finding, Measured } from "./parts.ts"
import { type Run, told } from "./processes.ts"
import { startService } from "./service.ts"

const STARTS = 5
const NEW_DIRECTORIES = 2
/** After this the service has made its first passes. */
const SETTLED_AFTER_MS = 2_000

interface Started {
  readonly seconds: number
  readonly megabytes: number
}

/** What the process has in memory, MB. */
export const residentMegabytes = (pid: number | undefined): number => {
  try {
    return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1_024
  } catch {
    return Number.NaN
  }
}

const startOnce = async (run: Run, name: string, apiUrl: string, dataDirectory: string): Promise<Started> => {
  const begun = performance.now()
  const { process } = await startService(run, name, { apiUrl, dataDirectory })
  const seconds = (performance.now() - begun) / 1_000
  await sleep(SETTLED_AFTER_MS)
  const megabytes = residentMegabytes(process.pid)
  await run.stop(process)
  return { seconds, megabytes }
}

const finding = (
  what: string,
  values: ReadonlyArray<number>,
  unit: string,
  digits: number,
  atMost: number
): Finding => {
  const shown = (value: number) => value.toFixed(digits)
  return {
    aim: 7,
    what,
    greenroom: `${shown(median(values))} ${unit}`,
    beside: `${shown(Math.min(...values))} to ${shown(Math.max(...values))} ${unit}`,
    value: median(values),
    bound: { atMost }
  }
}

export const start = async (run: Run): Promise<Measured> => {
  const media = run.start("media-server-of-starts", "./mediaServer.ts")
  const apiUrl = await told<string>(run, "media-server-of-starts", media)
  const fresh: Array<Started> = []
  for (let count = 0; count < NEW_DIRECTORIES; count++) {
    fresh.push(await startOnce(run, `new-${count}`, apiUrl, path.join(run.folder, `new-${count}`)))
  }
  const again: Array<Started> = []
  for (let count = 0; count < STARTS; count++) {
    again.push(await startOnce(run, `again-${count}`, apiUrl, path.join(run.folder, "new-0")))
  }
  await run.stop(media)
  const seconds = (starts: ReadonlyArray<Started>) => starts.map(({ seconds }) => seconds)
  const megabytes = again.map(({ megabytes }) => megabytes)
  return {
    part: "start",
    title: "Start",
    findings: [
      finding("ready, on an existing data directory", seconds(again), "s", 2, 1),
      finding("ready, on a new data directory", seconds(fresh), "s", 2, 3),
      finding("memory 2 s after a start", megabytes, "MB", 0, 150)
    ],
    lines: [],
    notes: []
  }
}
