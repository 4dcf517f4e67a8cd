/** What was measured beside what was promised, with how busy the machine was: a table for people, in Markdown. */
import { cpus, loadavg } from "node:os"

/** Milliseconds, of each time or of their median; `null` when nothing is promised. */
export type Promised = number | { readonly median: number } | null

interface Times {
  readonly what: string
  readonly of: string
  readonly promised: Promised
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

const promiseOf = (promised: Promised): string => {
  if (promised === null) return ""
  return typeof promised === "number" ? text(promised) : `${text(promised.median)} (median)`
}

const verdictOf = (promised: Promised, sorted: ReadonlyArray<number>): string => {
  if (promised === null) return ""
  if (typeof promised !== "number") return quantile(sorted, 0.5) > promised.median ? "late" : ""
  if (quantile(sorted, 0.95) > promised) return "late"
  return quantile(sorted, 1) > promised ? "the longest is late" : ""
}

export const makeFigures = () => {
  const rows = new Map<string, Times>()
  const counts: Array<readonly [string, string, string, string]> = []
  const load = () => loadavg()[0] ?? Number.NaN
  return {
    /** Each more time of the same thing goes into its row. */
    add: (what: string, of: string, promised: Promised, ...millis: ReadonlyArray<number>) => {
      const row = rows.get(`${what}\n${of}`) ?? { what, of, promised, millis: [], loads: [] }
      row.millis.push(...millis)
      row.loads.push(load())
      rows.set(`${what}\n${of}`, row)
    },
    /** A number that is no time. */
    count: (what: string, of: string, promised: string, counted: string) =>
      void counts.push([what, of, promised, counted]),
    table: (): string => {
      const together = [...Map.groupBy(rows.values(), ({ what }) => what).values()].flat()
      const timed = together.map(({ what, of, promised, millis, loads }) => {
        const sorted = millis.toSorted((a, b) => a - b)
        return [
          what,
          of,
          promiseOf(promised),
          ...[0.5, 0.95, 1].map((share) => text(quantile(sorted, share))),
          String(sorted.length),
          (loads.reduce((sum, each) => sum + each, 0) / loads.length).toFixed(1),
          verdictOf(promised, sorted)
        ]
      })
      const counted = counts.map((row) => [...row, "", "", "", "", ""])
      const head = ["what", "of", "promised", "median", "p95", "longest", "times", "load", ""]
      const all = [head, ...timed, ...counted]
      const table = all.map(([what, ...rest], index) => [what === all[index - 1]?.[0] ? "" : what!, ...rest])
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
