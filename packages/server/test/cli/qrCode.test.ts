/** QR codes on a terminal: what is drawn are the library's modules, dark on light; where there is no code, a line has the reason. */
import { it } from "@effect/vitest"
import { Schema } from "effect"
import { displayWidth } from "effect/cli/CliOutput"
import { encode } from "uqr"
import { describe, expect, test } from "vitest"
import { draw, type Modules, modulesOf, QUIET_ZONE, qrSection, type Screen } from "../../src/cli/qrCode.ts"
import { linesOfCode, modulesOfDrawing } from "./support/qrDrawing.ts"

/** A square of any size from its first row on: rows are cut or filled up with light. */
const square = (rows: ReadonlyArray<ReadonlyArray<boolean>>): Modules =>
  rows.map((row) => rows.map((_, column) => row[column] ?? false))

const Rows = Schema.Array(Schema.Array(Schema.Boolean))

it.prop("what is drawn reads as the modules that were drawn", [Rows], ([rows]) => {
  const modules = square(rows)
  expect(modulesOfDrawing(draw(modules))).toEqual(modules)
})

test("the drawing of an address is the library's code of it, with all the correction that fits into its size", () => {
  const text = "rtmp://media.example.com:1935/live/studio-1?user=any&pass=KEY"
  const modules = modulesOf(text)!
  expect(modules).toEqual(encode(text, { border: 0, ecc: "M" }).data)
  expect(modules.length).toBe(encode(text, { border: 0, ecc: "L" }).size)
  expect(modulesOfDrawing(draw(modules))).toEqual(modules)
})

test("each line has its own colours, black on white of the 256, and all are as wide as the code with its quiet zone", () => {
  const modules = modulesOf("x".repeat(100))!
  const width = modules.length + 2 * QUIET_ZONE
  const lines = draw(modules)
  expect(lines).toHaveLength(Math.ceil(width / 2))
  for (const line of lines) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what this looks for
    const [, blocks] = /^\u001b\[38;5;16;48;5;231m([ ▀▄█]*)\u001b\[0m$/.exec(line) ?? []
    expect(displayWidth(blocks ?? "")).toBe(width)
  }
})

const wide: Screen = { isTerminal: true, hasColors: true, columns: 120, rows: 50 }

describe("the section", () => {
  const of = (screen: Partial<Screen>, text = "larix://set/v1?conn[][url]=x") =>
    qrSection(text, "Scan it.", { ...wide, ...screen })

  test("shows the code with what it is for, and warns of photographs", () => {
    const section = of({})
    expect(modulesOfDrawing(linesOfCode(section))).toEqual(modulesOf("larix://set/v1?conn[][url]=x"))
    expect(section).toContain("Scan it.\nIt holds the key: a photograph of this screen is enough to publish with it.")
    expect(section).not.toContain("lines")
  })

  const width = modulesOf("larix://set/v1?conn[][url]=x")!.length + 2 * QUIET_ZONE

  test("fits a terminal that is exactly as wide; for a narrower one the needed width is named", () => {
    expect(linesOfCode(of({ columns: width }))).not.toEqual([])
    const narrow = of({ columns: width - 1 })
    expect(linesOfCode(narrow)).toEqual([])
    expect(narrow).toContain(`it takes ${width} columns, and this terminal has ${width - 1}`)
  })

  test("is shown on a terminal that is not tall enough, which can be scrolled, with its height", () => {
    const lines = Math.ceil(width / 2)
    expect(of({ rows: lines })).not.toContain("make its text smaller")
    const low = of({ rows: lines - 1 })
    expect(linesOfCode(low)).toHaveLength(lines)
    expect(low).toContain(`takes ${lines} lines, and this terminal has ${lines - 1}`)
  })

  test.each([
    ["a pipe", { isTerminal: false }, "terminal"],
    ["no colours", { hasColors: false }, "NO_COLOR"]
  ] as const)("is one line for %s", (_, screen, why) => {
    const section = of(screen)
    expect(section).toMatch(/^No QR code: .*\.$/)
    expect(section).toContain(why)
  })

  test("is one line for an address that no code can hold", () => {
    expect(modulesOf("x".repeat(2953))).toHaveLength(177)
    expect(modulesOf("x".repeat(2954))).toBeNull()
    expect(of({ columns: 1000 }, "x".repeat(2954))).toBe("No QR code: the address is too long for one.")
  })
})
