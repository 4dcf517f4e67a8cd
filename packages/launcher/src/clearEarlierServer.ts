/**
 * A server that an earlier process of ours has left in the data directory, and its files: in the way of the next one. It presumes
 * that the caller owns the directory, so that no other service is at work in it.
 */
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { type Duration, Effect, Option, Schedule } from "effect"
import { EmbeddedPostgresFailed } from "./EmbeddedPostgresFailed.ts"
import type { PostgresDirectory } from "./PostgresDirectory.ts"
import { runCommand } from "./runCommand.ts"

/** Whether the process with this pid is a server in this data directory: pids repeat, above all in containers. */
const isServerOf = (pid: number, data: string): Effect.Effect<boolean> => {
  if (process.platform === "linux") {
    return Effect.promise(async () => {
      const [cwd, here] = await Promise.all([fs.stat(`/proc/${pid}/cwd`), fs.stat(data)]).catch(() => [])
      return cwd !== undefined && here !== undefined && cwd.ino === here.ino && cwd.dev === here.dev
    })
  }
  return runCommand({ command: "ps", args: ["-o", "command=", "-p", String(pid)], deadline: "10 seconds" }).pipe(
    Effect.map(Option.exists(({ output }) => output.includes(data))),
    Effect.catchTag("SpawnFailed", () => Effect.succeed(false))
  )
}

/** `0` asks whether it is there, and ours to signal. */
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
    Effect.repeat({ schedule: Schedule.spaced("50 millis"), while: (there) => there }),
    Effect.timeoutOption(deadline),
    Effect.map(Option.isSome)
  )

/**
 * A server of an earlier life that lost its guard is stopped: fast first, then without ceremony (its log is replayed). The pid
 * and lock files are then nobody's; PostgreSQL would believe them when their pid now belongs to another program of its user.
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
    if (!(yield* goneWithin(pid, data, "20 seconds"))) {
      yield* signal(pid, "SIGQUIT")
      if (!(yield* goneWithin(pid, data, "10 seconds"))) {
        return yield* fail("orphan", `an earlier server, process ${pid}, does not stop`)
      }
    }
  }
  const mistaken = pid > 1 && (yield* signal(pid, 0)) ? [pidFile] : []
  const locks = [".s.PGSQL.5432", ".s.PGSQL.5432.lock"].map((name) => path.join(place.socket, name))
  yield* Effect.tryPromise({
    try: () => Promise.all([...mistaken, ...locks].map((file) => fs.rm(file, { force: true }))),
    catch: (error) => fail("start", `what an earlier server left cannot be removed: ${error}`)
  })
})
