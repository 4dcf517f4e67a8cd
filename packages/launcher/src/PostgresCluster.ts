/**
 * What must be true of the data directory before a server is started in it: it holds a whole cluster, which belongs to the server's
 * user. All of it presumes that the caller owns the directory, so that no other service is at work in it.
 */
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { Effect, Option } from "effect"
import { EmbeddedPostgresFailed } from "./EmbeddedPostgresFailed.ts"
import { handOver } from "./handOver.ts"
import { nobody, type PostgresDirectory } from "./PostgresDirectory.ts"
import { runCommand } from "./runCommand.ts"

export const superuser = "postgres"
export const environment = { LC_ALL: "C", TZ: "UTC" } as const

const making = "data.new-"

const syncDirectory = async (directory: string) => {
  const handle = await fs.open(directory, "r")
  await handle.sync().finally(() => handle.close())
}

/** Data that belongs to another user than the server's: an earlier version of Greenroom kept it as `nobody`. No server runs in it. */
export const takeOver = Effect.fn("PostgresCluster.takeOver")(function* ({ directory, data, as }: PostgresDirectory) {
  if (as === undefined) return
  const attempt = <A>(f: () => Promise<A>) =>
    Effect.tryPromise({
      try: f,
      catch: (error) =>
        new EmbeddedPostgresFailed({
          reason: "start",
          directory,
          detail: `its data cannot be user ${as.uid}'s: ${error}`
        })
    })
  const { uid } = yield* attempt(() => fs.lstat(data))
  if (uid === as.uid) return
  yield* attempt(() => handOver(data, uid, as))
  yield* Effect.logInfo(`the database's files belonged to user ${uid} and belong to user ${as.uid} now`)
})

/** initdb asks for the name of its user, which a number without an account has none of. */
const hasAccount = (uid: number) =>
  runCommand({ command: "id", args: ["-un", String(uid)], deadline: "10 seconds" }).pipe(
    Effect.map(Option.exists(({ exit }) => exit.code === 0)),
    Effect.catchTag("SpawnFailed", () => Effect.succeed(false))
  )

/**
 * A folder for initdb and the user that it runs as. Without an account that is `nobody` in the server's group. The folder lies in
 * one that only this group may enter, and the kernel keeps processes of other groups off initdb's own (`ptrace`, `/proc`): other
 * programs that run as `nobody` reach nothing of it.
 */
const prepareInitdb = Effect.fnUntraced(function* ({ directory, as }: PostgresDirectory) {
  const user = as === undefined || (yield* hasAccount(as.uid)) ? as : { uid: nobody, gid: as.gid }
  return yield* Effect.tryPromise(async () => {
    const outer = await fs.mkdtemp(path.join(directory, making))
    const folder = path.join(outer, "data")
    await fs.mkdir(folder, { mode: 0o700 })
    if (user === undefined) return { outer, folder, user }
    await fs.chown(outer, 0, user.gid)
    await fs.chmod(outer, 0o710)
    await fs.chown(folder, user.uid, user.gid)
    return { outer, folder, user }
  })
})

/** The initdb of a killed service may write on for a moment, until its guard has ended it: the folder is not empty again, and tried again. */
const removeUnfinished = (folder: string) =>
  fs.rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })

/** An empty directory gets a cluster: made beside its place and then renamed, so that a killed initdb leaves nothing half made. */
export const initialise = Effect.fn("PostgresCluster.initialise")(function* (place: PostgresDirectory, bin: string) {
  const fail = (detail: string) =>
    new EmbeddedPostgresFailed({ reason: "initdb", directory: place.directory, detail: `initdb: ${detail}` })
  const attempt = <A>(f: () => Promise<A>) => Effect.tryPromise({ try: f, catch: (error) => fail(String(error)) })
  yield* attempt(async () => {
    for (const name of await fs.readdir(place.directory)) {
      if (name.startsWith(making)) await removeUnfinished(path.join(place.directory, name))
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
  const fresh = yield* Effect.catchTag(prepareInitdb(place), "UnknownError", ({ cause }) => fail(String(cause)))
  const finished = yield* runCommand({
    command: path.join(bin, "initdb"),
    args: [
      `--pgdata=${fresh.folder}`,
      `--username=${superuser}`,
      // Not in force: see PostgresAccess.
      "--auth-local=peer",
      "--auth-host=reject",
      "--encoding=UTF8",
      "--locale-provider=builtin",
      "--builtin-locale=C.UTF-8",
      "--data-checksums",
      "--no-instructions"
    ],
    as: fresh.user,
    env: environment,
    deadline: "60 seconds"
  }).pipe(Effect.catchTag("SpawnFailed", ({ detail }) => fail(detail)))
  if (Option.isNone(finished)) return yield* fail("not done after 60 s")
  if (finished.value.exit.code !== 0) return yield* fail(finished.value.output)
  yield* attempt(async () => {
    if (place.as !== undefined && fresh.user !== undefined) await handOver(fresh.folder, fresh.user.uid, place.as)
    await fs.rename(fresh.folder, place.data)
    await fs.rmdir(fresh.outer)
    await syncDirectory(place.directory)
  })
})
