/** How `streams watch` shows changes: a line a change for pipes and logs, NDJSON for programs, a table for a terminal. */
import { Console, DateTime, Effect, Terminal } from "effect"
import type { Change, Seen, Standing } from "./changes.ts"
import { clockTime, cut, duration, json, orNothing, printable } from "./format.ts"
import { remark } from "./output.ts"
import { streamTable } from "./streamText.ts"
import type { Report } from "./watch.ts"

const words: { readonly [S in Standing]: string } = {
  connecting: "connecting",
  on_air: "on air",
  ending: "ending",
  off_air: "off air"
}

/** `01:33:14Z  off air     live/studio-1  rtmp  Studio One  0192e4a7-…  (disconnected, after 2m 13s)`. */
const changeLine = ({ change, seen: { value } }: Change, now: DateTime.Utc): string => {
  const why =
    change === "off_air"
      ? `  (${orNothing(value.endReason)}, after ${duration(value.durationSeconds)})`
      : value.ending === null
        ? ""
        : `  (${value.ending.reason})`
  const { path, protocol, broadcaster, id } = value
  const what = [path, orNothing(protocol), broadcaster.displayName, id].map(printable).join("  ")
  return `${clockTime(now)}  ${words[change].padEnd(10)}  ${what}${why}`
}

const backAgain = (seconds: number): string => `The service answers again, after ${duration(seconds)}.`

/** Trouble is printed once, however long it lasts. */
const eachChange = (line: (change: Change, now: DateTime.Utc) => string): Report => ({
  looked: (_, changes) =>
    Effect.flatMap(DateTime.now, (now) =>
      Effect.forEach(changes, (change) => Console.log(line(change, now)), { discard: true })
    ),
  away: (why, { first }) => (first ? remark(`${why} Trying on.`) : Effect.void),
  back: (seconds) => remark(backAgain(seconds))
})

export const lines: Report = eachChange(changeLine)

/** `{"at", "change", "stream"}`, with the stream as the API has it. */
export const ndjson: Report = eachChange(({ change, seen }, now) =>
  json({ at: DateTime.formatIso(now), change, stream: seen.wire }, 0)
)

const HIDE_CURSOR = "\x1b[?25l"
const SHOW_CURSOR = "\x1b[?25h"
const CLEAR_DOWN = "\r\x1b[J"
const CLEAR_ALL = "\x1b[H\x1b[2J"
const LAST_CHANGES = 5

const heading = (url: string, streams: ReadonlyArray<Seen>, now: DateTime.Utc): string =>
  `${streams.length === 0 ? "No stream is" : streams.length === 1 ? "1 stream is" : `${streams.length} streams are`} live at ${url}, ${clockTime(now)} (Ctrl-C ends)`

/** Redraws in place, cut to the terminal; what was drawn last stays when it ends. */
export const screen = Effect.fnUntraced(function* (url: string) {
  const terminal = yield* Terminal.Terminal
  const show = (text: string) => Effect.ignore(terminal.display(text))
  yield* Effect.acquireRelease(show(HIDE_CURSOR), () => show(`\r\x1b[K${SHOW_CURSOR}`))

  let drawn = 0
  let width = 0
  let lookedAt = yield* DateTime.now
  let streams: ReadonlyArray<Seen> = []
  let recent: ReadonlyArray<string> = []
  const draw = Effect.fnUntraced(function* (trouble: string | null) {
    const [columns, rows] = [yield* terminal.columns, yield* terminal.rows]
    const below = [...(recent.length === 0 ? [] : ["", ...recent]), ...(trouble === null ? [] : ["", trouble])]
    const room = Math.max(1, rows - below.length - 5)
    const values = streams.map(({ value }) => value)
    const table = values.length === 0 ? [] : streamTable(values, lookedAt).split("\n")
    const hidden = table.length - 1 - room
    const shown = hidden > 0 ? [...table.slice(0, room + 1), `… and ${hidden} more`] : table
    const all = [heading(url, streams, lookedAt), ...(shown.length === 0 ? [] : ["", ...shown]), ...below]
    const text = all.slice(0, rows - 1)
    const up = drawn === 0 ? "" : columns === width ? `\x1b[${drawn}A` : CLEAR_ALL
    drawn = text.length
    width = columns
    yield* show(`${up}${CLEAR_DOWN}${text.map((line) => `${cut(line, columns)}\n`).join("")}`)
  })
  const report: Report = {
    looked: Effect.fnUntraced(function* (now, changes) {
      lookedAt = yield* DateTime.now
      streams = now
      recent = [...recent, ...changes.map((change) => changeLine(change, lookedAt))].slice(-LAST_CHANGES)
      yield* draw(null)
    }),
    away: (why, { seconds }) => draw(`No answer for ${duration(seconds)}, trying on. ${why}`),
    back: () => Effect.void
  }
  return report
})
