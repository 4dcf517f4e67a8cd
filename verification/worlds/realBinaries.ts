/**
 * The MediaMTX binaries that tests run: those of `MEDIAMTX_BINS`, a list of paths as `PATH` is one, or else `MEDIAMTX_BIN`, or else
 * `mediamtx` in `PATH`. Each says its version itself.
 */
import { execFileSync } from "node:child_process"
import { accessSync, constants } from "node:fs"
import { delimiter, join } from "node:path"
import { isAtLeast, type Version } from "@greenroom/mediamtx-simulator"

export const inPath = (name: string): string | undefined =>
  (process.env.PATH ?? "")
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK)
        return true
      } catch {
        return false
      }
    })

export const mediaMtxBinary = process.env.MEDIAMTX_BIN ?? inPath("mediamtx")
export const ffmpegBinary = inPath("ffmpeg")

export interface RealBinary {
  readonly file: string
  /** Without the `v`: `1.20.1`. */
  readonly version: Version
}

const VERSION_WITHIN_MS = 10_000

const versionOf = (file: string): Version => {
  const said = execFileSync(file, ["--version"], { encoding: "utf8", timeout: VERSION_WITHIN_MS }).trim()
  const version = said.replace(/^v/, "")
  isAtLeast(version, "1.0.0")
  return version
}

const known = new Map<string, RealBinary>()

export const binaryAt = (file: string): RealBinary => {
  const binary = known.get(file) ?? { file, version: versionOf(file) }
  known.set(file, binary)
  return binary
}

const listed = (process.env.MEDIAMTX_BINS ?? "").split(delimiter).filter((file) => file !== "")

/** All that there are, in the order of `MEDIAMTX_BINS`. Started once each, to hear its version. */
export const realBinaries = (): ReadonlyArray<RealBinary> =>
  (listed.length > 0 ? listed : mediaMtxBinary === undefined ? [] : [mediaMtxBinary]).map(binaryAt)

/** What a test against real servers lacks; empty when it can run. */
export const missingFor = (...programs: ReadonlyArray<"mediamtx" | "ffmpeg">): ReadonlyArray<string> =>
  programs.filter((program) =>
    program === "mediamtx" ? listed.length === 0 && mediaMtxBinary === undefined : ffmpegBinary === undefined
  )
