/** A short command, run to its end under a guard: what it printed (its last lines) and how it ended, within a deadline. */
import { type Duration, Effect, Option } from "effect"
import * as ChildProcessGroup from "./ChildProcessGroup.ts"

export interface Finished {
  readonly exit: ChildProcessGroup.ProcessExit
  /** The last 40 lines of stdout and stderr together. */
  readonly output: string
}

export interface Options {
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly as?: ChildProcessGroup.RunAs | undefined
  readonly deadline: Duration.Input
}

/** Fails when it cannot be started; succeeds with `None` when the deadline passes, after the command was killed. */
export const runCommand = Effect.fnUntraced(function* (options: Options) {
  const lines: Array<string> = []
  const child = yield* ChildProcessGroup.start({
    ...options,
    cwd: options.cwd ?? "/",
    stop: { signal: "TERM", grace: "500 millis", last: "KILL" },
    onLine: (line) => {
      lines.push(line)
      if (lines.length > 40) lines.shift()
    }
  })
  const exit = yield* Effect.timeoutOption(child.exited, options.deadline)
  return Option.map(exit, (exit): Finished => ({ exit, output: lines.join("\n") }))
}, Effect.scoped)
