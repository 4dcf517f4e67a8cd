/**
 * How the process ends: the first SIGTERM or SIGINT begins a graceful end, which is a success; the second ends it at once. What
 * was started stops even then, because it watches for our death. A failure is one sentence on standard error; a defect is
 * everything that is known of it.
 */
import { Cause, Effect, Exit, Runtime, Schema } from "effect"

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

/** An end that a signal asked for is a success. */
export const teardown: Runtime.Teardown = (exit, onExit) =>
  Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause) ? onExit(0) : Runtime.defaultTeardown(exit, onExit)

export class CannotListen extends Schema.TaggedError<CannotListen>()("CannotListen", { detail: Schema.String }) {
  override get message() {
    return `The service cannot listen: ${this.detail}`
  }
}

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

/** What the operating system said, as a sentence about the port. */
export const cannotListen = (cause: unknown) => {
  if (!isSystemError(cause)) return new CannotListen({ detail: cause instanceof Error ? cause.message : String(cause) })
  const where = `${cause.address ?? "the host"}:${cause.port ?? ""}`
  return new CannotListen({ detail: `${where} ${wordsFor[cause.code] ?? cause.code} (HOST, API_PORT, METRICS_PORT)` })
}

const write = (text: string) => Effect.sync(() => process.stderr.write(`${text}\n`))

export const reported = <A, E, R>(program: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.tapCause(program, (cause) => {
    if (Cause.hasInterruptsOnly(cause)) return Effect.void
    const error = Cause.squash(cause)
    const expected = error instanceof Error && "_tag" in error && !Cause.hasDies(cause)
    return write(expected ? `greenroom: ${error.message}` : `greenroom: a defect: ${Cause.pretty(cause)}`)
  })
