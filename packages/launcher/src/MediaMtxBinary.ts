/**
 * Finds the media server's binary: the one that `MEDIAMTX_BIN` names, else `mediamtx` on the PATH, else the pinned release for
 * this platform, downloaded once and kept. When `MEDIAMTX_BIN` names a file that cannot run, that is an error, and the search
 * does not go on. `MediaMtxRelease` downloads and checks a release; `EmbeddedMediaMtx` starts the binary.
 */
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { type Duration, Effect, Option } from "effect"
import { installRelease } from "./MediaMtxRelease.ts"
import { MediaMtxUnavailable, mediaMtxVersion } from "./MediaMtxUnavailable.ts"
import { runCommand } from "./runCommand.ts"

export interface MediaMtxBinary {
  /** Absolute. */
  readonly path: string
  readonly origin: "MEDIAMTX_BIN" | "PATH" | "downloaded" | "cache"
  /** From `--version`, such as `v1.20.1`; `null` without an answer in time. */
  readonly version: string | null
}

export interface Options {
  /** The value of `MEDIAMTX_BIN`. */
  readonly bin?: string | undefined
  /** Where to search for `mediamtx`, in the form of `PATH`. Default: this process's `PATH`. */
  readonly searchPath?: string | undefined
  /** Keeps the downloaded binary: `DATA_DIR/mediamtx`. Made by the download. */
  readonly directory: string
  /** The folder of the release, with its archives and `checksums.sha256`. Default: the pinned one on GitHub. */
  readonly releaseUrl?: string | undefined
  /** For the whole download. Default 3 minutes. */
  readonly downloadDeadline?: Duration.Input | undefined
}

/** `--version` prints at once, except from a cold disk. */
const VERSION_WITHIN = "5 seconds"
/** A release has some tens of megabytes, and the network may be slow. */
const DOWNLOAD_WITHIN = "3 minutes"

const isExecutable = (file: string) =>
  Effect.promise(async () => {
    try {
      await fs.access(file, fs.constants.X_OK)
      return (await fs.stat(file)).isFile()
    } catch {
      return false
    }
  })

const onPath = Effect.fnUntraced(function* (searchPath: string) {
  for (const folder of searchPath.split(path.delimiter)) {
    const file = path.join(folder, "mediamtx")
    if (path.isAbsolute(folder) && (yield* isExecutable(file))) return file
  }
  return undefined
})

const versionOf = (file: string): Effect.Effect<string | null> =>
  runCommand({ command: file, args: ["--version"], deadline: VERSION_WITHIN }).pipe(
    Effect.map(
      Option.match({
        onNone: () => null,
        onSome: ({ exit, output }) => (exit.code === 0 ? (/v?\d+\.\d+\.\d+\S*/.exec(output)?.[0] ?? null) : null)
      })
    ),
    Effect.catchTag("SpawnFailed", () => Effect.succeed(null))
  )

/** The platform's name in the release, `linux_amd64`; `null` when the release has no build for it. */
export const platformOf = (platform: string, architecture: string): string | null => {
  const cpu = architecture === "x64" ? "amd64" : architecture === "arm64" ? "arm64" : null
  return cpu !== null && (platform === "linux" || platform === "darwin") ? `${platform}_${cpu}` : null
}

const releaseFolder = `https://github.com/bluenviron/mediamtx/releases/download/${mediaMtxVersion}`

const downloadOrKept = Effect.fnUntraced(function* (options: Options) {
  const platform = platformOf(process.platform, process.arch)
  if (platform === null) {
    return yield* new MediaMtxUnavailable({
      reason: "unsupported-platform",
      detail: `MediaMTX ${mediaMtxVersion} is not published for ${process.platform} on ${process.arch}`
    })
  }
  const name = `mediamtx_${mediaMtxVersion}_${platform}`
  const file = path.resolve(options.directory, name)
  if (yield* isExecutable(file)) return { path: file, origin: "cache" } as const
  yield* installRelease({
    releaseUrl: options.releaseUrl ?? releaseFolder,
    archive: `${name}.tar.gz`,
    target: file,
    deadline: options.downloadDeadline ?? DOWNLOAD_WITHIN
  })
  if (yield* isExecutable(file)) return { path: file, origin: "downloaded" } as const
  return yield* new MediaMtxUnavailable({
    reason: "not-executable",
    detail: `${file} was downloaded and may not be run (is its file system mounted noexec?)`
  })
})

export const find = Effect.fn("MediaMtxBinary.find")(function* (
  options: Options
): Effect.fn.Return<MediaMtxBinary, MediaMtxUnavailable> {
  const withVersion = Effect.fnUntraced(function* (found: Omit<MediaMtxBinary, "version">) {
    return { ...found, version: yield* versionOf(found.path) }
  })
  if (options.bin !== undefined && options.bin !== "") {
    const file = path.resolve(options.bin)
    if (yield* isExecutable(file)) return yield* withVersion({ path: file, origin: "MEDIAMTX_BIN" })
    return yield* new MediaMtxUnavailable({
      reason: "not-executable",
      detail: `MEDIAMTX_BIN names ${file}, which is not a program that may be run`
    })
  }
  const installed = yield* onPath(options.searchPath ?? process.env.PATH ?? "")
  if (installed !== undefined) return yield* withVersion({ path: installed, origin: "PATH" })
  return yield* withVersion(yield* downloadOrKept(options))
})
