/**
 * How log lines leave the process: to standard error (standard output is for results), one JSON object a line with the annotations
 * at its top level, or a readable form for a terminal. A stream key that slipped into a line is cut down to its prefix here, last
 * of all; no other code relies on that.
 */
import { isatty } from "node:tty"
import { withoutKeys } from "@greenroom/core"
import { Context, Effect, Layer, Logger, Metric, References } from "effect"
import type { Variables } from "../config/Settings.ts"
import { makeCondition } from "../http/listener/Condition.ts"
import { makeLogWriter } from "./LogWriter.ts"

/** What a line is made of, as Effect's structured formatter has it. */
type Entry = typeof Logger.formatStructured extends Logger.Logger<unknown, infer Output> ? Output : never

/**
 * Characters that move a terminal's cursor, colour it, or begin a new line, as JSON writes them. Publishers choose paths, and people
 * names: none of them writes a line of its own into the log, or repaints the operator's screen.
 */
const printable = (text: string): string =>
  text.replaceAll(/\p{Cc}/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`)

export const jsonLine = ({ level, timestamp, message, cause, annotations }: Entry): string =>
  // JSON escapes what is below a space by itself.
  printable(
    JSON.stringify({
      time: timestamp,
      level: level.toLowerCase(),
      message,
      ...annotations,
      ...(cause === undefined ? {} : { cause })
    })
  )

const colours: Readonly<Record<string, string>> = {
  WARN: "\x1b[33m",
  ERROR: "\x1b[31m",
  FATAL: "\x1b[31m",
  DEBUG: "\x1b[2m"
}

/** One word as it is; anything else in quotes, so that nothing in it passes for another annotation. */
const word = (value: unknown): string =>
  printable(typeof value === "string" && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value))

/** A cause has lines of its own, of which all but the first are indented. */
export const prettyLine = ({ level, timestamp, message, cause, annotations }: Entry, coloured: boolean): string => {
  const colour = coloured ? (colours[level] ?? "") : ""
  const words = Object.entries(annotations)
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([name, value]) => `${name}=${word(value)}`)
  const text = printable(typeof message === "string" ? message : JSON.stringify(message))
  const line = [timestamp.slice(11, 23), level.padEnd(5), text, ...words].join(" ")
  const why = cause === undefined ? "" : `\n${cause.split("\n").map(printable).join("\n    ")}`
  return `${colour}${line}${colour === "" ? "" : "\x1b[0m"}${why}`
}

const dropped = Metric.counter("greenroom_log_lines_dropped_total", {
  description: "Log lines that were not written, because standard error took too few or is closed",
  incremental: true
})

const STDERR = 2

const levels = {
  trace: "Trace",
  debug: "Debug",
  info: "Info",
  warn: "Warn",
  error: "Error",
  fatal: "Fatal",
  none: "None"
} as const

const isUrgent = ({ level }: Entry): boolean => level === "ERROR" || level === "FATAL"

/** Ends with the layer's scope: what is written to standard error after it follows the last log line. */
export const logging = (settings: Pick<Variables, "LOG_LEVEL" | "LOG_FORMAT">): Layer.Layer<never> => {
  const isTerminal = isatty(STDERR)
  const isJson = (settings.LOG_FORMAT ?? (isTerminal ? "pretty" : "json")) === "json"
  const format = isJson ? jsonLine : (entry: Entry) => prettyLine(entry, isTerminal)
  const writer = makeLogWriter({
    fd: STDERR,
    onDropped: (lines) => {
      dropped.updateUnsafe(lines, Context.empty())
      condition.observe({ lines })
    }
  })
  const logger = Logger.map(Logger.formatStructured, (entry) =>
    writer.add(`${withoutKeys(format(entry))}\n`, isUrgent(entry))
  )
  const lines = Logger.layer([logger])
  const condition = makeCondition((effect) => void Effect.runFork(Effect.provide(effect, lines)), "log_lines_dropped", {
    begins: "log lines are dropped: standard error takes fewer than there are",
    ends: "no log line has been dropped for a while"
  })
  const written = Layer.effectDiscard(
    Effect.acquireRelease(
      Effect.sync(() => void process.once("exit", writer.flushNow)),
      () =>
        Effect.sync(() => {
          condition.close()
          writer.flushNow()
        })
    )
  )
  return Layer.mergeAll(lines, written, Layer.succeed(References.MinimumLogLevel, levels[settings.LOG_LEVEL ?? "info"]))
}
