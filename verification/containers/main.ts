/**
 * `npm run containers`: what can be shown only with a container engine. The repositories' laws on each major version of PostgreSQL, the image
 * as it is run, and the compose file with its media server. Without an engine, or without an image and a registry that has it, it prints
 * in one line what is not run; with `CONTAINERS=required` that is a failure.
 *
 *   npm run containers                  everything
 *   npm run containers -- --short       the image alone, against one PostgreSQL: what CI runs with each change
 */
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { inPath } from "../worlds/realBinaries.ts"
import { containersFrom } from "./decideDatabase.ts"
import { buildImage, checkout, noEngine, noImage } from "./docker.ts"
import { testcontainers } from "./testcontainers.ts"

const NODE_IMAGE = "node:24-bookworm-slim"
const NEWEST_POSTGRES = "postgres:18"
const POSTGRES_IMAGES = ["postgres:15", "postgres:16", "postgres:17", NEWEST_POSTGRES]
const LAWS = "packages/adapters/test/postgres/PostgresRepositories.test.ts"

const containers = containersFrom(process.env.CONTAINERS)
let failures = 0

/** Of a build that failed: npm's error and what Docker makes of it. */
const LAST_LINES = 40

const notRun = (what: string, why: string): void => {
  console.log(`containers: ${what}: not run: ${why}`)
  if (containers === "required") failures++
}

const command = (program: string, args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}): boolean =>
  spawnSync(program, args, { cwd: checkout, stdio: "inherit", env: { ...process.env, ...env } }).status === 0

const vitest = fileURLToPath(import.meta.resolve("vitest/package.json")).replace(/package\.json$/, "vitest.mjs")
const test = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}): void => {
  if (!command(process.execPath, [vitest, "run", ...args], env)) failures++
}

const installed = (): boolean =>
  testcontainers() !== null ||
  command("npm", ["ci", "--prefix", "verification/containers", "--ignore-scripts", "--no-audit", "--no-fund"])

/** Null when everything can be run. */
const whyNot = async (): Promise<string | null> => {
  if (containers === "off") return "CONTAINERS=off"
  const why = (await noEngine()) ?? (await noImage(NODE_IMAGE)) ?? (await noImage(NEWEST_POSTGRES))
  if (why !== null) return why
  return installed() ? null : "testcontainers could not be installed"
}

const lawsOn = async (image: string): Promise<void> => {
  const why = await noImage(image)
  if (why !== null) return notRun(`the repositories' laws on ${image}`, why)
  const report = `reports/containers-${image.replace(":", "-")}.json`
  test(["--config", "vitest.workspace.ts", `--outputFile.json=${report}`, LAWS], {
    CONTAINERS: "required",
    TEST_POSTGRES_IMAGE: image
  })
}

const MEDIAMTX_IMAGE = "bluenviron/mediamtx:1.20.1-ffmpeg"
const MEDIA_SERVER_LAWS = "packages/adapters/test/contract/MediaServer.real.test.ts"

/** With the network of this machine: that is there on Linux. The encoders are this machine's ffmpeg. */
const mediaServerLaws = async (): Promise<void> => {
  const what = `the media server's laws on ${MEDIAMTX_IMAGE}`
  const ffmpeg = inPath("ffmpeg") === undefined ? "there is no ffmpeg" : null
  const why = process.platform !== "linux" ? "this is no Linux" : (ffmpeg ?? (await noImage(MEDIAMTX_IMAGE)))
  if (why !== null) return notRun(what, why)
  const report = "--outputFile.json=reports/containers-mediamtx.json"
  test(["--config", "vitest.workspace.ts", report, MEDIA_SERVER_LAWS], { CONTAINERS: "off", MEDIAMTX_IMAGE })
}

const main = async (): Promise<void> => {
  const short = process.argv.includes("--short")
  const why = await whyNot()
  if (why !== null) return notRun("all", why)
  const began = performance.now()
  const { code, err } = await buildImage()
  if (code !== 0) {
    console.error(`containers: the image was not built:\n${err.trim().split("\n").slice(-LAST_LINES).join("\n")}`)
    failures++
    return
  }
  console.log(`containers: the image is built, ${Math.round((performance.now() - began) / 1_000)} s`)
  if (short) return test(["--config", "vitest.containers.ts", "verification/containers/image.test.ts"])
  test(["--config", "vitest.containers.ts"])
  for (const image of POSTGRES_IMAGES) await lawsOn(image)
  await mediaServerLaws()
}

await main()
process.exitCode = failures === 0 ? 0 : 1
