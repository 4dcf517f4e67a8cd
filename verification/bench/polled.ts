/** What the parts about polling and about idling give to the report. */
import { type IdleFigures, measureIdle } from "./idle.ts"
import { type ListLine, lists } from "./lists.ts"
import type { Finding, Measured } from "./parts.ts"
import type { Run } from "./processes.ts"
import { setStage } from "./stage.ts"

const listFindings = ({ what, figures, perSecond, aim }: ListLine): ReadonlyArray<Finding> => {
  if (aim === undefined) return []
  const shared = { aim: 3, beside: "" }
  const rate: Finding = {
    ...shared,
    what: `\`GET /streams\`, ${what}, 32 clients, calls a second`,
    greenroom: perSecond.toFixed(0),
    value: perSecond,
    bound: { atLeast: aim.perSecond }
  }
  if (aim.p95 === undefined) return [rate]
  return [
    rate,
    {
      ...shared,
      what: `\`GET /streams\`, ${what}, 32 clients, p95`,
      greenroom: `${figures.p95.toFixed(1)} ms`,
      value: figures.p95,
      bound: { atMost: aim.p95 }
    }
  ]
}

export const listsPart = async (run: Run): Promise<Measured> => {
  const stage = await setStage(run, { name: "listed", live: 0, keys: 200 })
  const lines = await lists({
    port: stage.greenroom,
    apiSecret: stage.apiSecret,
    database: stage.database,
    processorTime: stage.processorTime.greenroom
  })
  await stage.end()
  return {
    part: "lists",
    title: "`GET /streams`, 32 clients that keep their connections and do not pause",
    findings: lines.flatMap(listFindings),
    lines,
    notes: []
  }
}

/** Processor time a second at most, ms, by how many streams are live. */
const idleAims = [
  [0, 8],
  [50, 20],
  [1_000, 60],
  [10_000, 300]
] as const

const describeIdle = ({ streams, controlApiCalls, rowsWritten, walBytes }: IdleFigures): string =>
  `${streams.toLocaleString("en")} live: ${controlApiCalls.toFixed(1)} control API calls, ${rowsWritten.toFixed(1)} rows and ${(walBytes / 1_000).toFixed(1)} kB of log written`

export const idlePart = async (run: Run): Promise<Measured> => {
  const findings: Array<Finding> = []
  const written: Array<string> = []
  for (const [streams, atMost] of idleAims) {
    const figures = await measureIdle(run, { streams, counting: false })
    written.push(describeIdle(figures))
    findings.push({
      aim: 4,
      what: `nothing happens, ${streams.toLocaleString("en")} live: processor time a second`,
      greenroom: `${figures.processorMillis.toFixed(1)} ms`,
      beside: "",
      value: figures.processorMillis,
      bound: { atMost }
    })
  }
  return {
    part: "idle",
    title: "Nothing happens",
    findings,
    lines: [],
    notes: [`While nothing happens, a second. ${written.join(". ")}.`]
  }
}
