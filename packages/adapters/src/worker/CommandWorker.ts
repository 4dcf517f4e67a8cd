/**
 * The media worker that runs a command. Its process ends with ours: an interruption stops it (SIGTERM, then SIGKILL to its whole
 * group after 5 s), and so does our own death. Processes that it leaves behind are killed when it ends. Of our environment it
 * gets only `PATH`; as another user it cannot read the rest in `/proc` either. The last lines of its output are kept, without
 * credentials. The very last line is the reason of its end.
 */
import { tmpdir } from "node:os"
import { MediaWorker, type ProcessRef, type WorkerOrder, withoutKeys } from "@greenroom/core"
import { monotonicMillis } from "@greenroom/core/internal"
import { ChildProcessGroup, runCommand } from "@greenroom/launcher"
import { Duration, Effect, Layer, Option, Redacted } from "effect"
import { fillCommand, readsAsOption, type WorkerCommand } from "./parseWorkerCommand.ts"
import { isAlive, isOfThisHost, markOf } from "./processMark.ts"

export interface CommandWorkerOptions {
  readonly command: WorkerCommand
  /** The user that its process runs as. Absent: our user, so that it can read whatever we can. */
  readonly as?: ChildProcessGroup.RunAs | undefined
  /** From SIGTERM to SIGKILL. Default 5 seconds. */
  readonly stopGrace?: Duration.Input
}

/** From SIGTERM to SIGKILL: enough for an encoder to flush and to close its connections. */
const GRACE: Duration.Input = "5 seconds"
const KEPT_LINES = 20
const REASON_MAX = 300
/** How often the end of a process group is checked after a signal, because a process that is not our child sends no event. */
const CHECK_EVERY_MS = 50
/** How long the end of a group is awaited after SIGKILL, which no process can ignore. */
const KILLED_WITHIN_MS = 2_000
/** The search reads the folders of the `PATH`, which takes seconds only on a slow file system of a network. */
const SEARCH_WITHIN = "10 seconds"

/** Without credentials in URLs, and without text that has the form of a key. */
const withoutCredentials = (line: string): string =>
  withoutKeys(line.replace(/(\w+:\/\/)[^\s/@]*@/g, "$1")).replace(/([?&](?:pass|token|key)=)[^&\s]*/g, "$1…")

// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern is there to remove control characters
const control = /[\u0000-\u001f\u007f-\u009f]+/g

const shown = (line: string): string => withoutCredentials(line).replace(control, " ").trim().slice(0, REASON_MAX)

const argvOf = (command: WorkerCommand, order: WorkerOrder): WorkerCommand =>
  fillCommand(command, {
    input: Redacted.value(order.input),
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
        const text = shown(line)
        if (text === "") return
        last.push(text)
        if (last.length > KEPT_LINES) last.shift()
      }
    })
    const mark = yield* markOf(child.pid)
    if (mark !== null) yield* started(mark)
    const exit = ChildProcessGroup.describeExit(yield* child.exited)
    if (last.length > 1) {
      yield* Effect.logDebug("the worker's last lines of output").pipe(
        Effect.annotateLogs({ pipeline: order.id, lines: last })
      )
    }
    const line = last.at(-1)
    return line === undefined ? exit : `${exit}: ${line}`
  },
  Effect.scoped,
  Effect.catchTag("SpawnFailed", ({ detail }) => Effect.succeed(`it could not be started: ${shown(detail)}`))
)

/** Whether the group exists and may be signalled; 0 only checks that. */
const signal = (group: number, name: "SIGTERM" | "SIGKILL" | 0) =>
  Effect.sync(() => {
    try {
      return process.kill(-group, name)
    } catch {
      return false
    }
  })

/** Whether the process group is gone within this many milliseconds. */
const goneWithin = Effect.fnUntraced(function* (group: number, millis: number) {
  const until = (yield* monotonicMillis) + millis
  while (yield* signal(group, 0)) {
    if ((yield* monotonicMillis) >= until) return false
    yield* Effect.sleep(CHECK_EVERY_MS)
  }
  return true
})

/** Stops the group of the worker's guard, which has all its processes: SIGTERM, then SIGKILL, as the guard itself would. */
const end = Effect.fnUntraced(function* ({ stopGrace = GRACE }: CommandWorkerOptions, mark: ProcessRef) {
  if (!isOfThisHost(mark)) return "elsewhere" as const
  if (!Number.isSafeInteger(mark.pid) || mark.pid <= 1 || !(yield* isAlive(mark))) return "gone" as const
  // An instance of another user left it. Our user may not end its processes.
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

/** Exits with 0 when `$0`, a path or a name on the `PATH`, is a program that the shell's user may run. Prints nothing. */
const search = `
may_run() { test -f "$1" && test -x "$1"; }
case $0 in */*) may_run "$0"; exit; esac
IFS=:
for folder in $PATH; do may_run "$folder/$0" && exit; done
exit 1`

/** Whether the worker's user may run the program, which is a path or a name on the `PATH`. */
export const isInstalled = ({ command: [program], as }: CommandWorkerOptions): Effect.Effect<boolean> =>
  runCommand({ command: "/bin/sh", args: ["-c", search, program], as, deadline: SEARCH_WITHIN }).pipe(
    Effect.map(Option.exists(({ exit }) => exit.code === 0)),
    Effect.catchTag("SpawnFailed", () => Effect.succeed(false))
  )
