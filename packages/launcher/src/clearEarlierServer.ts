/**
 * Stops a server that an earlier process of ours has left in the data directory. Removes its lock files, which would prevent the next
 * start. The caller must own the directory, so that no other service works in it.
 */
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { type Duration, Effect, Option, Schedule } from "effect"
import { EmbeddedPostgresFailed } from "./EmbeddedPostgresFailed.ts"
import type { PostgresDirectory } from "./PostgresDirectory.ts"
import { runCommand } from "./runCommand.ts"

/** `ps` answers at once, except on a machine under load. */
const PS_WITHIN = "10 seconds"
/** How often the end of the server is checked, because a process that is not our child sends no event. */
const CHECK_EVERY = "50 millis"
/** For a fast shutdown (SIGINT), which writes a checkpoint. */
const FAST_STOP_WITHIN = "20 seconds"
/** For an immediate shutdown (SIGQUIT), which writes nothing. */
const IMMEDIATE_STOP_WITHIN = "10 seconds"

/** Whether the process with this pid is a server in this data directory. The system reuses pids, above all in containers. */
const isServerOf = (pid: number, data: string): Effect.Effect<boolean> => {
  if (process.platform === "linux") {
    return Effect.promise(async () => {
      const [cwd, here] = await Promise.all([fs.stat(`/proc/${pid}/cwd`), fs.stat(data)]).catch(() => [])
      return cwd !== undefined && here !== undefined && cwd.ino === here.ino && cwd.dev === here.dev
    })
  }
  return runCommand({ command: "ps", args: ["-o", "command=", "-p", String(pid)], deadline: PS_WITHIN }).pipe(
    Effect.map(Option.exists(({ output }) => output.includes(data))),
    Effect.catchTag("SpawnFailed", () => Effect.succeed(false))
  )
}

/** `0` only checks that the process exists and may be signalled. */
const signal = (pid: number, name: NodeJS.Signals | 0) =>
  Effect.sync(() => {
    try {
      return process.kill(pid, name)
    } catch {
      return false
    }
  })

const goneWithin = (pid: number, data: string, deadline: Duration.Input) =>
  isServerOf(pid, data).pipe(
    Effect.repeat({ schedule: Schedule.spaced(CHECK_EVERY), while: (there) => there }),
    Effect.timeoutOption(deadline),
    Effect.map(Option.isSome)
  )

/**
 * Stops the server of an earlier process, if its guard was lost: by a fast shutdown, else by an immediate one, after which the next
 * start recovers. The pid and lock files are then stale. PostgreSQL would trust them if another program of its user had their pid.
 */
export const clearEarlierServer = Effect.fn("clearEarlierServer")(function* (place: PostgresDirectory) {
  const fail = (reason: "orphan" | "start", detail: string) =>
    new EmbeddedPostgresFailed({ reason, directory: place.directory, detail })
  const { data } = place
  const pidFile = path.join(data, "postmaster.pid")
  const text = yield* Effect.promise(() => fs.readFile(pidFile, "utf8").catch(() => ""))
  const pid = Number(/^\d+/.exec(text)?.[0] ?? 0)
  if (pid > 1 && (yield* isServerOf(pid, data))) {
    yield* Effect.logWarning(`an earlier PostgreSQL (process ${pid}) still runs in ${data} and is stopped`)
    yield* signal(pid, "SIGINT")
    if (!(yield* goneWithin(pid, data, FAST_STOP_WITHIN))) {
      yield* signal(pid, "SIGQUIT")
      if (!(yield* goneWithin(pid, data, IMMEDIATE_STOP_WITHIN))) {
        return yield* fail("orphan", `an earlier server, process ${pid}, does not stop`)
      }
    }
  }
  const mistaken = pid > 1 && (yield* signal(pid, 0)) ? [pidFile] : []
  const locks = [".s.PGSQL.5432", ".s.PGSQL.5432.lock"].map((name) => path.join(place.socket, name))
  yield* Effect.tryPromise({
    try: () => Promise.all([...mistaken, ...locks].map((file) => fs.rm(file, { force: true }))),
    catch: (error) => fail("start", `files of an earlier server cannot be removed: ${error}`)
  })
})
