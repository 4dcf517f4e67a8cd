/** The application behind an object of `createGreenroom`: the shared composition, over what the options choose. */
import * as Application from "@greenroom/adapters/application"
import { MediaMtx } from "@greenroom/adapters/mediamtx"
import * as Memory from "@greenroom/adapters/memory"
import { Postgres } from "@greenroom/adapters/postgres"
import { AesSecretCipher } from "@greenroom/adapters/webhooks"
import {
  layerMayPublish,
  type PublishAsk,
  type PublishRule,
  pruneAuditLog,
  pruneEvents,
  pruneHistory,
  prunePlaybackTokens,
  withoutKeys
} from "@greenroom/core"
import { DateTime, Effect, Layer, Logger, Redacted, References } from "effect"
import { checkOptions, endpointsOf, type GreenroomOptions, type LogEntry } from "./options.ts"
import { broadcasterShape, keyShape } from "./shapes.ts"

const store = ({ database }: GreenroomOptions) => {
  if (database === "memory") return Memory.layer
  const { url, migrate = "auto", ...rest } = database
  return Postgres.layer({ url: Redacted.make(url) }, { ...rest, migrate })
}

const mediaServer = ({ mediaMtx: { apiUrl, secret, user } }: GreenroomOptions) =>
  MediaMtx.layer({ apiUrl, user: user ?? "greenroom", password: Redacted.make(secret) })

const cipher = ({ encryptionKey }: GreenroomOptions) =>
  encryptionKey === undefined ? AesSecretCipher.layerNone : AesSecretCipher.layer(Redacted.make(encryptionKey))

const policiesOf = ({ playback: { default: streams = "public", unknownPaths = "allow" } = {} }: GreenroomOptions) => ({
  streams,
  unknownPaths: unknownPaths === "deny" ? ("token" as const) : ("public" as const)
})

const ruleOf =
  (mayPublish: NonNullable<GreenroomOptions["mayPublish"]>): PublishRule =>
  ({ broadcaster, key, path, protocol }: PublishAsk) =>
    Effect.flatMap(DateTime.now, (now) =>
      Effect.tryPromise(async (signal) =>
        mayPublish({ broadcaster: broadcasterShape(broadcaster), key: keyShape(key, now), path, protocol, signal })
      )
    )

const levels: Readonly<Record<string, LogEntry["level"]>> = {
  FATAL: "error",
  ERROR: "error",
  WARN: "warn",
  INFO: "info"
}

const toStandardError = ({ level, message, fields }: LogEntry): void => {
  if (level === "warn" || level === "error")
    process.stderr.write(`greenroom: ${level}: ${message} ${JSON.stringify(fields)}\n`)
}

/** A logger of the host that throws or rejects must not end the fiber that logs, such as the reconciler's. Its line is lost. */
const taking =
  (take: (entry: LogEntry) => unknown) =>
  (entryOf: () => LogEntry): void => {
    try {
      Promise.resolve(take(entryOf())).catch(() => {})
    } catch {
      // Where would a line about it go?
    }
  }

/** No line has a stream key in it, also where a key slipped into a message. */
const logging = (logger: (entry: LogEntry) => void) => {
  const take = taking(logger)
  return Layer.mergeAll(
    Logger.layer([
      Logger.map(Logger.formatStructured, ({ level, message, annotations, cause }) => {
        const fields = { ...annotations, ...(cause === undefined ? {} : { cause }) }
        take(() => ({
          level: levels[level] ?? "debug",
          message: withoutKeys(typeof message === "string" ? message : JSON.stringify(message)),
          fields: JSON.parse(withoutKeys(JSON.stringify(fields)))
        }))
      })
    ]),
    Layer.succeed(References.MinimumLogLevel, "Debug"),
    Layer.succeed(References.TracerEnabled, false)
  )
}

/** What is past is deleted by the same rules as the service's. */
const pruning = ({ keep = {} }: GreenroomOptions) => {
  const { historyDays = 400, eventsDays = 30, auditDays = 400 } = keep
  const loops = [
    ...(historyDays === 0 ? [] : [pruneHistory(historyDays)]),
    pruneEvents(eventsDays),
    pruneAuditLog(auditDays),
    prunePlaybackTokens
  ]
  return Layer.effectDiscard(Effect.forEach(loops, (loop) => Effect.forkScoped(loop), { discard: true }))
}

/** Throws `invalid_argument` for options that cannot be. Its log lines go where `logger` says. */
export const application = (options: GreenroomOptions) => {
  checkOptions(options)
  const ports = Layer.mergeAll(store(options), mediaServer(options), cipher(options))
  const { unauthorized, duplicates, reconcile, mayPublish } = options
  const built = Layer.provideMerge(
    pruning(options),
    Application.layer(
      {
        operatorSecret: Redacted.make(options.mediaMtx.secret),
        endpoints: endpointsOf(options.publicUrl),
        unauthorized,
        duplicates,
        reconcile,
        playback: policiesOf(options)
      },
      ports
    )
  )
  return mayPublish === undefined ? built : Layer.provideMerge(layerMayPublish(ruleOf(mayPublish)), built)
}

export const applicationWithLog = (options: GreenroomOptions) =>
  Layer.provideMerge(application(options), logging(options.logger ?? toStandardError))

export type Services = Layer.Success<ReturnType<typeof application>>
