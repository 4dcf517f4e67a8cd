/** Values as people read them. */
import { it } from "@effect/vitest"
import { DateTime, Schema } from "effect"
import { displayWidth } from "effect/cli/CliOutput"
import { describe, expect, test } from "vitest"
import { bytes, cut, duration, json, printable, relative, table } from "../../src/cli/format.ts"

test.each([
  [0, "0s"],
  [0.9, "0s"],
  [-5, "0s"],
  [59, "59s"],
  [60, "1m"],
  [133, "2m 13s"],
  [3600, "1h"],
  [3661, "1h 1m"],
  [11_112, "3h 5m"],
  [86_400 * 12 + 3600 * 4 + 59, "12d 4h"]
])("%d seconds read %s", (seconds, text) => {
  expect(duration(seconds)).toBe(text)
})

it.prop(
  "a duration names its largest unit, and is short of the truth by less than its smallest",
  [Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 86_400 * 400 }))],
  ([seconds]) => {
    const sizes: Record<string, number> = { d: 86_400, h: 3600, m: 60, s: 1 }
    const parts = duration(seconds)
      .split(" ")
      .map((part) => ({ count: Number(part.slice(0, -1)), size: sizes[part.slice(-1)] ?? Number.NaN }))
    const told = parts.reduce((sum, { count, size }) => sum + count * size, 0)
    const first = parts[0]?.size ?? 1
    const resolution = first === 86_400 ? 3600 : first === 3600 ? 60 : 1
    expect(parts.length).toBeLessThanOrEqual(2)
    expect(seconds - told).toBeGreaterThanOrEqual(0)
    expect(seconds - told).toBeLessThan(resolution)
  }
)

test("moments are told from now, in both directions", () => {
  const now = DateTime.makeUnsafe("2026-11-21T01:33:14Z")
  expect(relative(DateTime.makeUnsafe("2026-11-21T01:31:01Z"), now)).toBe("2m 13s ago")
  expect(relative(DateTime.makeUnsafe("2026-11-22T05:33:14Z"), now)).toBe("in 1d 4h")
  expect(relative(null, now)).toBe("-")
})

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1.0 kB"],
  [12_400_000, "12.4 MB"],
  [3_000_000_000_000, "3.0 TB"]
])("%d bytes read %s", (count, text) => {
  expect(bytes(count)).toBe(text)
})

const Cell = Schema.String.check(Schema.isMaxLength(12))

describe("tables", () => {
  it.prop(
    "a column begins at the same place in every line, whatever stands before it",
    [Schema.Array(Schema.Tuple([Cell, Cell]))],
    ([rows]) => {
      const lines = table([["A", "B", "|"], ...rows.map((cells) => [...cells, "|"])]).split("\n")
      expect(lines.length).toBe(rows.length + 1)
      expect(new Set(lines.map((line) => displayWidth(line.slice(0, line.lastIndexOf("|"))))).size).toBe(1)
    }
  )

  it.prop("no text is wider than the terminal that it is cut for", [Schema.String], ([text]) => {
    const line = printable(text)
    expect(displayWidth(cut(line, 10))).toBeLessThanOrEqual(10)
    expect(cut(line, displayWidth(line))).toBe(line)
  })
})

it.prop(
  "JSON for a terminal holds the same value, without what drives one",
  [Schema.Array(Schema.String)],
  ([values]) => {
    const evil = [...values, "\u009b2J", "\u202e", "\u001b[1m"]
    const text = json(evil, 0)
    expect(JSON.parse(text)).toEqual(evil)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: this is what must not be there
    expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/)
  }
)
