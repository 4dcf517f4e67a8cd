/**
 * The directory of the private PostgreSQL, and the user that it runs as. PostgreSQL refuses to run as root. A service that runs as
 * root therefore starts it as the owner of the data, or as a user id that no other program has. When that user cannot reach the
 * directory (a checkout below /root), the data is kept elsewhere on the same file system. A link in the directory points there.
 * The data never goes to another file system, because that may not be mounted as long as the directory's.
 */
import { createHash } from "node:crypto"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { Effect, Option } from "effect"
import type { RunAs } from "./ChildProcessGroup.ts"
import { EmbeddedPostgresFailed } from "./EmbeddedPostgresFailed.ts"
import { isRoot, makeFolders, makePrivateDirectory } from "./makePrivateDirectory.ts"
import { runCommand } from "./runCommand.ts"

export interface PostgresDirectory {
  /** Absolute, and owned by us. Has the lock, the copied binaries, and the two folders of the server's user. */
  readonly directory: string
  /** The folder of the cluster; may not exist yet. */
  readonly data: string
  /** The folder of the server's Unix socket, which exists: mode 0700, owned by the server's user. */
  readonly socket: string
  /** Absent: the server runs as our user. */
  readonly as: RunAs | undefined
}

export interface Options {
  readonly directory: string
  /** As root: the user and group that the server runs as, if there is no data yet. Default 65526. */
  readonly uid?: number | undefined
  /** As root: the parent of the data, if that user cannot reach `directory`. Default `/var/lib/greenroom`. */
  readonly elsewhere?: string | undefined
}

/**
 * A user id for this purpose alone, without an entry in /etc/passwd. systemd and Debian assign none from 65520 to 65533 to accounts,
 * and containers with mapped users have them. Media workers have 65527.
 */
export const databaseUser = 65526
/** The owner of data from an earlier version. Other services also run as this user, so a start changes the data's owner. */
export const NOBODY_UID = 65534

/** The shell's test answers at once, except on a slow file system of a network. */
const TEST_WITHIN = "10 seconds"

const keptAt = "kept-at"

const userFor = async (data: string, uid: number | undefined): Promise<RunAs | undefined> => {
  if (!isRoot()) return undefined
  const owner = await fs.lstat(data).catch(() => undefined)
  if (owner !== undefined && owner.uid !== 0 && owner.uid !== NOBODY_UID) return { uid: owner.uid, gid: owner.gid }
  const chosen = uid ?? databaseUser
  return { uid: chosen, gid: chosen }
}

/**
 * As root, only the two folders inside belong to the other user. Root writes, removes and follows links only in a folder that this
 * user cannot write.
 */
const prepare = async (directory: string, uid: number | undefined): Promise<PostgresDirectory> => {
  await makePrivateDirectory(directory)
  const [data, socket] = [path.join(directory, "data"), path.join(directory, "socket")]
  const as = await userFor(data, uid)
  await makeFolders(socket, 0o700)
  if (as !== undefined) {
    await fs.lchown(socket, as.uid, as.gid)
    const { uid: owner, mode } = await fs.stat(directory)
    if (owner === 0) await fs.chmod(directory, (mode & 0o7777) | 0o111)
  }
  return { directory, data, socket, as }
}

/** Tests as that user, because modes do not show access control lists and read-only mounts. */
const canBeUsed = ({ socket, as }: PostgresDirectory) =>
  runCommand({
    command: "/bin/sh",
    args: ["-c", 'test -w "$0" && test -x "$0"', socket],
    as,
    deadline: TEST_WITHIN
  }).pipe(
    Effect.map(Option.exists(({ exit }) => exit.code === 0)),
    Effect.catchTag("SpawnFailed", () => Effect.succeed(false))
  )

/** The target of the link; `null` when there is none, or when another user made it. */
const linkOfOurs = async (link: string): Promise<string | null> => {
  const made = await fs.lstat(link).catch(() => undefined)
  return made?.isSymbolicLink() && made.uid === process.getuid?.() ? fs.readlink(link) : null
}

const sameFileSystem = async (one: string, other: string) => (await fs.stat(one)).dev === (await fs.stat(other)).dev

/** Prepares the directory, or the other directory that has its data. */
export const preparePostgresDirectory = Effect.fn("preparePostgresDirectory")(function* (
  options: Options
): Effect.fn.Return<PostgresDirectory, EmbeddedPostgresFailed> {
  const asked = path.resolve(options.directory)
  const unreachable = (detail: string) =>
    new EmbeddedPostgresFailed({ reason: "unreachable", directory: asked, detail })
  const notOurs = `user ${process.getuid?.()} may not write it; change its owner, or choose another (DATA_DIR)`
  const attempt = <A>(f: () => Promise<A>) =>
    Effect.tryPromise({
      try: f,
      catch: (error) => {
        const { code, message } = error as NodeJS.ErrnoException
        return unreachable(code === "EACCES" ? notOurs : message)
      }
    })

  const link = path.join(asked, keptAt)
  const before = yield* Effect.promise(() => linkOfOurs(link))
  if (before !== null) {
    yield* Effect.tryPromise({
      try: () => fs.stat(before),
      catch: () => unreachable(`${link} points to ${before}, which is not there`)
    })
    const kept = yield* attempt(() => prepare(before, options.uid))
    if (yield* canBeUsed(kept)) return kept
    return yield* unreachable(`its data is in ${before}, which cannot be written`)
  }

  const here = yield* attempt(() => prepare(asked, options.uid))
  if (yield* canBeUsed(here)) return here
  if (here.as === undefined) return yield* unreachable(notOurs)
  const cannot = `user ${here.as.uid} cannot enter it, and PostgreSQL does not run as root`
  const advice = "choose a directory whose parents every user may enter (DATA_DIR), or run as another user"
  const name = createHash("sha256")
    .update(yield* attempt(() => fs.realpath(asked)))
    .digest("hex")
    .slice(0, 16)
  const parent = path.resolve(options.elsewhere ?? "/var/lib/greenroom")
  const place = path.join(parent, `postgres-${name}`)
  const there = yield* attempt(async () => {
    await makeFolders(parent, 0o755)
    return (await sameFileSystem(asked, parent)) ? prepare(place, here.as!.uid) : undefined
  })
  if (there === undefined) return yield* unreachable(`${cannot}; ${parent} is on another file system; ${advice}`)
  if (!(yield* canBeUsed(there))) return yield* unreachable(`${cannot}; it cannot enter ${place} either; ${advice}`)
  yield* attempt(() => fs.symlink(place, link))
  return there
})
