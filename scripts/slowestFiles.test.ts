/** The end of a test run: which files took the longest. */
import { describe, expect, it } from "vitest"
import { slowest } from "./slowestFiles.ts"

describe("the slowest files", () => {
  it("are ten at most, the slowest first, with seconds", () => {
    const files = Array.from({ length: 12 }, (_, n) => ({ file: `${n}.test.ts`, millis: 1_000 * ((n * 5) % 12) }))
    const lines = slowest(files)
    expect(lines).toHaveLength(10)
    expect(lines[0]).toMatch(/^ +11\.0 s {2}7\.test\.ts$/)
    expect(lines.map((line) => Number.parseFloat(line))).toEqual([11, 10, 9, 8, 7, 6, 5, 4, 3, 2])
  })

  it("are all of them when they are few", () => {
    expect(slowest([{ file: "a", millis: 1 }])).toHaveLength(1)
    expect(slowest([])).toEqual([])
  })
})
