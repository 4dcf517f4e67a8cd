/**
 * What Ctrl-C and SIGTERM mean. To most commands they are a failure (130, as shells count); to one that would never end by itself
 * (`serve`, `streams watch`) they are the way to end it well, so it exits with 0 and `npm run` does not complain.
 */
import { Cause, Context, Effect, Exit, Runtime } from "effect"

export class Interruption extends Context.Reference<{ exitCode: number }>("greenroom/cli/Interruption", {
  defaultValue: () => ({ exitCode: 130 })
}) {}

/** From here on a signal ends the command well. */
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
