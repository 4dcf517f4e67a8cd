/** The table of an attack run, as text. */
import type { Figures, Outcome } from "./figures.ts"

const millis = (value: number) => (Number.isFinite(value) ? value.toFixed(value < 10 ? 1 : 0) : "never")
const times = ({ p50, p99, failed }: Figures) =>
  `${millis(p50)} / ${millis(p99)}${failed === 0 ? "" : ` (${failed} failed)`}`

const bytes = (count: number) => (count >= 1e6 ? `${(count / 1e6).toFixed(1)} MB` : `${(count / 1e3).toFixed(0)} kB`)

const longest = (revokes: Outcome["revokes"]) =>
  revokes.length === 0
    ? "-"
    : revokes.includes(null)
      ? "never"
      : `${(Math.max(...revokes.map(Number)) / 1000).toFixed(2)} s`

const columns: ReadonlyArray<readonly [string, (outcome: Outcome) => string]> = [
  ["attack", ({ name }) => name],
  ["sent", (outcome) => bytes(outcome.bytes)],
  ["connections", ({ connections }) => String(connections)],
  ["auth before, ms", ({ before }) => times(before)],
  ["during", ({ during }) => times(during)],
  ["after", ({ after }) => times(after)],
  [
    "MB before, peak, after",
    ({ memory }) => [memory.before, memory.peak, memory.after].map((mb) => mb.toFixed(0)).join(", ")
  ],
  ["revoke", ({ revokes }) => longest(revokes)],
  ["held", ({ broken }) => (broken.length === 0 ? "yes" : "NO")]
]

export const reportOf = (outcomes: ReadonlyArray<Outcome>): string => {
  const rows = [columns.map(([title]) => title), ...outcomes.map((outcome) => columns.map(([, cell]) => cell(outcome)))]
  const widths = columns.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const line = (row: ReadonlyArray<string>) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`
  const [head = [], ...body] = rows.map(line)
  return [head, line(widths.map((width) => "-".repeat(width))), ...body].join("\n")
}
