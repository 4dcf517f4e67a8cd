/**
 * The configuration: every variable that Greenroom reads, what it must look like, and what it is when absent. Each may also be
 * given as `NAME_FILE`, the path of a file that holds the value. A wrong value stops the start with one message that names every
 * wrong variable and what was expected of it, never what it was. What follows from several settings together is left to the
 * composition.
 */
import { reaches } from "@greenroom/adapters/postgres"
import { playbackPolicies } from "@greenroom/core"
import { Context, Result, Schema, SchemaIssue } from "effect"
import { contradictions } from "./contradictions.ts"
import { DatabasePool, DatabaseSchema } from "./databaseVariables.ts"
import { base, count, EncryptionKey, Host, Origins, oneOf, Password, Port, Secret, urlOf } from "./kinds.ts"
import { Ports } from "./mediaMtxPorts.ts"
import * as OpenTelemetry from "./OpenTelemetry.ts"
import { WorkerCommand, WorkerUser } from "./workerVariables.ts"

const variables = {
  DATABASE_URL: Schema.optionalKey(
    Schema.RedactedFromValue(urlOf(["postgres", "postgresql"], "postgres://user:password@host:5432/greenroom"))
  ),
  DATABASE_SCHEMA: Schema.optionalKey(DatabaseSchema),
  DATABASE_MIGRATE: Schema.optionalKey(oneOf("auto", "check")),
  DATABASE_POOLER: Schema.optionalKey(oneOf("auto", ...reaches)),
  DATABASE_POOL: Schema.optionalKey(DatabasePool),
  API_SECRET: Schema.optionalKey(Secret),
  API_SECRET_PREVIOUS: Schema.optionalKey(Secret),
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
  HOOK_SECRET_PREVIOUS: Schema.optionalKey(Secret),
  COMPAT_RESCUESTREAM: Schema.optionalKey(oneOf("off", "on")),
  CORS_ORIGINS: Schema.optionalKey(Origins),
  HOOK_PORT: Schema.optionalKey(Port),
  HOOK_HOST: Schema.optionalKey(Host),
  HOOKS_ON_API_PORT: Schema.optionalKey(oneOf("on", "off")),
  UNAUTHORIZED_PUBLISHERS: Schema.optionalKey(oneOf("kick", "report")),
  PLAYBACK_DEFAULT: Schema.optionalKey(oneOf(...playbackPolicies)),
  PLAYBACK_UNKNOWN_PATHS: Schema.optionalKey(oneOf("allow", "deny")),
  ON_DUPLICATE_PUBLISH: Schema.optionalKey(oneOf("refuse", "takeover")),
  WORKERS: Schema.optionalKey(oneOf("off", "on")),
  WORKER_COMMAND: Schema.optionalKey(WorkerCommand),
  WORKER_USER: Schema.optionalKey(WorkerUser),
  MAX_WORKERS: Schema.optionalKey(count(1, 1_000)),
  MEDIAMTX_RTSP_URL: Schema.optionalKey(base(["rtsp", "rtsps"], "rtsp://mediamtx:8554")),
  MEDIAMTX_RTMP_URL: Schema.optionalKey(base(["rtmp", "rtmps"], "rtmp://mediamtx:1935")),
  MASS_KICK_LIMIT: Schema.optionalKey(count(0, 100_000)),
  HISTORY_KEEP: Schema.optionalKey(count(0, 36_500)),
  EVENTS_KEEP: Schema.optionalKey(count(7, 36_500)),
  AUDIT_KEEP: Schema.optionalKey(count(1, 36_500)),
  ENCRYPTION_KEY: Schema.optionalKey(EncryptionKey),
  WEBHOOKS_ALLOW_PRIVATE: Schema.optionalKey(oneOf("true", "false")),
  WEBHOOKS_REQUIRE_TLS: Schema.optionalKey(oneOf("true", "false")),
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

/** The one message of a start that was refused. */
export const sentenceOf = (wrong: ReadonlyArray<Wrong>): string =>
  `The configuration is wrong:\n${wrong.map(({ variable, detail }) => `  ${variable}: ${detail}`).join("\n")}`
