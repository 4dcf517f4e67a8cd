/**
 * A child process that never outlives this one, even after a SIGKILL, when this one runs no more code. Its parent, the guard, is a
 * small shell. A child of that shell waits on a pipe from this process. The pipe ends when the scope closes it or when this
 * process ends. The guard's child then sends the command a first signal, and a second one after the grace. The command runs in
 * its own session, so that a terminal's Ctrl-C reaches only this process, which then stops it. Callers react to the exit and
 * interpret the output.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { constants } from "node:os"
import { Data, Deferred, Duration, Effect, type Scope } from "effect"
import { boundedLines } from "./boundedLines.ts"

/** The user and the only group that a child runs as; Node drops the other groups. Absent: our user and groups. */
export interface RunAs {
  readonly uid: number
  readonly gid: number
}

export interface Options {
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly cwd: string
  /** The whole environment, apart from `PATH`, which is ours. */
  readonly env?: Readonly<Record<string, string>>
  readonly as?: RunAs | undefined
  /** A stop sends `signal`, and `last` if the command still runs after `grace`. */
  readonly stop: {
    readonly signal: StopSignal
    readonly grace: Duration.Input
    readonly last: StopSignal
    /** Kills the rest of its process group when the command has ended, for whatever reason. */
    readonly rest?: "KILL"
  }
  /** Called synchronously for each line of stdout and stderr, with at most 8,192 characters. Absent: the output goes to ours. */
  readonly onLine?: (line: string, cut: boolean) => void
}

export type StopSignal = "INT" | "TERM" | "QUIT" | "KILL"

/** The end of a process: a code, or the signal that killed it. */
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

// $1 first signal, $2 grace in tenths of a second, $3 last signal, $4 signal for the rest, then the command; descriptor 3 is the pipe.
// With KILL for the rest, the waiting child stays until the pipe ends: the kernel then cannot give the group's id to other processes.
// KILL as the last signal goes to the whole process group, and so to every process that the command started there.
// INT is repeated: a shell starts background commands with INT ignored, so an INT is lost before the command has its handler.
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
/** How long the end of the output is awaited after the exit, because a grandchild may hold it open. */
const outputAfterExitMillis = 500
/** How long after the grace this process kills the group itself, because the guard may have been stopped or killed. */
const backstopMillis = 2000

const signalNames = new Map(Object.entries(constants.signals).map(([name, number]) => [number as number, name]))

export const describeExit = (exit: ProcessExit): string =>
  exit.signal === null ? `exit code ${exit.code}` : `killed by ${exit.signal}`

/** A shell's exit code for a child that signal n killed is 128 + n. */
const toExit = (code: number | null, signal: string | null): ProcessExit => {
  if (code === null) return { code: 128, signal: signal ?? "unknown" }
  return { code, signal: signalNames.get(code - 128) ?? null }
}

const killGroup = (pid: number): void => {
  try {
    process.kill(-pid, "SIGKILL")
  } catch {
    // The group is already gone.
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

/** Runs until it exits or the scope closes. The scope's end waits for the exit. */
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
