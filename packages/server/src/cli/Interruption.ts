/**
 * What Ctrl-C and SIGTERM mean. Most commands fail then (130, as shells count). `serve` and `streams watch` never end by themselves, so for
 * them it is the normal end: they exit with 0 and `npm run` prints no error.
 */
import { Cause, Context, Effect, Exit, Runtime } from "effect"

export class Interruption extends Context.Reference<{ exitCode: number }>("greenroom/cli/Interruption", {
  defaultValue: () => ({ exitCode: 130 })
}) {}

/** From here on a signal is the normal end of the command. */
export const endless = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(Interruption, (interruption) =>
    Effect.suspend(() => {
      interruption.exitCode = 0
      return effect
    })
  )

export const teardown =
  (interruption: { readonly exitCode: number }): Runtime.Teardown =>
  (exit, onExit) =>
    Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)
      ? onExit(interruption.exitCode)
      : Runtime.defaultTeardown(exit, onExit)
