/**
 * How the process ends: the first SIGTERM or SIGINT begins a graceful end, which is a success; the second ends it at once. What
 * was started stops even then, because it watches for our death.
 */
import { Cause, Exit, Runtime } from "effect"

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
