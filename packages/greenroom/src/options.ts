/** The options of `createGreenroom`, and what is wrong with them. */
import { isSchemaName, MOST_CONNECTIONS, poolNames, reaches, SCHEMA_EXPECTED } from "@greenroom/adapters/postgres"
import { endpointsBehind, noEndpoints, type PublicEndpoints } from "@greenroom/core"
import { invalidArgument } from "./GreenroomError.ts"
import type { Broadcaster, StreamKey } from "./shapes.ts"

export interface DatabaseOptions {
  /** `postgres://…` of PostgreSQL 15 or newer. */
  readonly url: string
  /** Where the tables stand: `greenroom` unless given. */
  readonly schema?: string
  /** `auto` (the default) brings the schema up to date at the start; `check` refuses to start when migrations are pending. */
  readonly migrate?: "auto" | "check"
  /** How many connections each client opens at most: 20 for admissions, 3 for the reconciler, 7 for all else. */
  readonly pool?: { readonly admission?: number; readonly reconciler?: number; readonly general?: number }
  /** What stands in front of PostgreSQL: found out (`auto`, the default), or a pooler in the mode `session` or `transaction`. */
  readonly pooler?: "auto" | "none" | "session" | "transaction"
}

export interface MediaMtxOptions {
  /** MediaMTX's control API: `http://127.0.0.1:9997`. */
  readonly apiUrl: string
  /**
   * At least 16 characters. Greenroom shows it to the control API, and MediaMTX shows it here: `authHTTPAddress:
   * http://mediamtx:SECRET@host/auth`.
   */
  readonly secret: string
  /** The user for the control API: `greenroom`. */
  readonly user?: string
}

/** Where viewers and encoders reach the media server: one URL, or one for each protocol. */
export type PublicUrl = string | { readonly [P in keyof PublicEndpoints]?: string }

export interface MayPublishAsk {
  readonly broadcaster: Broadcaster
  readonly key: StreamKey
  readonly path: string
  /** `rtmp`, `rtsp`, `srt`, `webrtc`, …; `null` when the media server did not name it. */
  readonly protocol: string | null
  /** Fires after 300 ms: the publisher is refused then, whatever the answer. */
  readonly signal: AbortSignal
}

/** `refuse`: one sentence, which MediaMTX writes into its log. */
export type MayPublishAnswer = true | { readonly refuse: string }

export interface LogEntry {
  readonly level: "debug" | "info" | "warn" | "error"
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** For how many days what is past is kept in PostgreSQL. */
export interface KeepOptions {
  /** Streams that ended, and keys that were revoked: 400. `0`: for ever. */
  readonly historyDays?: number
  /** The event log, at least 7: 30. */
  readonly eventsDays?: number
  /** The audit log: 400. */
  readonly auditDays?: number
}

/** Who may watch where no key and no broadcaster has a policy. */
export interface PlaybackOptions {
  /** `public`: everybody (the default). `token`: who has a playback token for the stream. */
  readonly default?: "public" | "token"
  /** Paths with no stream and no key, such as cameras of the media server's own: `allow` (the default), or `deny` them to who has no token. */
  readonly unknownPaths?: "allow" | "deny"
}

export interface GreenroomOptions {
  /** `"memory"`: in this process alone, and gone with it; for tests. */
  readonly database: DatabaseOptions | "memory"
  readonly mediaMtx: MediaMtxOptions
  readonly publicUrl?: PublicUrl
  /** Publishers that never asked: `kick` (the default), or `report` them. */
  readonly unauthorized?: "kick" | "report"
  /** A second publisher with a key that is in use: `refuse` it (the default), or let it take over. */
  readonly duplicates?: "refuse" | "takeover"
  readonly playback?: PlaybackOptions
  /**
   * At least 32 characters, the same in every process and for ever: the key that signs playback tokens is stored encrypted with it. Without it tokens are
   * verified, and none is made.
   */
  readonly encryptionKey?: string
  /** `false`: this process serves requests, and another one reconciles. */
  readonly reconcile?: boolean
  /** Your own rule for publishers whose key is good. One that throws, or takes longer than 300 ms, refuses. */
  readonly mayPublish?: (ask: MayPublishAsk) => MayPublishAnswer | Promise<MayPublishAnswer>
  /** What is older is deleted in the background, by any process. */
  readonly keep?: KeepOptions
  /** `fetch` serves the REST API, too. Needs the package `@greenroom/server`. */
  readonly rest?: boolean
  /** The path below which `fetch` serves the REST API: `/greenroom`. */
  readonly basePath?: string
  /** Warnings and errors go to standard error unless you take the lines. */
  readonly logger?: (entry: LogEntry) => void
}

const SECRET_MIN_LENGTH = 16
const ENCRYPTION_KEY_MIN_LENGTH = 32

const isUrl = (text: unknown, ...schemes: ReadonlyArray<string>): boolean =>
  typeof text === "string" && URL.canParse(text) && schemes.includes(new URL(text).protocol)

const outputs = ["hls", "webrtc", "rtmp", "rtsp", "srt"] as const

export const endpointsOf = (publicUrl: PublicUrl | undefined): PublicEndpoints => {
  if (publicUrl === undefined) return noEndpoints
  if (typeof publicUrl === "string") {
    if (!isUrl(publicUrl, "http:", "https:"))
      throw invalidArgument("publicUrl", "expected a URL such as https://media.example.com")
    return endpointsBehind(publicUrl)
  }
  for (const [name, url] of Object.entries(publicUrl)) {
    if (!outputs.some((output) => output === name))
      throw invalidArgument(`publicUrl.${name}`, `expected one of ${outputs.join(", ")}`)
    if (typeof url !== "string" || !URL.canParse(url)) throw invalidArgument(`publicUrl.${name}`, "expected a URL")
  }
  return { ...noEndpoints, ...publicUrl }
}

const checkChoice = (name: string, value: unknown, choices: ReadonlyArray<unknown>): void => {
  if (value !== undefined && !choices.includes(value))
    throw invalidArgument(name, `expected ${choices.map((choice) => JSON.stringify(choice)).join(" or ")}`)
}

const checkFunction = (name: string, value: unknown): void => {
  if (value !== undefined && typeof value !== "function") throw invalidArgument(name, "expected a function")
}

/** A misspelt option would have no effect: `maypublish` would let every publisher in. */
const checkNames = (within: string, options: object, known: ReadonlyArray<string>): void => {
  for (const name of Object.keys(options))
    if (!known.includes(name)) throw invalidArgument(`${within}${name}`, `expected one of ${known.join(", ")}`)
}

/** A record, so that the compiler finds an option that is missing here. */
const named: Readonly<Record<keyof GreenroomOptions, true>> = {
  database: true,
  mediaMtx: true,
  publicUrl: true,
  unauthorized: true,
  duplicates: true,
  playback: true,
  encryptionKey: true,
  reconcile: true,
  mayPublish: true,
  keep: true,
  rest: true,
  basePath: true,
  logger: true
}

const databaseNames: ReadonlyArray<keyof DatabaseOptions> = ["url", "schema", "migrate", "pool", "pooler"]
const mediaMtxNames: ReadonlyArray<keyof MediaMtxOptions> = ["apiUrl", "secret", "user"]

const leastDays: Readonly<Record<keyof KeepOptions, number>> = { historyDays: 0, eventsDays: 7, auditDays: 1 }
const MOST_DAYS = 36_500

const checkKeep = (keep: KeepOptions): void => {
  checkNames("keep.", keep, Object.keys(leastDays))
  for (const [name, least] of Object.entries(leastDays)) {
    const days = keep[name as keyof KeepOptions]
    if (days !== undefined && !(Number.isInteger(days) && days >= least && days <= MOST_DAYS))
      throw invalidArgument(`keep.${name}`, `expected a whole number from ${least} to ${MOST_DAYS}`)
  }
}

const checkPlayback = (playback: PlaybackOptions): void => {
  if (typeof playback !== "object" || playback === null) throw invalidArgument("playback", "expected an object")
  checkNames("playback.", playback, ["default", "unknownPaths"])
  checkChoice("playback.default", playback.default, ["public", "token"])
  checkChoice("playback.unknownPaths", playback.unknownPaths, ["allow", "deny"])
}

const checkEncryptionKey = (key: unknown): void => {
  if (key !== undefined && !(typeof key === "string" && key.length >= ENCRYPTION_KEY_MIN_LENGTH))
    throw invalidArgument("encryptionKey", `expected at least ${ENCRYPTION_KEY_MIN_LENGTH} characters`)
}

const checkDatabase = ({ schema, migrate, pool, pooler }: DatabaseOptions): void => {
  if (schema !== undefined && !isSchemaName(schema)) throw invalidArgument("database.schema", SCHEMA_EXPECTED)
  checkChoice("database.migrate", migrate, ["auto", "check"])
  checkChoice("database.pooler", pooler, ["auto", ...reaches])
  for (const [name, size] of Object.entries(pool ?? {})) {
    if (!poolNames.some((known) => known === name))
      throw invalidArgument(`database.pool.${name}`, `expected one of ${poolNames.join(", ")}`)
    if (!Number.isInteger(size) || size < 1 || size > MOST_CONNECTIONS)
      throw invalidArgument(`database.pool.${name}`, `expected a whole number from 1 to ${MOST_CONNECTIONS}`)
  }
}

/** Throws `invalid_argument`. For callers without types, above all. */
export const checkOptions = (options: GreenroomOptions): void => {
  if (typeof options !== "object" || options === null) throw invalidArgument("options", "expected an object")
  checkNames("", options, Object.keys(named))
  const { database, mediaMtx } = options
  if (database !== "memory" && !isUrl(database?.url, "postgres:", "postgresql:"))
    throw invalidArgument("database", 'expected { url: "postgres://…" } or "memory"')
  if (database !== "memory") {
    checkNames("database.", database, databaseNames)
    checkDatabase(database)
  }
  if (!isUrl(mediaMtx?.apiUrl, "http:", "https:"))
    throw invalidArgument(
      "mediaMtx.apiUrl",
      "expected the URL of MediaMTX's control API, such as http://127.0.0.1:9997"
    )
  checkNames("mediaMtx.", mediaMtx, mediaMtxNames)
  if (mediaMtx.user !== undefined && typeof mediaMtx.user !== "string")
    throw invalidArgument("mediaMtx.user", "expected a text")
  if (typeof mediaMtx.secret !== "string" || mediaMtx.secret.length < SECRET_MIN_LENGTH)
    throw invalidArgument("mediaMtx.secret", `expected at least ${SECRET_MIN_LENGTH} characters`)
  checkChoice("unauthorized", options.unauthorized, ["kick", "report"])
  checkChoice("duplicates", options.duplicates, ["refuse", "takeover"])
  checkChoice("reconcile", options.reconcile, [true, false])
  checkChoice("rest", options.rest, [true, false])
  if (options.keep !== undefined) checkKeep(options.keep)
  if (options.playback !== undefined) checkPlayback(options.playback)
  checkEncryptionKey(options.encryptionKey)
  checkFunction("mayPublish", options.mayPublish)
  checkFunction("logger", options.logger)
  if (options.basePath !== undefined && !/^(\/[\w.~-]+)*$/.test(options.basePath))
    throw invalidArgument("basePath", "expected a path such as /greenroom")
}
