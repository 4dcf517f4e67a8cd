/**
 * Where the private PostgreSQL keeps its data, and as whom it runs. PostgreSQL refuses root: as root the server runs as the user
 * who owns the data already, else as a user that nothing else has. When that user cannot reach the directory at all (a checkout below /root), the
 * data is kept elsewhere on the same file system, once and for good, and a link in the directory says where: never on another
 * one, which may not live as long as the directory does (a mounted volume).
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
  /** Absolute, and ours: the lock, the copied binaries, and the two folders of the server's user are in it. */
  readonly directory: string
  /** The cluster, once there is one. */
  readonly data: string
  /** The folder of the server's Unix socket: there, mode 0700, owned by the server's user. */
  readonly socket: string
  /** Absent: the server runs as we do. */
  readonly as: RunAs | undefined
}

export interface Options {
  readonly directory: string
  /** As root: the user and group that the server runs as, when no data is there yet. Default 65526. */
  readonly uid?: number | undefined
  /** As root: the parent of the data that its user cannot reach where it was asked for. Default `/var/lib/greenroom`. */
  readonly elsewhere?: string | undefined
}

/**
 * Ours alone: systemd and Debian give the numbers from 65520 to 65533 to no account, and they are there in a container whose users
 * are mapped. It has no entry in /etc/passwd. Media workers have 65527.
 */
export const databaseUser = 65526
/** Data was kept as `nobody` once. Other services run as that user, too, so the data changes hands when the server starts. */
export const nobody = 65534

const keptAt = "kept-at"

const userFor = async (data: string, uid: number | undefined): Promise<RunAs | undefined> => {
  if (!isRoot()) return undefined
  const owner = await fs.lstat(data).catch(() => undefined)
  if (owner !== undefined && owner.uid !== 0 && owner.uid !== nobody) return { uid: owner.uid, gid: owner.gid }
  const chosen = uid ?? databaseUser
  return { uid: chosen, gid: chosen }
}

/**
 * As root, only the two folders inside are the other user's: what root itself writes, removes or follows is in a folder where
 * that user can put nothing in its way.
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

/** Asked of the kernel, as that user: modes alone do not know about lists of access rights or read-only mounts. */
const canBeUsed = ({ socket, as }: PostgresDirectory) =>
  runCommand({
    command: "/bin/sh",
    args: ["-c", 'test -w "$0" && test -x "$0"', socket],
    as,
    deadline: "10 seconds"
  }).pipe(
    Effect.map(Option.exists(({ exit }) => exit.code === 0)),
    Effect.catchTag("SpawnFailed", () => Effect.succeed(false))
  )

/** Where the link leads; `null` when there is none, or somebody else made it. */
const linkOfOurs = async (link: string): Promise<string | null> => {
  const made = await fs.lstat(link).catch(() => undefined)
  return made?.isSymbolicLink() && made.uid === process.getuid?.() ? fs.readlink(link) : null
}

const sameFileSystem = async (one: string, other: string) => (await fs.stat(one)).dev === (await fs.stat(other)).dev

/** Prepares the directory, or the place where its data is kept. */
export const preparePostgresDirectory = Effect.fn("preparePostgresDirectory")(function* (
  options: Options
): Effect.fn.Return<PostgresDirectory, EmbeddedPostgresFailed> {
  const asked = path.resolve(options.directory)
  const unreachable = (detail: string) =>
    new EmbeddedPostgresFailed({ reason: "unreachable", directory: asked, detail })
  const notOurs = `user ${process.getuid?.()} may not write it; make it theirs, or choose another (DATA_DIR)`
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
      catch: () => unreachable(`${link} says that the data is in ${before}, which is not there`)
    })
    const kept = yield* attempt(() => prepare(before, options.uid))
    if (yield* canBeUsed(kept)) return kept
    return yield* unreachable(`its data is in ${before}, which cannot be written`)
  }

  const here = yield* attempt(() => prepare(asked, options.uid))
  if (yield* canBeUsed(here)) return here
  if (here.as === undefined) return yield* unreachable(notOurs)
  const cannot = `user ${here.as.uid} cannot enter it, and PostgreSQL does not run as root`
  const advice = "choose a directory whose parents everybody may enter (DATA_DIR), or run as another user"
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
  if (!(yield* canBeUsed(there))) return yield* unreachable(`${cannot}, nor ${place}; ${advice}`)
  yield* attempt(() => fs.symlink(place, link))
  return there
})
