/** The times that scenarios take, beside what was promised, as a table for people. */

export interface Measurement {
  readonly what: string
  readonly of: string
  /** Milliseconds; `null` when nothing is promised. */
  readonly promised: number | null
  readonly millis: number
}

const seconds = (millis: number): string => `${(millis / 1000).toFixed(2)} s`

const median = (sorted: ReadonlyArray<number>): number => sorted[Math.floor((sorted.length - 1) / 2)]!

export const makeMeasurements = () => {
  const all: Array<Measurement> = []
  return {
    add: (measurement: Measurement) => void all.push(measurement),
    /** In Markdown: a row for each thing measured, with the median and the longest of its times. */
    table: (): string => {
      const groups = Map.groupBy(all, ({ what, of }) => `${what}\n${of}`)
      const rows = [...groups.values()].map((group) => {
        const { what, of, promised } = group[0]!
        const times = group.map(({ millis }) => millis).sort((a, b) => a - b)
        const longest = times.at(-1)!
        return [
          what,
          of,
          promised === null ? "" : seconds(promised),
          seconds(median(times)),
          seconds(longest),
          String(times.length),
          promised !== null && longest > promised ? "late" : ""
        ]
      })
      const table = [["what", "over", "promised", "median", "longest", "times", ""], ...rows]
      const widths = table[0]!.map((_, column) => Math.max(3, ...table.map((row) => row[column]!.length)))
      const line = (row: ReadonlyArray<string>) => `| ${row.map((cell, c) => cell.padEnd(widths[c]!)).join(" | ")} |`
      const rule = line(widths.map((width) => "-".repeat(width)))
      return [line(table[0]!), rule, ...table.slice(1).map(line)].join("\n")
    }
  }
}

export type Measurements = ReturnType<typeof makeMeasurements>
