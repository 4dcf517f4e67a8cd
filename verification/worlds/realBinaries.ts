/**
 * The MediaMTX binaries that tests run: the one in the image `MEDIAMTX_IMAGE`, or else those of `MEDIAMTX_BINS`, a list of paths as `PATH` is
 * one, or else `MEDIAMTX_BIN`, or else `mediamtx` in `PATH`. Each says its version itself.
 */
import { execFileSync } from "node:child_process"
import { accessSync, constants } from "node:fs"
import { delimiter, join } from "node:path"
import { isAtLeast, type Version } from "@greenroom/mediamtx-simulator"
import { versionInImage } from "./mediaMtxProcess.ts"

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
  /** It runs in a container of this image. */
  readonly image?: string
  /** Without the `v`: `1.20.1`. */
  readonly version: Version
}

const VERSION_WITHIN_MS = 10_000

const versionIn = (answer: string): Version => {
  const version = answer.trim().replace(/^v/, "")
  isAtLeast(version, "1.0.0")
  return version
}

const versionOf = (file: string): Version =>
  versionIn(execFileSync(file, ["--version"], { encoding: "utf8", timeout: VERSION_WITHIN_MS }))

const known = new Map<string, RealBinary>()

export const binaryAt = (file: string): RealBinary => {
  const binary = known.get(file) ?? { file, version: versionOf(file) }
  known.set(file, binary)
  return binary
}

const listed = (process.env.MEDIAMTX_BINS ?? "").split(delimiter).filter((file) => file !== "")

const image = process.env.MEDIAMTX_IMAGE

/** All that there are, in the order of `MEDIAMTX_BINS`. Started once each, to hear its version. */
export const realBinaries = (): ReadonlyArray<RealBinary> =>
  image !== undefined
    ? [{ file: "/mediamtx", image, version: versionIn(versionInImage(image)) }]
    : (listed.length > 0 ? listed : mediaMtxBinary === undefined ? [] : [mediaMtxBinary]).map(binaryAt)

/** What a test against real servers lacks; empty when it can run. */
export const missingFor = (...programs: ReadonlyArray<"mediamtx" | "ffmpeg">): ReadonlyArray<string> =>
  programs.filter((program) =>
    program === "mediamtx"
      ? image === undefined && listed.length === 0 && mediaMtxBinary === undefined
      : ffmpegBinary === undefined
  )
