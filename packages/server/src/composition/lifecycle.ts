/**
 * How the service ends, or does not begin. The first SIGTERM or SIGINT begins a graceful end (the command line's), the second ends the
 * process at once. Even then the processes that it started end, because they watch for its death.
 */
import { Schema } from "effect"
import { unavailable } from "../config/StartFailed.ts"

const EX_INTERRUPTED = 130

export const endOnSecondSignal = (): void => {
  let signals = 0
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      signals += 1
      if (signals > 1) process.exit(EX_INTERRUPTED)
    })
  }
}

const noListener = (why: string) => unavailable(`The service cannot listen: ${why}`)

const systemError = Schema.Struct({
  code: Schema.String,
  address: Schema.optionalKey(Schema.String),
  port: Schema.optionalKey(Schema.Finite)
})
const isSystemError = Schema.is(systemError)

const wordsFor: Readonly<Record<string, string>> = {
  EADDRINUSE: "is taken by another process",
  EACCES: "may not be used by this user",
  EADDRNOTAVAIL: "is no address of this machine",
  ENOTFOUND: "cannot be resolved"
}

/** The operating system's error, as a sentence about the port. */
export const cannotListen = (cause: unknown) => {
  if (!isSystemError(cause)) return noListener(cause instanceof Error ? cause.message : String(cause))
  const where = `${cause.address ?? "the host"}:${cause.port ?? ""}`
  return noListener(
    `${where} ${wordsFor[cause.code] ?? cause.code} (HOST, API_PORT, HOOK_HOST, HOOK_PORT, METRICS_PORT)`
  )
}
