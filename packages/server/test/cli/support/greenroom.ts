/** The command line inside the test's process: arguments and environment in; what it printed and its exit code out. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as NodeStdio from "@effect/platform-node/NodeStdio"
import {
  Cause,
  Clock,
  ConfigProvider,
  Console,
  Duration,
  Effect,
  Exit,
  Fiber,
  Layer,
  Runtime,
  type Stdio
} from "effect"
import { TerminalCapabilities } from "effect/cli/TerminalCapabilities"
import { runWith } from "../../../src/cli/CommandLine.ts"
import type { LocalCommands } from "../../../src/cli/LocalCommands.ts"
import { NOW, SECRET } from "./answers.ts"

export interface Printed {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A pause between two questions is shorter, the deadline of an answer longer. */
const LONGEST_PAUSE = Duration.seconds(5)

/** Dates stand still, so that what is printed does not depend on the day; pauses and deadlines pass, as fast as is wanted. */
const standingClock = (speed: number, deadlineSpeed: number, now: number) =>
  Effect.map(Clock.Clock, (real) =>
    Layer.succeed(
      Clock.Clock,
      Object.assign(Object.create(real) as Clock.Clock, {
        currentTimeMillis: Effect.succeed(now),
        currentTimeMillisUnsafe: () => now,
        sleep: (duration: Duration.Duration) => {
          const by = Duration.isGreaterThan(duration, LONGEST_PAUSE) ? deadlineSpeed : speed
          return real.sleep(Duration.divideUnsafe(duration, by))
        }
      })
    )
  )

interface Circumstances {
  readonly commands?: LocalCommands<unknown, never, unknown, never>
  /** How many times faster than real time pauses pass, and deadlines. */
  readonly speed?: number
  readonly deadlineSpeed?: number
  /** Where dates stand still; `NOW` unless given. A real service has the real time, and refuses expiries before it. */
  readonly now?: number
  /** In place of the test's own standard input. */
  readonly stdio?: Layer.Layer<Stdio.Stdio>
}

/** Starts a command; `stop` is Ctrl-C. */
export const begin = (
  args: ReadonlyArray<string>,
  environment: Readonly<Record<string, string>> = {},
  {
    commands = { serve: Effect.void, migrate: () => Effect.void },
    speed = 1,
    deadlineSpeed = 1,
    now = NOW,
    stdio = NodeStdio.layer
  }: Circumstances = {}
) => {
  const out: Array<string> = []
  const err: Array<string> = []
  const recording: Console.Console = Object.assign(Object.create(console), {
    log: (text: string) => out.push(text),
    error: (text: string) => err.push(text)
  })
  const program = runWith(commands, args).pipe(
    Effect.provideService(Console.Console, recording),
    Effect.provideService(TerminalCapabilities, { canColor: false, canAnimate: false, canPrompt: false }),
    Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: { ...environment } }))),
    Effect.provide(Layer.unwrap(standingClock(speed, deadlineSpeed, now))),
    Effect.provide(stdio),
    Effect.provide(NodeServices.layer)
  )
  const fiber = Effect.runFork(program)
  const lines = (texts: ReadonlyArray<string>) => texts.map((text) => `${text}\n`).join("")
  const printed = (exit: Exit.Exit<void, unknown>): Printed => ({
    code: Exit.isSuccess(exit) ? 0 : Runtime.getErrorExitCode(Cause.squash(exit.cause)),
    stdout: lines(out),
    stderr: lines(err)
  })
  return {
    out,
    err,
    end: Effect.runPromise(Fiber.await(fiber)).then(printed),
    stop: () => Effect.runPromise(Fiber.interrupt(fiber))
  }
}

export const greenroom = (
  args: ReadonlyArray<string>,
  environment?: Readonly<Record<string, string>>,
  circumstances?: Circumstances
): Promise<Printed> => begin(args, environment, circumstances).end

/** A command for the service at this address, with the right secret. */
export const at =
  (url: string) =>
  (args: ReadonlyArray<string>, environment: Readonly<Record<string, string>> = {}) =>
    greenroom(args, { GREENROOM_URL: url, API_SECRET: SECRET, ...environment })
