/** Runs a short command to its end under a guard, within a deadline. Returns its last lines of output and its exit. */
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

/** From SIGTERM to SIGKILL at the deadline: short, because the command has had its time. */
const GRACE = "500 millis"

/** Fails when the command cannot be started. Succeeds with `None` after the deadline, when the command has been killed. */
export const runCommand = Effect.fnUntraced(function* (options: Options) {
  const lines: Array<string> = []
  const child = yield* ChildProcessGroup.start({
    ...options,
    cwd: options.cwd ?? "/",
    stop: { signal: "TERM", grace: GRACE, last: "KILL" },
    onLine: (line) => {
      lines.push(line)
      if (lines.length > 40) lines.shift()
    }
  })
  const exit = yield* Effect.timeoutOption(child.exited, options.deadline)
  return Option.map(exit, (exit): Finished => ({ exit, output: lines.join("\n") }))
}, Effect.scoped)
