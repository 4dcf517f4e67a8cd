/** What the chaos run did and what it saw, for people. */
import type { Blow } from "./Chaos.ts"
import type { Overstay } from "./Verdict.ts"

const seconds = (millis: number) => `${(millis / 1000).toFixed(2)} s`

export const table = (rows: ReadonlyArray<readonly [string, string]>): string => {
  const widths = [0, 1].map((column) => Math.max(3, ...rows.map((row) => row[column]!.length)))
  const line = (row: ReadonlyArray<string>) => `| ${row.map((cell, n) => cell.padEnd(widths[n]!)).join(" | ")} |`
  const [head, ...rest] = rows
  return [line(head!), line(widths.map((width) => "-".repeat(width))), ...rest.map(line)].join("\n")
}

export const blowsText = (blows: ReadonlyArray<Blow>): ReadonlyArray<readonly [string, string]> => {
  const groups = Map.groupBy(blows, ({ victim, how }) => `${victim} ${how}`)
  return [...groups].sort().map(([what, group]) => {
    const away = group.reduce((sum, { from, to }) => sum + to - from, 0)
    return [what, `${group.length} times, ${seconds(away)} away in all`] as const
  })
}

export const countsText = (counts: ReadonlyMap<string, number>): ReadonlyArray<readonly [string, string]> =>
  [...counts].sort().map(([what, count]) => [`operator: ${what}`, `${count} times`] as const)

export const overstayText = (overstays: ReadonlyArray<Overstay>): ReadonlyArray<readonly [string, string]> => {
  const groups = Map.groupBy(overstays, ({ what }) => what)
  return [...groups].sort().map(([what, group]) => {
    return [
      `on the air ${what}`,
      `${group.length} times, at most ${seconds(group[0]!.millis)} outside the windows`
    ] as const
  })
}
