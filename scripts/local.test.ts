/** `make local` on free ports: what is there when it is up, and that nothing of it is left, however it ends. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { chmodSync, mkdtempSync, rmSync, statSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import { compileCache, freePorts, isAlive, type Listed, processes, until } from "../verification/worlds/processes.ts"
import { mediaMtxBinary } from "../verification/worlds/realMediaMtx.ts"

const root = fileURLToPath(new URL("..", import.meta.url))
const waitFor = (what: string, condition: () => boolean) => Effect.runPromise(until(what, condition))
/** What is installed is not installed anew below the other tests, although the lockfile may be newer. */
const installed = "--old-file=node_modules"

interface Home {
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  readonly api: number
}

const home = async (): Promise<Home> => {
  const [api, ...media] = await freePorts(6)
  const names = ["rtmp", "rtsp", "api", "metrics", "playback"]
  const folder = mkdtempSync(join(tmpdir(), "greenroom-local-"))
  // As root, PostgreSQL runs as another user, who must be able to enter.
  chmodSync(folder, 0o755)
  return {
    folder,
    api: api!,
    env: {
      PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
      HOME: process.env.HOME ?? "/",
      ...compileCache,
      DATA_DIR: join(folder, "data"),
      API_PORT: String(api),
      MEDIAMTX_PORTS: names.map((name, at) => `${name}=${media[at]}`).join(),
      ...(mediaMtxBinary === undefined ? {} : { MEDIAMTX_BIN: mediaMtxBinary })
    }
  }
}

const descendants = (pid: number): ReadonlyArray<Listed> => {
  const listed = processes()
  const below = (parent: number): ReadonlyArray<Listed> =>
    listed.filter((one) => one.parent === parent).flatMap((one) => [one, ...below(one.pid)])
  return below(pid)
}

interface Running {
  readonly make: ChildProcess
  readonly said: () => string
  readonly all: ReadonlyArray<Listed>
  readonly home: Home
}

/** Up, and ended for good when `act` has returned, whatever it did. */
const withLocal = async (act: (running: Running) => Promise<void>): Promise<void> => {
  const at = await home()
  const make = spawn("make", [installed, "local"], { cwd: root, env: at.env, stdio: ["ignore", "pipe", "pipe"] })
  let said = ""
  for (const output of [make.stdout, make.stderr]) {
    output.setEncoding("utf8").on("data", (text: string) => {
      said += text
    })
  }
  let all: ReadonlyArray<Listed> = []
  try {
    await waitFor("it is up", () => said.includes("The pipeline is up") || make.exitCode !== null)
    expect(said).toContain("The pipeline is up")
    all = descendants(make.pid!)
    for (const name of ["scripts/local.ts", "main.ts serve", "/postgres ", "pipeline.yml"]) {
      expect(all.some(({ command }) => command.includes(name))).toBe(true)
    }
    await act({ make, said: () => said, all, home: at })
    await waitFor("nothing of it is left", () => all.every(({ pid }) => !isAlive(pid)))
  } finally {
    for (const { pid } of all) if (isAlive(pid)) process.kill(pid, "SIGKILL")
    make.kill("SIGKILL")
    rmSync(at.folder, { recursive: true, force: true })
  }
}

const possible = mediaMtxBinary !== undefined && spawnSync("make", ["--version"]).error === undefined
if (!possible) console.warn("make local: not run, no mediamtx or no make in PATH")

describe.skipIf(!possible).concurrent("make local", { timeout: 240_000 }, () => {
  it("is up with a private key for the examples, is asked by make, and ends as a whole on SIGTERM", () =>
    withLocal(async ({ make, home: { env }, said }) => {
      expect(statSync(join(env.DATA_DIR!, "dev-key")).mode & 0o777).toBe(0o600)
      expect(said()).not.toContain("the database is kept in")
      const asked = (target: string) => spawnSync("make", [installed, target], { cwd: root, env, encoding: "utf8" })
      expect(JSON.parse(asked("api-status").stdout)).toMatchObject({ itemCount: 0 })
      expect(asked("metrics")).toMatchObject({ status: 0, stderr: "" })
      const second = asked("local")
      expect(second.status).not.toBe(0)
      expect(second.stderr).toMatch(/^these ports are in use: \d+ \(Greenroom\), \d+ \(MediaMTX, RTMP\)/)
      const ended = once(make, "close")
      make.kill("SIGTERM")
      await ended
      expect(said()).not.toContain('"level":"error"')
    }))

  it("leaves nothing behind when its own process is killed", () =>
    withLocal(async ({ all }) => {
      const own = all.find(({ command }) => command.includes("scripts/local.ts"))!
      process.kill(own.pid, "SIGKILL")
    }))

  it("leaves nothing behind when make is killed", () =>
    withLocal(async ({ make }) => {
      make.kill("SIGKILL")
    }))
})

/** Without make; its exit code and what it says on standard error. */
const runAlone = async (env: Readonly<Record<string, string>>) => {
  const child = spawn(process.execPath, ["--conditions=@greenroom/source", join(root, "scripts/local.ts")], {
    env,
    stdio: ["ignore", "ignore", "pipe"]
  })
  let said = ""
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text
  })
  const [code] = await once(child, "close")
  return { code, said }
}

it("names the port that is taken, whoever listens everywhere, and how to take others", async () => {
  const { env, api, folder } = await home()
  const taken = createServer().listen(api, "0.0.0.0")
  await once(taken, "listening")
  const { code, said } = await runAlone(env)
  taken.close()
  rmSync(folder, { recursive: true, force: true })
  expect(code).toBe(1)
  expect(said).toMatch(new RegExp(`^these ports are in use: ${api} \\(Greenroom\\)\\. Stop .* MEDIAMTX_PORTS=rtmp=`))
})

it("says how to get a media server, and nothing that it would not heed", async () => {
  const { env, folder } = await home()
  const { code, said } = await runAlone({ ...env, MEDIAMTX_BIN: "/nowhere/mediamtx" })
  rmSync(folder, { recursive: true, force: true })
  expect(code).toBe(1)
  expect(said).toMatch(/^no media server: .* put it on the PATH or name it in MEDIAMTX_BIN\.\n$/)
})

it.skipIf(mediaMtxBinary === undefined)("does not wait for a Greenroom that has ended", async () => {
  const { env, folder } = await home()
  const { code, said } = await runAlone({ ...env, MAX_WORKERS: "none" })
  rmSync(folder, { recursive: true, force: true })
  expect(code).toBe(1)
  expect(said).toMatch(/MAX_WORKERS[\s\S]*Greenroom has ended \(exit code 78\): its last lines above say why/)
})
