/**
 * Prepares the data directory for a server: it must have a complete cluster that belongs to the server's user. The caller must own
 * the directory, so that no other service works in it.
 */
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { Effect, Option } from "effect"
import { EmbeddedPostgresFailed } from "./EmbeddedPostgresFailed.ts"
import { handOver } from "./handOver.ts"
import { NOBODY_UID, type PostgresDirectory } from "./PostgresDirectory.ts"
import { runCommand } from "./runCommand.ts"

export const superuser = "postgres"
export const environment = { LC_ALL: "C", TZ: "UTC" } as const

const making = "data.new-"
/** `id` answers at once, and within seconds with a directory service for accounts (LDAP). */
const ID_WITHIN = "10 seconds"
/** initdb takes a few seconds, most of them to write to the disk. */
const INITDB_WITHIN = "60 seconds"
/** Between two attempts to remove an unfinished folder; twenty attempts give the guard of a killed initdb time to end it. */
const REMOVE_AGAIN_MS = 50

const syncDirectory = async (directory: string) => {
  const handle = await fs.open(directory, "r")
  await handle.sync().finally(() => handle.close())
}

/** Changes the owner of data from an earlier version of Greenroom, which ran the server as user 65534. No server may run in it. */
export const takeOver = Effect.fn("PostgresCluster.takeOver")(function* ({ directory, data, as }: PostgresDirectory) {
  if (as === undefined) return
  const attempt = <A>(f: () => Promise<A>) =>
    Effect.tryPromise({
      try: f,
      catch: (error) =>
        new EmbeddedPostgresFailed({
          reason: "start",
          directory,
          detail: `the owner of its data cannot be changed to user ${as.uid}: ${error}`
        })
    })
  const { uid } = yield* attempt(() => fs.lstat(data))
  if (uid === as.uid) return
  yield* attempt(() => handOver(data, uid, as))
  yield* Effect.logInfo(`the owner of the database's files was changed from user ${uid} to user ${as.uid}`)
})

/** initdb needs the name of its user, which a user id without an account does not have. */
const hasAccount = (uid: number) =>
  runCommand({ command: "id", args: ["-un", String(uid)], deadline: ID_WITHIN }).pipe(
    Effect.map(Option.exists(({ exit }) => exit.code === 0)),
    Effect.catchTag("SpawnFailed", () => Effect.succeed(false))
  )

/**
 * A folder for initdb, and the user that it runs as. A server's user without an account is replaced by user 65534 in the server's
 * group. Other programs of that user have no access: only this group may enter the folder's parent, and the kernel protects a
 * process from processes of other groups (`ptrace`, `/proc`).
 */
const prepareInitdb = Effect.fnUntraced(function* ({ directory, as }: PostgresDirectory) {
  const user = as === undefined || (yield* hasAccount(as.uid)) ? as : { uid: NOBODY_UID, gid: as.gid }
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

/** Retries, because the initdb of a killed service may still write into the folder until its guard has ended it. */
const removeUnfinished = (folder: string) =>
  fs.rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: REMOVE_AGAIN_MS })

/** Makes a cluster in an empty directory. It is made in another folder and then renamed, so that no partial cluster can stay. */
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
      // Without effect: the server reads the files of PostgresAccess.
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
    deadline: INITDB_WITHIN
  }).pipe(Effect.catchTag("SpawnFailed", ({ detail }) => fail(detail)))
  if (Option.isNone(finished)) return yield* fail(`not done after ${INITDB_WITHIN}`)
  if (finished.value.exit.code !== 0) return yield* fail(finished.value.output)
  yield* attempt(async () => {
    if (place.as !== undefined && fresh.user !== undefined) await handOver(fresh.folder, fresh.user.uid, place.as)
    await fs.rename(fresh.folder, place.data)
    await fs.rmdir(fresh.outer)
    await syncDirectory(place.directory)
  })
})
