/** The tables, in Markdown. */
import { availableParallelism, cpus } from "node:os"
import type { Rounds } from "./figures.ts"
import type { Comparison, Line } from "./scenarios.ts"

const ms = (value: number): string => value.toFixed(value < 10 ? 2 : 1)
const cells = ({ count, p50, p95, p99, max, best }: Rounds) => [
  String(count),
  ms(p50),
  ms(p95),
  ms(best),
  ms(p99),
  ms(max)
]

const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [head, head.map((_, index) => (index === 0 ? "---" : "---:")), ...rows]
    .map((row) => `| ${row.join(" | ")} |`)
    .join("\n")

const aimOf = ({ aim, figures }: Line): string =>
  aim === undefined ? "" : `p95 ≤ ${aim}: ${figures.p95 <= aim ? "yes" : "no"}`

export interface Measured {
  readonly beside: Comparison
  readonly one: ReadonlyArray<Line>
  readonly hundred: ReadonlyArray<Line>
  readonly postgres: string
  readonly seconds: number
  /** The machine's load average before the run: what others took from it. */
  readonly load: number
}

export const report = ({ beside, one, hundred, postgres, seconds, load }: Measured): string => {
  const head = ["calls", "p50", "p95", "p95, best round", "p99", "max"]
  const ratio = (value: number) => `${value.toFixed(2)} (aim ≤ 1.2)`
  return [
    "One client at a time, each call on a new connection, ms:",
    "",
    table(
      ["`POST /auth`, allowed", ...head, "processor time"],
      [
        ["Greenroom", ...cells(beside.greenroom), ms(beside.processor.greenroom)],
        ["`node:http` + `pg` by hand, same statement", ...cells(beside.floor), ms(beside.processor.floor)],
        ["ratio", "", ratio(beside.ratio.p50), "", "", ratio(beside.ratio.p99), "", beside.ratio.processor.toFixed(2)]
      ]
    ),
    "",
    table(
      ["Greenroom alone", ...head],
      one.map((line) => [line.what, ...cells(line.figures)])
    ),
    "",
    "100 clients at once, each on a connection it keeps, without a pause, ms:",
    "",
    table(
      ["", ...head, "aim"],
      hundred.map((line) => [line.what, ...cells(line.figures), aimOf(line)])
    ),
    "",
    `No call failed. ${availableParallelism()} cores (${cpus()[0]?.model.trim() || "unknown"}) for clients, service, database and media server together; Node ${process.versions.node}, PostgreSQL ${postgres}, fsync on; load average ${load.toFixed(1)} before the run, which took ${seconds.toFixed(0)} s. Medians of rounds.`
  ].join("\n")
}
