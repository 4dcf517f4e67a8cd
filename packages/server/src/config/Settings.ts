/**
 * The configuration: every variable that Greenroom reads, what it must look like, and what it is when absent. Each may also be
 * given as `NAME_FILE`, the path of a file that holds the value. A wrong value stops the start with one message that names every
 * wrong variable and what was expected of it, never what it was. What follows from several settings together is left to the
 * composition.
 */
import { Context, Result, Schema, SchemaIssue } from "effect"
import { Ports } from "./mediaMtxPorts.ts"
import * as OpenTelemetry from "./OpenTelemetry.ts"
import { isSendable, SECRET_MIN, sendable } from "./secretText.ts"
import { WorkerCommand, WorkerUser } from "./workerVariables.ts"

const expected = (sentence: string) => ({ message: `expected ${sentence}` })

/** Decimal digits alone: `Number` would take 0x1F90 and 1e3, too. */
const whole = (least: number, most: number, sentence: string) =>
  Schema.String.check(Schema.isPattern(/^\d{1,9}$/, expected(sentence)))
    .pipe(Schema.decodeTo(Schema.FiniteFromString))
    .check(Schema.makeFilter((n: number) => (n >= least && n <= most) || `expected ${sentence}`))

const Port = whole(0, 65535, "a port, 0 to 65535")

const count = (least: number, most: number) => whole(least, most, `a whole number, ${least} to ${most}`)

/** A name, or an address of either family, with its zone. */
const Host = Schema.String.check(
  Schema.isPattern(
    /^([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?\.?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%[\w.-]+)?)$/,
    expected("an IP address or a host name to listen on, such as 127.0.0.1")
  )
)

const urlOf = (schemes: ReadonlyArray<string>, example: string) =>
  Schema.String.check(
    Schema.makeFilter((text) => {
      const fine =
        URL.canParse(text) && schemes.includes(new URL(text).protocol.slice(0, -1)) && new URL(text).host !== ""
      return fine || `expected a URL such as ${example}`
    })
  )

/** A public base: no credentials, query or fragment, because a path is appended to it and everybody sees it. */
const base = (schemes: ReadonlyArray<string>, example: string) =>
  urlOf(schemes, example).check(
    Schema.makeFilter((text) => {
      const url = URL.canParse(text) ? new URL(text) : null
      const bare = url === null || (url.username === "" && url.password === "" && url.search === "" && url.hash === "")
      return bare || `expected a URL without credentials, query and fragment, such as ${example}`
    })
  )

/** Shown to us in HTTP headers. A shorter one can be guessed, whatever the throttle does. */
const Secret = Schema.RedactedFromValue(
  Schema.String.check(
    Schema.makeFilter((text) => isSendable(text) || `expected ${sendable}`),
    Schema.makeFilter((text) => text.length >= SECRET_MIN || `expected at least ${SECRET_MIN} characters`)
  )
)

/** Of a server that is not ours, so its form is not ours to choose. */
const Password = Schema.RedactedFromValue(
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
  Schema.String.check(Schema.isPattern(/^[^\u0000-\u001f\u007f]+$/, expected("a password of one line")))
)

const oneOf = <const L extends ReadonlyArray<string>>(...literals: L) =>
  Schema.Literals(literals).annotate(expected(`one of ${literals.join(", ")}`))

const variables = {
  DATABASE_URL: Schema.optionalKey(
    Schema.RedactedFromValue(urlOf(["postgres", "postgresql"], "postgres://user:password@host:5432/greenroom"))
  ),
  API_SECRET: Schema.optionalKey(Secret),
  API_PORT: Schema.optionalKey(Port),
  HOST: Schema.optionalKey(Host),
  DATA_DIR: Schema.optionalKey(Schema.String),
  MEDIAMTX_BIN: Schema.optionalKey(Schema.String),
  MEDIAMTX_PORTS: Schema.optionalKey(Ports),
  MEDIAMTX_API_URL: Schema.optionalKey(base(["http", "https"], "http://mediamtx:9997")),
  MEDIAMTX_API_USER: Schema.optionalKey(Schema.String),
  MEDIAMTX_API_PASSWORD: Schema.optionalKey(Password),
  MEDIAMTX_PUBLIC_URL: Schema.optionalKey(base(["http", "https"], "https://media.example.com")),
  PUBLIC_HLS_URL: Schema.optionalKey(base(["http", "https"], "https://media.example.com:8888")),
  PUBLIC_WEBRTC_URL: Schema.optionalKey(base(["http", "https"], "https://media.example.com:8889")),
  PUBLIC_RTMP_URL: Schema.optionalKey(base(["rtmp", "rtmps"], "rtmp://media.example.com:1935")),
  PUBLIC_RTSP_URL: Schema.optionalKey(base(["rtsp", "rtsps"], "rtsp://media.example.com:8554")),
  PUBLIC_SRT_URL: Schema.optionalKey(base(["srt"], "srt://media.example.com:8890")),
  HOOK_SECRET: Schema.optionalKey(Secret),
  HOOK_PORT: Schema.optionalKey(Port),
  HOOK_HOST: Schema.optionalKey(Host),
  HOOKS_ON_API_PORT: Schema.optionalKey(oneOf("on", "off")),
  UNAUTHORIZED_PUBLISHERS: Schema.optionalKey(oneOf("kick", "report")),
  ON_DUPLICATE_PUBLISH: Schema.optionalKey(oneOf("refuse", "takeover")),
  WORKERS: Schema.optionalKey(oneOf("off", "on")),
  WORKER_COMMAND: Schema.optionalKey(WorkerCommand),
  WORKER_USER: Schema.optionalKey(WorkerUser),
  MAX_WORKERS: Schema.optionalKey(count(1, 1_000)),
  MEDIAMTX_RTSP_URL: Schema.optionalKey(base(["rtsp", "rtsps"], "rtsp://mediamtx:8554")),
  MEDIAMTX_RTMP_URL: Schema.optionalKey(base(["rtmp", "rtmps"], "rtmp://mediamtx:1935")),
  MASS_KICK_LIMIT: Schema.optionalKey(count(0, 100_000)),
  HISTORY_KEEP: Schema.optionalKey(count(0, 36_500)),
  METRICS_PORT: Schema.optionalKey(Port),
  LOG_LEVEL: Schema.optionalKey(oneOf("trace", "debug", "info", "warn", "error", "fatal", "none")),
  LOG_FORMAT: Schema.optionalKey(oneOf("json", "pretty")),
  ...OpenTelemetry.variables
}

const Variables = Schema.Struct(variables)
export type Variables = typeof Variables.Type & {
  /** Where `API_SECRET` was read from, when it was given as a file: commands to paste read it there, too. */
  readonly API_SECRET_FILE?: string
}

export class Settings extends Context.Service<Settings, Variables>()("greenroom/Settings") {}

export const variableNames = Object.keys(variables) as ReadonlyArray<keyof typeof variables>

/** One line for each wrong variable: its name and what was expected. */
export interface Wrong {
  readonly variable: string
  readonly detail: string
}

const formatter = SchemaIssue.makeFormatterStandardSchemaV1()

/** What is asked of the files that variables name. */
export interface Files {
  /** The text, or a sentence on why it cannot be read. */
  readonly read: (path: string) => Result.Result<string, string>
  readonly isProgram: (path: string) => boolean
}

/** The settings that an environment makes, or all that is wrong with it. Empty values count as absent, as compose files leave them. */
export const readSettings = (
  environment: Readonly<Record<string, string | undefined>>,
  files: Files
): Result.Result<Variables, ReadonlyArray<Wrong>> => {
  const values: Record<string, string> = {}
  const wrong: Array<Wrong> = []
  for (const name of variableNames) {
    const direct = environment[name]
    const file = environment[`${name}_FILE`]
    if (direct !== undefined && direct !== "" && file !== undefined && file !== "") {
      wrong.push({ variable: name, detail: `expected either ${name} or ${name}_FILE, not both` })
    } else if (direct !== undefined && direct !== "") values[name] = direct
    else if (file !== undefined && file !== "") {
      const text = files.read(file)
      if (Result.isFailure(text)) wrong.push({ variable: `${name}_FILE`, detail: text.failure })
      else if (text.success.trim() === "")
        wrong.push({ variable: `${name}_FILE`, detail: "expected a file with a value in it" })
      else values[name] = text.success.replace(/\r?\n$/, "")
    }
  }
  const decoded = Schema.decodeUnknownResult(Variables)(values, { errors: "all" })
  if (Result.isFailure(decoded)) {
    for (const issue of formatter(decoded.failure.issue).issues) {
      const variable = String(issue.path?.[0] ?? "")
      if (wrong.every((known) => known.variable !== variable)) wrong.push({ variable, detail: issue.message })
    }
  } else wrong.push(...contradictions(decoded.success))
  if (values.MEDIAMTX_BIN !== undefined && !files.isProgram(values.MEDIAMTX_BIN)) {
    wrong.push({ variable: "MEDIAMTX_BIN", detail: "expected the path of a program that may be run" })
  }
  if (wrong.length > 0 || Result.isFailure(decoded)) return Result.fail(wrong)
  const file = environment.API_SECRET_FILE
  return Result.succeed(
    file === undefined || file === "" ? decoded.success : { ...decoded.success, API_SECRET_FILE: file }
  )
}

/** 0 lets the system choose, so it is never taken. */
const isSamePort = (one: number | undefined, other: number | undefined) => one === other && one !== 0

/** Each listener has a port of its own. */
const takenPorts = ({ API_PORT = 8080, HOOK_PORT, METRICS_PORT }: Variables): ReadonlyArray<Wrong> => [
  ...(HOOK_PORT !== undefined && isSamePort(HOOK_PORT, API_PORT)
    ? [{ variable: "HOOK_PORT", detail: "expected another port than API_PORT's" }]
    : []),
  ...(HOOK_PORT !== undefined && isSamePort(HOOK_PORT, METRICS_PORT)
    ? [{ variable: "HOOK_PORT", detail: "expected another port than METRICS_PORT's" }]
    : [])
]

const contradictions = (settings: Variables): ReadonlyArray<Wrong> => [
  ...takenPorts(settings),
  ...(settings.MEDIAMTX_API_URL !== undefined &&
  settings.HOOK_PORT === undefined &&
  settings.HOOKS_ON_API_PORT === "off"
    ? [
        {
          variable: "HOOKS_ON_API_PORT",
          detail: "expected `off` only with HOOK_PORT: the media server has to ask somewhere"
        }
      ]
    : []),
  ...(settings.DATABASE_URL !== undefined && settings.API_SECRET === undefined
    ? [{ variable: "API_SECRET", detail: "expected a secret, because DATABASE_URL is set" }]
    : []),
  ...(settings.MEDIAMTX_API_URL === undefined && settings.MEDIAMTX_API_PASSWORD !== undefined
    ? [
        {
          variable: "MEDIAMTX_API_PASSWORD",
          detail: "expected only with MEDIAMTX_API_URL: the media server that is started here takes the API secret"
        }
      ]
    : []),
  ...(settings.MEDIAMTX_API_URL !== undefined && (settings.MEDIAMTX_BIN ?? settings.MEDIAMTX_PORTS) !== undefined
    ? [
        {
          variable: "MEDIAMTX_API_URL",
          detail:
            "expected either a media server that runs (MEDIAMTX_API_URL) or one to start (MEDIAMTX_BIN, MEDIAMTX_PORTS)"
        }
      ]
    : [])
]

/** The one message of a start that was refused. */
export const sentenceOf = (wrong: ReadonlyArray<Wrong>): string =>
  `The configuration is wrong:\n${wrong.map(({ variable, detail }) => `  ${variable}: ${detail}`).join("\n")}`

/** What is allowed and should be thought about. */
export const warningsOf = (settings: Variables): ReadonlyArray<string> => [
  ...(settings.HOOK_SECRET === undefined && settings.MEDIAMTX_API_URL !== undefined
    ? ["HOOK_SECRET is not set: any client that reaches this port can ask /auth and send hooks"]
    : [])
]
