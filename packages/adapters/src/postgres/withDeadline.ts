/** The deadline of one use of the database. */
import { Cause, Effect, Exit } from "effect"

/**
 * The effect's outcome, or `otherwise` when it takes longer. The deadline, or an interruption of the fiber, interrupts the effect
 * without waiting for its end: the driver takes seconds to free the connection of a cancelled statement. A pool that closes
 * interrupts the effects that still wait for a connection, which counts as a failure. One fiber and one timer, because every
 * statement pays for them.
 */
export const withDeadline = <A, E>(
  self: Effect.Effect<A, E>,
  millis: number,
  otherwise: Effect.Effect<never, E>
): Effect.Effect<A, E> =>
  Effect.flatMap(Effect.context<never>(), (context) =>
    Effect.callback<A, E>((resume) => {
      const fiber = Effect.runForkWith(context)(self)
      const late = setTimeout(() => {
        resume(otherwise)
        fiber.interruptUnsafe()
      }, millis)
      fiber.addObserver((exit) => {
        clearTimeout(late)
        resume(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause) ? otherwise : exit)
      })
      return Effect.sync(() => {
        clearTimeout(late)
        fiber.interruptUnsafe()
      })
    })
  )
