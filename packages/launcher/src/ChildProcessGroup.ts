/**
 * A child process that never outlives this one, not even when this one is killed with SIGKILL and runs no more code. Its parent
 * is a small shell, whose own child waits on a pipe from here: when the pipe ends, because the scope closed it or because we
 * are gone, the command is told to stop, and is ended by a second signal when it has not stopped after the grace.
 * It runs in a session of its own, so that a terminal's Ctrl-C reaches us first and the child last. What to do about an exit,
 * and what the output means, is left to others.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { constants } from "node:os"
import { Data, Deferred, Duration, Effect, type Scope } from "effect"
import { boundedLines } from "./boundedLines.ts"

/** The user that a child runs as, in no group but this one (Node gives up the others first); absent: ours. */
export interface RunAs {
  readonly uid: number
  readonly gid: number
}

export interface Options {
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly cwd: string
  /** All of it: nothing of our own environment is inherited but `PATH`. */
  readonly env?: Readonly<Record<string, string>>
  readonly as?: RunAs | undefined
  /** How it is stopped: `signal`, and `last` when it is still there after `grace`. */
  readonly stop: {
    readonly signal: StopSignal
    readonly grace: Duration.Input
    readonly last: StopSignal
    /** What is left of its process group once it has ended, however it did, is killed. */
    readonly rest?: "KILL"
  }
  /** Each line of stdout and stderr; called synchronously, with at most 8,192 characters of it. Absent: it writes where we do. */
  readonly onLine?: (line: string, cut: boolean) => void
}

export type StopSignal = "INT" | "TERM" | "QUIT" | "KILL"

/** How a process ended: by itself with a code, or by a signal. */
export interface ProcessExit {
  readonly code: number
  readonly signal: string | null
}

export interface ChildProcessGroup {
  /** The guard's pid, which is also its process group. */
  readonly pid: number
  readonly exited: Effect.Effect<ProcessExit>
}

/** The process could not be started at all: no such user, no memory, no more processes. */
export class SpawnFailed extends Data.TaggedError("SpawnFailed")<{ readonly detail: string }> {}

// $1 first signal, $2 grace in tenths of a second, $3 last signal, $4 what becomes of the rest, then the command; descriptor 3 is the pipe.
// With KILL for the rest the waiting child outlives the command until the pipe ends: so long the group is nobody else's.
// KILL as the last signal goes to the whole process group, so that nothing which the command started stays behind.
// INT is repeated: a shell starts what it puts in the background with INT ignored, so one that comes before the command has
// installed its handler is lost.
const guard = `
first=$1 left=$2 last=$3 rest=$4; shift 4
"$@" 3<&- & child=$!
(
  read -r _ <&3
  kill -"$first" $child
  while [ $left -gt 0 ] && kill -0 $child; do
    sleep 0.1; left=$((left - 1))
    [ "$first" = INT ] && kill -INT $child
  done
  [ "$rest" = KILL ] && kill -KILL 0
  [ "$last" = KILL ] && child=0
  kill -"$last" $child
) >/dev/null 2>&1 & watch=$!
exec 3<&-
{ wait $child; } 2>/dev/null; code=$?
[ "$rest" = KILL ] || kill $watch 2>/dev/null
exit $code`

const lineLimit = 8192
/** Output that a grandchild still holds open is not waited for any longer than this after the exit. */
const outputAfterExitMillis = 500
/** Beyond the grace, for a guard that was itself stopped or killed. */
const backstopMillis = 2000

const signalNames = new Map(Object.entries(constants.signals).map(([name, number]) => [number as number, name]))

export const describeExit = (exit: ProcessExit): string =>
  exit.signal === null ? `exit code ${exit.code}` : `killed by ${exit.signal}`

/** A shell reports a child that was killed by signal n as 128 + n. */
const toExit = (code: number | null, signal: string | null): ProcessExit => {
  if (code === null) return { code: 128, signal: signal ?? "unknown" }
  return { code, signal: signalNames.get(code - 128) ?? null }
}

const killGroup = (pid: number): void => {
  try {
    process.kill(-pid, "SIGKILL")
  } catch {
    // the group is gone already
  }
}

const launch = (options: Options, exited: Deferred.Deferred<ProcessExit>) =>
  Effect.callback<ChildProcess, SpawnFailed>((resume) => {
    const { signal, grace, last, rest } = options.stop
    const tenths = Math.ceil(Duration.toMillis(Duration.fromInputUnsafe(grace)) / 100)
    const output = options.onLine === undefined ? "inherit" : "pipe"
    const fail = (error: unknown) => resume(Effect.fail(new SpawnFailed({ detail: String(error) })))
    try {
      const child = spawn(
        "/bin/sh",
        ["-c", guard, "greenroom-guard", signal, String(tenths), last, rest ?? "", options.command, ...options.args],
        {
          cwd: options.cwd,
          env: { PATH: process.env.PATH ?? "/usr/bin:/bin", ...options.env },
          detached: true,
          stdio: ["ignore", output, output, "pipe"],
          ...options.as
        }
      )
      child.once("error", fail)
      child.once("spawn", () => resume(Effect.succeed(child)))
      for (const output of [child.stdout, child.stderr]) {
        if (output === null || options.onLine === undefined) continue
        const lines = boundedLines(lineLimit, options.onLine)
        output.setEncoding("utf8").on("data", lines.push).once("end", lines.end).on("error", lines.end)
      }
      child.stdio[3]!.on("error", () => {})
      child.once("exit", (code, signalName) => {
        if (rest !== undefined) killGroup(child.pid!)
        child.stdio[3]!.destroy()
        const done = () => Deferred.doneUnsafe(exited, Effect.succeed(toExit(code, signalName)))
        const late = setTimeout(done, outputAfterExitMillis)
        child.once("close", () => {
          clearTimeout(late)
          done()
        })
      })
    } catch (error) {
      fail(error)
    }
  })

/** Runs until it exits or the scope closes; closing waits until it has stopped. */
export const start = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<ChildProcessGroup, SpawnFailed, Scope.Scope> {
  const exited = Deferred.makeUnsafe<ProcessExit>()
  const patience = Duration.sum(Duration.fromInputUnsafe(options.stop.grace), Duration.millis(backstopMillis))
  const child = yield* Effect.acquireRelease(launch(options, exited), (child) =>
    Effect.sync(() => child.stdio[3]!.destroy()).pipe(
      Effect.andThen(Effect.timeoutOption(Deferred.await(exited), patience)),
      Effect.andThen(Effect.sync(() => Deferred.isDoneUnsafe(exited) || killGroup(child.pid!))),
      Effect.andThen(Effect.timeoutOption(Deferred.await(exited), Duration.millis(backstopMillis)))
    )
  )
  return { pid: child.pid!, exited: Deferred.await(exited) }
})
