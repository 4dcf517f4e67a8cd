/** `streams watch` on a terminal: it redraws in place, within what the terminal can show, and leaves it as it was. */
import { stripVTControlCharacters } from "node:util"
import { Effect, Exit, Schema, Scope, Terminal } from "effect"
import { displayWidth } from "effect/cli/CliOutput"
import { expect, test } from "vitest"
import type { Seen } from "../../src/cli/changes.ts"
import { screen } from "../../src/cli/watchReports.ts"
import { StreamDetails } from "../../src/http/api/streamSchemas.ts"
import { detailsOf, streamWith } from "./support/answers.ts"

const seen = (path: string): Seen => ({
  value: Schema.decodeUnknownSync(StreamDetails)(detailsOf(streamWith({ path }))),
  wire: null
})
const many = (count: number) => Array.from({ length: count }, (_, i) => seen(`live/${i}`))

/** A terminal of this size, what was written to it, and a report on it. */
const onTerminal = async (columns: number, rows: number) => {
  const size = { columns, rows }
  const written: Array<string> = []
  const terminal = Terminal.make({
    columns: Effect.sync(() => size.columns),
    rows: Effect.sync(() => size.rows),
    size: Effect.die("not asked for"),
    readInput: Effect.die("not asked for"),
    readLine: Effect.die("not asked for"),
    display: (text) => Effect.sync(() => written.push(text))
  })
  const scope = Scope.makeUnsafe()
  const report = await Effect.runPromise(
    screen("http://127.0.0.1:8080").pipe(
      Effect.provideService(Terminal.Terminal, terminal),
      Effect.provideService(Scope.Scope, scope)
    )
  )
  return { size, written, report, end: () => Effect.runPromise(Scope.close(scope, Exit.void)) }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: an escape sequence is what this looks for
const UP = /^\u001b\[(\d+)A/
const linesOf = (frame: string) => stripVTControlCharacters(frame).replaceAll("\r", "").split("\n").slice(0, -1)

test.each([
  [200, 50, 3],
  [80, 24, 100],
  [40, 12, 100],
  [20, 4, 100],
  [80, 24, 0]
])("on %d columns and %d rows, %d streams fit", async (columns, rows, count) => {
  const { written, report, end } = await onTerminal(columns, rows)
  const streams = many(count)
  const changes = streams.map((one) => ({ change: "on_air", seen: one }) as const)
  await Effect.runPromise(report.looked(streams, changes))
  await Effect.runPromise(report.looked(streams, []))
  await Effect.runPromise(report.away("Cannot reach it.", { first: true, seconds: 0 }))
  await end()
  const frames = written.slice(1, -1)
  expect(frames.length).toBe(3)
  frames.forEach((frame, index) => {
    const lines = linesOf(frame)
    expect(lines.length).toBeLessThan(rows)
    for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(columns)
    const before = frames[index - 1]
    expect(Number(UP.exec(frame)?.[1] ?? 0)).toBe(before === undefined ? 0 : linesOf(before).length)
  })
})

test("what does not fit is counted", async () => {
  const { written, report } = await onTerminal(200, 24)
  await Effect.runPromise(report.looked(many(100), []))
  const lines = linesOf(written.at(-1) ?? "")
  const shown = lines.filter((line) => line.startsWith("live/")).length
  expect(shown).toBeGreaterThan(10)
  expect(lines.at(-1)).toBe(`… and ${100 - shown} more`)
})

test("a terminal of another width is cleared: lines have been wrapped anew", async () => {
  const { size, written, report } = await onTerminal(80, 24)
  await Effect.runPromise(report.looked(many(3), []))
  size.columns = 40
  await Effect.runPromise(report.looked(many(3), []))
  expect(written.at(-1)).toContain("\u001b[2J")
})

test("trouble is shown as long as it lasts, with its age", async () => {
  const { written, report } = await onTerminal(200, 24)
  await Effect.runPromise(report.looked(many(1), []))
  await Effect.runPromise(report.away("Cannot reach it.", { first: false, seconds: 65 }))
  expect(linesOf(written.at(-1) ?? "").at(-1)).toBe("No answer for 1m 5s, trying on. Cannot reach it.")
  await Effect.runPromise(report.looked(many(1), []))
  expect(written.at(-1)).not.toContain("No answer")
})

test("the cursor is hidden meanwhile, and shown again", async () => {
  const { written, end } = await onTerminal(80, 24)
  await end()
  expect(written[0]).toBe("\u001b[?25l")
  expect(written.at(-1)).toContain("\u001b[?25h")
})
