/**
 * What must be true of the data directory before a server is started in it: it holds a whole cluster, and nothing of an earlier
 * server is in the way. All of it presumes that the caller owns the directory, so that no other service is at work in it.
 */
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { type Duration, Effect, Option, Schedule } from "effect"
import { EmbeddedPostgresFailed } from "./EmbeddedPostgresFailed.ts"
import type { PostgresDirectory } from "./PostgresDirectory.ts"
import { runCommand } from "./runCommand.ts"

export const superuser = "postgres"
export const environment = { LC_ALL: "C", TZ: "UTC" } as const

const making = "data.new-"

const syncDirectory = async (directory: string) => {
  const handle = await fs.open(directory, "r")
  await handle.sync().finally(() => handle.close())
}

/** An empty directory gets a cluster: made beside its place and then renamed, so that a killed initdb leaves nothing half made. */
export const initialise = Effect.fn("PostgresCluster.initialise")(function* (place: PostgresDirectory, bin: string) {
  const fail = (detail: string) =>
    new EmbeddedPostgresFailed({ reason: "initdb", directory: place.directory, detail: `initdb: ${detail}` })
  const attempt = <A>(f: () => Promise<A>) => Effect.tryPromise({ try: f, catch: (error) => fail(String(error)) })
  yield* attempt(async () => {
    for (const name of await fs.readdir(place.directory)) {
      if (name.startsWith(making)) await fs.rm(path.join(place.directory, name), { recursive: true, force: true })
    }
  })
  if (
    yield* Effect.promise(() =>
      fs.access(path.join(place.data, "PG_VERSION")).then(
        () => true,
        () => false
      )
    )
  )
    return
  const fresh = yield* attempt(async () => {
    const folder = await fs.mkdtemp(path.join(place.directory, making))
    if (place.as !== undefined) await fs.chown(folder, place.as.uid, place.as.gid)
    return folder
  })
  const finished = yield* runCommand({
    command: path.join(bin, "initdb"),
    args: [
      `--pgdata=${fresh}`,
      `--username=${superuser}`,
      "--auth=trust",
      "--encoding=UTF8",
      "--locale-provider=builtin",
      "--builtin-locale=C.UTF-8",
      "--data-checksums",
      "--no-instructions"
    ],
    as: place.as,
    env: environment,
    deadline: "60 seconds"
  }).pipe(Effect.catchTag("SpawnFailed", ({ detail }) => fail(detail)))
  if (Option.isNone(finished)) return yield* fail("not done after 60 s")
  if (finished.value.exit.code !== 0) return yield* fail(finished.value.output)
  yield* attempt(async () => {
    await fs.rename(fresh, place.data)
    await syncDirectory(place.directory)
  })
})

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
export const clearEarlierServer = Effect.fn("PostgresCluster.clearEarlierServer")(function* (place: PostgresDirectory) {
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
