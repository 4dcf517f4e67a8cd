/**
 * The worker that runs a command. Its process hangs on ours: it is told to stop (SIGTERM, SIGKILL to its whole group after 5 s) when
 * the work is interrupted and also when we are killed; what it started and left behind is killed as soon as it has ended. Nothing of our
 * environment reaches it but `PATH`, and as another user it cannot read the rest in `/proc` either. Of its output the last lines are
 * kept, with credentials taken out; the very last one says why it ended.
 */
import { tmpdir } from "node:os"
import { MediaWorker, monotonicMillis, type ProcessRef, type WorkerOrder, withoutKeys } from "@greenroom/core"
import { ChildProcessGroup, runCommand } from "@greenroom/launcher"
import { Duration, Effect, Layer, Option, Redacted } from "effect"
import { isAlive, isOfThisHost, markOf } from "./processMark.ts"
import { fillCommand, readsAsOption, type WorkerCommand } from "./WorkerCommand.ts"

export interface CommandWorkerOptions {
  readonly command: WorkerCommand
  /** The user that its process runs as; absent: ours, which can read all that we can. */
  readonly as?: ChildProcessGroup.RunAs | undefined
  /** From asking it to stop until it is killed. Default 5 seconds. */
  readonly stopGrace?: Duration.Input
}

const GRACE: Duration.Input = "5 seconds"
const KEPT_LINES = 20
const REASON_MAX = 300
/** How often a process that was told to stop is looked for. */
const LOOK_AGAIN_MS = 50
const KILLED_WITHIN_MS = 2_000

/** Credentials in URLs, and anything that looks like a key. */
const withoutCredentials = (line: string): string =>
  withoutKeys(line.replace(/(\w+:\/\/)[^\s/@]*@/g, "$1")).replace(/([?&](?:pass|token|key)=)[^&\s]*/g, "$1…")

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this takes out
const control = /[\u0000-\u001f\u007f-\u009f]+/g

const shown = (line: string): string => withoutCredentials(line).replace(control, " ").trim().slice(0, REASON_MAX)

const argvOf = (command: WorkerCommand, order: WorkerOrder): WorkerCommand =>
  fillCommand(command, {
    input: order.input,
    output: Redacted.value(order.output),
    rtmp_output: Redacted.value(order.rtmpOutput),
    stream_id: order.id
  })

const run = Effect.fnUntraced(
  function* (
    { command, as, stopGrace = GRACE }: CommandWorkerOptions,
    order: WorkerOrder,
    started: (mark: ProcessRef) => Effect.Effect<void>
  ) {
    const last: Array<string> = []
    const [program, ...args] = argvOf(command, order)
    const child = yield* ChildProcessGroup.start({
      command: program,
      args,
      cwd: tmpdir(),
      as,
      stop: { signal: "TERM", grace: stopGrace, last: "KILL", rest: "KILL" },
      onLine: (line) => {
        const said = shown(line)
        if (said === "") return
        last.push(said)
        if (last.length > KEPT_LINES) last.shift()
      }
    })
    const mark = yield* markOf(child.pid)
    if (mark !== null) yield* started(mark)
    const exit = ChildProcessGroup.describeExit(yield* child.exited)
    if (last.length > 1) {
      yield* Effect.logDebug("the worker's last words").pipe(Effect.annotateLogs({ pipeline: order.id, lines: last }))
    }
    const line = last.at(-1)
    return line === undefined ? exit : `${exit}: ${line}`
  },
  Effect.scoped,
  Effect.catchTag("SpawnFailed", ({ detail }) => Effect.succeed(`it could not be started: ${shown(detail)}`))
)

/** Whether the group was there to be told; 0 only asks. */
const signal = (group: number, name: "SIGTERM" | "SIGKILL" | 0) =>
  Effect.sync(() => {
    try {
      return process.kill(-group, name)
    } catch {
      return false
    }
  })

/** Whether nothing of the process group is left within so many milliseconds. */
const goneWithin = Effect.fnUntraced(function* (group: number, millis: number) {
  const until = (yield* monotonicMillis) + millis
  while (yield* signal(group, 0)) {
    if ((yield* monotonicMillis) >= until) return false
    yield* Effect.sleep(LOOK_AGAIN_MS)
  }
  return true
})

/** The guard leads the group of all that the worker ever was: it is told to stop, then killed, as the guard itself would. */
const end = Effect.fnUntraced(function* ({ stopGrace = GRACE }: CommandWorkerOptions, mark: ProcessRef) {
  if (!isOfThisHost(mark)) return "elsewhere" as const
  if (!Number.isSafeInteger(mark.pid) || mark.pid <= 1 || !(yield* isAlive(mark))) return "gone" as const
  // Left by an instance of another user, whose processes ours may not end.
  if (!(yield* signal(mark.pid, "SIGTERM"))) return (yield* isAlive(mark)) ? ("elsewhere" as const) : ("gone" as const)
  if (!(yield* goneWithin(mark.pid, Duration.toMillis(Duration.fromInputUnsafe(stopGrace))))) {
    yield* signal(mark.pid, "SIGKILL")
    yield* goneWithin(mark.pid, KILLED_WITHIN_MS)
  }
  return "ended" as const
})

const READS_AS_OPTION =
  "it was not started: its id begins with -, and the command would take it for an option (put {stream_id} behind other text, as in --id={stream_id})"

export const make = (options: CommandWorkerOptions): MediaWorker["Service"] =>
  MediaWorker.of({
    run: (order, started) =>
      readsAsOption(options.command, order.id) ? Effect.succeed(READS_AS_OPTION) : run(options, order, started),
    end: (mark) => end(options, mark)
  })

export const layer = (options: CommandWorkerOptions): Layer.Layer<MediaWorker> =>
  Layer.succeed(MediaWorker, make(options))

/** Prints nothing; exits with 0 when `$0`, a path or a name on the `PATH`, is a program that the shell's user may run. */
const search = `
may_run() { test -f "$1" && test -x "$1"; }
case $0 in */*) may_run "$0"; exit; esac
IFS=:
for folder in $PATH; do may_run "$folder/$0" && exit; done
exit 1`

/** Whether the worker's user can find the program and run it: as a path, or on the `PATH`. */
export const isInstalled = ({ command: [program], as }: CommandWorkerOptions): Effect.Effect<boolean> =>
  runCommand({ command: "/bin/sh", args: ["-c", search, program], as, deadline: "10 seconds" }).pipe(
    Effect.map(Option.exists(({ exit }) => exit.code === 0)),
    Effect.catchTag("SpawnFailed", () => Effect.succeed(false))
  )
