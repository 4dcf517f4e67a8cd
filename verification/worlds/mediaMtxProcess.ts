/** Starts MediaMTX from a binary, or from an image in a container with the network of this machine, and signals either. */
import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { Effect } from "effect"
import type { RealBinary } from "./realBinaries.ts"

export interface MediaMtxProcess {
  /** Of a container: the command line that waits for it. */
  readonly child: ChildProcess
  readonly signal: (name: NodeJS.Signals) => Effect.Effect<void>
}

const DOCKER_WITHIN_MS = 30_000

/** Resolves however it ends: the container may be gone already. */
const docker = (...args: ReadonlyArray<string>): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    execFile("docker", args, { timeout: DOCKER_WITHIN_MS }, () => resume(Effect.void))
  })

const stdio = ["ignore", "pipe", "pipe"] as const

const ofBinary = (file: string, configuration: string, folder: string): MediaMtxProcess => {
  const child = spawn(file, [configuration], { cwd: folder, stdio: [...stdio] })
  return { child, signal: (name) => Effect.sync(() => void child.kill(name)) }
}

const ofImage = (image: string, configuration: string, folder: string): MediaMtxProcess => {
  const name = `greenroom-test-mediamtx-${randomBytes(5).toString("hex")}`
  const place = ["--name", name, "--network", "host", "--volume", `${folder}:${folder}:ro`]
  const child = spawn("docker", ["run", "--rm", ...place, image, configuration], { stdio: [...stdio] })
  return {
    child,
    signal: (signal) =>
      signal === "SIGKILL" ? docker("rm", "--force", name) : docker("kill", "--signal", signal, name)
  }
}

export const startProcess = ({ file, image }: RealBinary, configuration: string, folder: string): MediaMtxProcess =>
  image === undefined ? ofBinary(file, configuration, folder) : ofImage(image, configuration, folder)

export const versionInImage = (image: string): string =>
  execFileSync("docker", ["run", "--rm", image, "--version"], { encoding: "utf8", timeout: DOCKER_WITHIN_MS })
