/**
 * Downloads one archive of a MediaMTX release and installs its binary. The archive must match the checksum that the release
 * publishes beside it. The target gets its name only when the binary is complete and on the disk. All work is done in a
 * temporary folder beside the target, which is always removed. Of the archive, only the member `mediamtx` is read, into a file
 * that we name. The caller chooses release and platform.
 */
import { spawn } from "node:child_process"
import { createHash, type Hash } from "node:crypto"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { Readable, Transform } from "node:stream"
import { pipeline } from "node:stream/promises"
import { Duration, Effect } from "effect"
import { MediaMtxUnavailable } from "./MediaMtxUnavailable.ts"
import { makePrivateDirectory } from "./makePrivateDirectory.ts"

export interface Options {
  readonly releaseUrl: string
  /** `mediamtx_v1.20.1_linux_amd64.tar.gz` */
  readonly archive: string
  /** The binary's file. */
  readonly target: string
  readonly deadline: Duration.Input
}

const member = "mediamtx"
const checksumsBytes = 64 * 1024
/** Several times the size of a release. */
const archiveBytes = 256 * 1024 * 1024
const binaryBytes = 512 * 1024 * 1024
/** Temporary folders older than this are left from killed downloads. A younger one may be in use by another process. */
const abandonedMillis = 3_600_000
const temporary = ".download-"

const failed = (reason: MediaMtxUnavailable["reason"], detail: string) => new MediaMtxUnavailable({ reason, detail })

const attempt = <A>(reason: MediaMtxUnavailable["reason"], what: string, run: (signal: AbortSignal) => Promise<A>) =>
  Effect.tryPromise({
    try: run,
    catch: (error) => {
      if (error instanceof MediaMtxUnavailable) return error
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
      return failed(reason, `${what}: ${cause instanceof Error ? cause.message : String(cause)}`)
    }
  })

/** Fails after more than `limit` bytes, and updates `hash` with all of them. */
const meter = (limit: number, what: string, hash?: Hash) => {
  let bytes = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, next) {
      bytes += chunk.length
      if (bytes > limit) return next(failed("too-large", `${what} is larger than ${limit} bytes`))
      hash?.update(chunk)
      next(null, chunk)
    }
  })
}

/** Follows redirects: GitHub redirects to its storage. */
const download = (url: string, file: string, limit: number) =>
  attempt("unreachable", `${url} could not be downloaded`, async (signal) => {
    const response = await fetch(url, { signal, redirect: "follow", headers: { "user-agent": "greenroom" } })
    if (response.status !== 200 || response.body === null) {
      await response.body?.cancel()
      throw failed("status", `${url} answered ${response.status}`)
    }
    const hash = createHash("sha256")
    const sink = await fs.open(file, "wx", 0o600)
    await pipeline(Readable.fromWeb(response.body), meter(limit, url, hash), sink.createWriteStream(), { signal })
    return hash.digest("hex")
  })

/** Reads the format of `sha256sum -b`: one line `<hexadecimal> *<name>` for each file. */
export const checksumIn = (checksums: string, name: string): string | null => {
  for (const line of checksums.split("\n")) {
    const [, sum, file] = /^([0-9a-f]{64})\s+\*?(\S+)\s*$/i.exec(line) ?? []
    if (file === name) return sum!.toLowerCase()
  }
  return null
}

/** `tar` writes the member's content to its output, so that no name in the archive can choose a file. */
const extract = (archive: string, file: string) =>
  attempt("archive", `${path.basename(archive)} cannot be unpacked`, async (signal) => {
    // Opened before the program starts: output without a reader is lost when the program ends.
    const sink = await fs.open(file, "wx", 0o600)
    const tar = spawn("tar", ["-xzOf", archive, member], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env.PATH ?? "/usr/bin:/bin", LC_ALL: "C" },
      signal,
      killSignal: "SIGKILL"
    })
    let errors = ""
    tar.stderr.setEncoding("utf8").on("data", (chunk) => {
      errors = (errors + chunk).slice(0, 500)
    })
    const ended = new Promise<number | null>((resolve, reject) => {
      tar.once("error", reject)
      tar.once("close", resolve)
    })
    const written = pipeline(tar.stdout, meter(binaryBytes, member), sink.createWriteStream({ flush: true }))
    const [code] = await Promise.all([ended, written])
    if (code !== 0) throw new Error(errors.trim() || `tar ended with ${code}`)
    if ((await fs.stat(file)).size === 0) throw new Error(`its member ${member} is not a file`)
    await fs.chmod(file, 0o755)
  })

const removeAbandoned = async (directory: string) => {
  for (const name of await fs.readdir(directory)) {
    const folder = path.join(directory, name)
    if (!name.startsWith(temporary)) continue
    if (Date.now() - (await fs.stat(folder)).mtimeMs > abandonedMillis) {
      await fs.rm(folder, { recursive: true, force: true })
    }
  }
}

const workFolder = (directory: string) =>
  Effect.acquireRelease(
    attempt("storage", `${directory} cannot be written`, async () => {
      await makePrivateDirectory(directory)
      await removeAbandoned(directory)
      return fs.mkdtemp(path.join(directory, temporary))
    }),
    (folder) => Effect.promise(() => fs.rm(folder, { recursive: true, force: true }).catch(() => {}))
  )

/** Succeeds when `target` is the release's binary, mode 0755. */
export const installRelease = Effect.fn("installRelease")(
  function* (options: Options) {
    const base = options.releaseUrl.replace(/\/+$/, "")
    const folder = yield* workFolder(path.dirname(options.target))
    const list = path.join(folder, "checksums.sha256")
    const archive = path.join(folder, options.archive)
    const binary = path.join(folder, member)

    yield* Effect.logInfo(`downloading the media server: ${base}/${options.archive}`)
    yield* download(`${base}/checksums.sha256`, list, checksumsBytes)
    const expected = checksumIn(yield* attempt("storage", list, () => fs.readFile(list, "utf8")), options.archive)
    if (expected === null) {
      return yield* failed("checksum", `${base}/checksums.sha256 has no checksum of ${options.archive}`)
    }
    const actual = yield* download(`${base}/${options.archive}`, archive, archiveBytes)
    if (actual !== expected) {
      return yield* failed(
        "checksum",
        `${base}/${options.archive} has the checksum ${actual}, but its release lists ${expected}`
      )
    }
    yield* extract(archive, binary)
    yield* attempt("storage", options.target, () => fs.rename(binary, options.target))
  },
  Effect.scoped,
  (effect, options) =>
    Effect.timeoutOrElse(effect, {
      duration: options.deadline,
      orElse: () =>
        failed("timeout", `not downloaded after ${Duration.format(Duration.fromInputUnsafe(options.deadline))}`)
    })
)
