/** What was measured beside what was promised, with how busy the machine was: a table for people, in Markdown. */
import { cpus, loadavg } from "node:os"

interface Times {
  readonly what: string
  readonly of: string
  /** Milliseconds; `null` when nothing is promised. */
  readonly promised: number | null
  readonly millis: Array<number>
  readonly loads: Array<number>
}

/** The least of the sorted values that this share of them does not exceed. */
export const quantile = (sorted: ReadonlyArray<number>, share: number): number =>
  sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN

const text = (millis: number): string =>
  Math.abs(millis) < 10
    ? `${millis.toFixed(1)} ms`
    : Math.abs(millis) < 1_000
      ? `${millis.toFixed(0)} ms`
      : `${(millis / 1_000).toFixed(2)} s`

export const makeFigures = () => {
  const rows = new Map<string, Times>()
  const counts: Array<readonly [string, string, string, string]> = []
  const load = () => loadavg()[0] ?? Number.NaN
  return {
    /** Each more time of the same thing goes into its row. */
    add: (what: string, of: string, promised: number | null, ...millis: ReadonlyArray<number>) => {
      const row = rows.get(`${what}\n${of}`) ?? { what, of, promised, millis: [], loads: [] }
      row.millis.push(...millis)
      row.loads.push(load())
      rows.set(`${what}\n${of}`, row)
    },
    /** A number that is no time. */
    count: (what: string, of: string, promised: string, counted: string) =>
      void counts.push([what, of, promised, counted]),
    table: (): string => {
      const timed = [...rows.values()].map(({ what, of, promised, millis, loads }) => {
        const sorted = millis.toSorted((a, b) => a - b)
        const longest = sorted.at(-1) ?? Number.NaN
        return [
          what,
          of,
          promised === null ? "" : text(promised),
          text(quantile(sorted, 0.5)),
          text(quantile(sorted, 0.95)),
          text(longest),
          String(sorted.length),
          (loads.reduce((sum, each) => sum + each, 0) / loads.length).toFixed(1),
          promised !== null && longest > promised
            ? quantile(sorted, 0.95) > promised
              ? "late"
              : "the longest is late"
            : ""
        ]
      })
      const counted = counts.map((row) => [...row, "", "", "", "", ""])
      const table = [["what", "of", "promised", "median", "p95", "longest", "times", "load", ""], ...timed, ...counted]
      const widths = table[0]!.map((_, column) => Math.max(3, ...table.map((row) => row[column]!.length)))
      const line = (row: ReadonlyArray<string>) => `| ${row.map((cell, c) => cell.padEnd(widths[c]!)).join(" | ")} |`
      const rule = line(widths.map((width) => "-".repeat(width)))
      return [line(table[0]!), rule, ...table.slice(1).map(line)].join("\n")
    },
    /** One, five and fifteen minutes; how many processors share it. */
    machine: (): string => {
      const loads = loadavg().map((each) => each.toFixed(1))
      return `load average at the end ${loads.join(", ")} on ${cpus().length} processors`
    }
  }
}
