/**
 * How log lines leave the process: to standard error (standard output is for results), one JSON object a line with the annotations
 * at its top level, or a readable form for a terminal. Whatever a line says, a stream key that slipped into it is cut down to its
 * prefix here, last of all; nobody should rely on it.
 */
import { withoutKeys } from "@greenroom/core"
import { Layer, Logger, References } from "effect"
import type { Variables } from "../config/Settings.ts"

const toStderr = (line: string): void => {
  process.stderr.write(`${withoutKeys(line)}\n`)
}

const json = Logger.map(Logger.formatStructured, ({ level, timestamp, message, cause, annotations }) =>
  toStderr(
    JSON.stringify({
      time: timestamp,
      level: level.toLowerCase(),
      message,
      ...annotations,
      ...(cause === undefined ? {} : { cause })
    })
  )
)

const colours: Readonly<Record<string, string>> = {
  WARN: "\x1b[33m",
  ERROR: "\x1b[31m",
  FATAL: "\x1b[31m",
  DEBUG: "\x1b[2m"
}

const pretty = Logger.map(Logger.formatStructured, ({ level, timestamp, message, cause, annotations }) => {
  const colour = process.stderr.isTTY ? (colours[level] ?? "") : ""
  const words = Object.entries(annotations)
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`)
  const text = [
    timestamp.slice(11, 23),
    level.padEnd(5),
    typeof message === "string" ? message : JSON.stringify(message),
    ...words
  ]
  toStderr(`${colour}${text.join(" ")}${colour === "" ? "" : "\x1b[0m"}${cause === undefined ? "" : `\n${cause}`}`)
})

const levels = {
  trace: "Trace",
  debug: "Debug",
  info: "Info",
  warn: "Warn",
  error: "Error",
  fatal: "Fatal",
  none: "None"
} as const

export const logging = (settings: Pick<Variables, "LOG_LEVEL" | "LOG_FORMAT">): Layer.Layer<never> =>
  Layer.merge(
    Logger.layer([(settings.LOG_FORMAT ?? (process.stderr.isTTY ? "pretty" : "json")) === "json" ? json : pretty]),
    Layer.succeed(References.MinimumLogLevel, levels[settings.LOG_LEVEL ?? "info"])
  )
