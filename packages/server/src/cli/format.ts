/** Values as people read them. Pure; `now` comes from the caller. Absent values are `-`. */
import { DateTime } from "effect"
import * as CliOutput from "effect/cli/CliOutput"

export const NOTHING = "-"

const units = [
  ["d", 86_400],
  ["h", 3600],
  ["m", 60],
  ["s", 1]
] as const

/** The two largest units: `2m 13s`, `3h 5m`, `12d 4h`. */
export const duration = (seconds: number): string => {
  const whole = Math.max(0, Math.floor(seconds))
  const first = units.findIndex(([, size]) => whole >= size)
  if (first === -1) return "0s"
  const parts: Array<string> = []
  let rest = whole
  for (const [unit, size] of units.slice(first, first + 2)) {
    const count = Math.floor(rest / size)
    rest -= count * size
    if (count > 0) parts.push(`${count}${unit}`)
  }
  return parts.join(" ")
}

/** `3m 2s ago`, `in 4h 10m`, or `-`. */
export const relative = (moment: DateTime.Utc | null, now: DateTime.Utc): string => {
  if (moment === null) return NOTHING
  const seconds = (DateTime.toEpochMillis(now) - DateTime.toEpochMillis(moment)) / 1000
  return seconds >= 0 ? `${duration(seconds)} ago` : `in ${duration(Math.ceil(-seconds))}`
}

/** `2026-11-21 01:33:14 UTC`. */
export const absolute = (moment: DateTime.Utc): string =>
  `${DateTime.formatIso(moment).slice(0, 19).replace("T", " ")} UTC`

/** `01:33:14Z`. */
export const clockTime = (moment: DateTime.Utc): string => `${DateTime.formatIso(moment).slice(11, 19)}Z`

/** Both: when, and how long ago. */
export const moment = (value: DateTime.Utc | null, now: DateTime.Utc): string =>
  value === null ? NOTHING : `${absolute(value)} (${relative(value, now)})`

/** `12.4 MB`; powers of 1000. */
export const bytes = (count: number): string => {
  const names = ["B", "kB", "MB", "GB", "TB", "PB"]
  const power = Math.min(names.length - 1, count < 1000 ? 0 : Math.floor(Math.log10(count) / 3))
  return power === 0 ? `${count} B` : `${(count / 1000 ** power).toFixed(1)} ${names[power]}`
}

export const orNothing = (text: string | null): string => (text === null || text === "" ? NOTHING : text)

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
const unprintable = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g
const unprintableInJson = /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`

/** Foreign text on a terminal: characters that move the cursor or turn the line around are shown as `\u001b`. */
export const printable = (text: string): string => text.replace(unprintable, escaped)

/** JSON without a terminal's control characters; the values are the same. */
export const json = (value: unknown, indent = 2): string =>
  JSON.stringify(value, null, indent).replace(unprintableInJson, escaped)

const pad = (text: string, width: number): string =>
  text + " ".repeat(Math.max(0, width - CliOutput.displayWidth(text)))

/** Columns aligned by what they take on a terminal; the first row is the heading. */
export const table = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const safe = rows.map((row) => row.map(printable))
  const widths = (safe[0] ?? []).map((_, column) =>
    Math.max(...safe.map((row) => CliOutput.displayWidth(row[column] ?? "")))
  )
  return safe
    .map((row) =>
      row
        .map((cell, column) => pad(cell, widths[column] ?? 0))
        .join("  ")
        .trimEnd()
    )
    .join("\n")
}

/** Names and values, one a line; further lines of a value stand below its first. */
export const fields = (pairs: ReadonlyArray<readonly [name: string, value: string]>): string => {
  const width = Math.max(...pairs.map(([name]) => name.length)) + 2
  return pairs
    .map(([name, value]) => {
      const [first = "", ...more] = value.split("\n").map(printable)
      return [pad(name, width) + first, ...more.map((line) => " ".repeat(width) + line)].join("\n")
    })
    .join("\n")
}

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" })

/** As much of a line as fits into so many columns. */
export const cut = (line: string, columns: number): string => {
  if (CliOutput.displayWidth(line) <= columns) return line
  let text = ""
  let width = 1
  for (const { segment } of graphemes.segment(line)) {
    width += CliOutput.displayWidth(segment)
    if (width > columns) break
    text += segment
  }
  return `${text}…`
}
