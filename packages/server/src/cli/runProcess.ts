/**
 * The process of a command: signals and the exit code. `serve` alone does not load the command line, which is a sixth of the modules
 * of a start. Only when it fails is the command line loaded, which prints the failure.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Cause, Effect } from "effect"
import type * as Command from "effect/cli/Command"
import { endless, Interruption, teardown } from "./Interruption.ts"
import type { LocalCommands } from "./LocalCommands.ts"

/** Runs `effect` as this process. */
const run = <E>(effect: Effect.Effect<unknown, E, Command.Environment>): void => {
  const interruption = { exitCode: 130 }
  effect.pipe(
    Effect.provideService(Interruption, interruption),
    Effect.provide(NodeServices.layer),
    NodeRuntime.runMain({ teardown: teardown(interruption) })
  )
}

const commandLine = Effect.promise(() => import("./CommandLine.ts"))

export const runProcess = <E1, E2>(
  commands: LocalCommands<E1, Command.Environment, E2, Command.Environment>,
  args: ReadonlyArray<string> = process.argv.slice(2)
): void => {
  const parsed = (commands: LocalCommands<E1, Command.Environment, E2, Command.Environment>) =>
    Effect.flatMap(commandLine, ({ runWith }) => runWith(commands, args))
  const serve = endless(commands.serve).pipe(
    Effect.catchCause((cause) =>
      Cause.hasInterruptsOnly(cause) ? Effect.interrupt : parsed({ ...commands, serve: Effect.failCause(cause) })
    )
  )
  if (args.length === 1 && args[0] === "serve") run(serve)
  else run(parsed(commands))
}
