/**
 * What the composition gives to the command line: Effects for `serve` and `migrate`. An error of theirs is printed as one sentence and has
 * its own exit code.
 */
import { Effect, Predicate, Runtime } from "effect"
import * as CliError from "effect/cli/CliError"
import { exitCodes } from "./CommandFailed.ts"

export interface LocalCommands<E1, R1, E2, R2> {
  /** Runs until it is interrupted. */
  readonly serve: Effect.Effect<unknown, E1, R1>
  /** `print`: only shows what is pending. */
  readonly migrate: (options: { readonly print: boolean }) => Effect.Effect<unknown, E2, R2>
}

/** Its sentence is the error's `[CliError.userMessage]`, else its message; its exit code `[Runtime.errorExitCode]`, else 70. */
class NotStarted extends Error {
  override readonly [CliError.userMessage]: string
  override readonly [Runtime.errorExitCode]: number
  override readonly [Runtime.errorReported] = false
  constructor(cause: unknown) {
    const sentence = Predicate.isObject(cause)
      ? (CliError.getUserMessage(cause) ?? (cause instanceof Error ? cause.message : JSON.stringify(cause)))
      : String(cause)
    super(sentence, { cause })
    this[CliError.userMessage] = sentence
    const own = Predicate.hasProperty(cause, Runtime.errorExitCode) ? cause[Runtime.errorExitCode] : undefined
    this[Runtime.errorExitCode] = typeof own === "number" ? own : exitCodes.internal.code
  }
}

export const composed = <E, R>(effect: Effect.Effect<unknown, E, R>): Effect.Effect<void, NotStarted, R> =>
  Effect.asVoid(Effect.mapError(effect, (cause) => new NotStarted(cause)))
