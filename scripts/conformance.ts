/**
 * Holds a running service to its own OpenAPI document, with Schemathesis: all of its checks, a fixed seed. The service is started as a user
 * starts it, with its own database, in front of a simulated media server. The stateful phase is left out: it takes a DELETE for the end of a
 * resource, but revoked keys and stopped streams stay on record by the contract. Schemathesis comes into a Python environment under
 * node_modules/.cache; where there is no Python 3 one line says so, and nothing is checked.
 */
import { spawn, spawnSync } from "node:child_process"
import { randomBytes } from "node:crypto"
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import net from "node:net"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { SimulatorHttp } from "@greenroom/mediamtx-simulator/http"
import { Effect } from "effect"
import { startService } from "../verification/worlds/service.ts"

const SCHEMATHESIS = "4.32.5"
const SEED = "1"
/** Of each operation, for each way of making them. */
const EXAMPLES = "25"
const INSTALL_WITHIN_MS = 180_000
const RUN_WITHIN_MS = 300_000

/** Its answer never ends; Schemathesis reads answers to their end. */
const ENDLESS = "events.stream"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const environment = join(root, "node_modules/.cache", `schemathesis-${SCHEMATHESIS}`)
const program = join(environment, "bin/schemathesis")

const run = (command: string, ...args: ReadonlyArray<string>): boolean =>
  spawnSync(command, args, { stdio: ["ignore", "ignore", "inherit"], timeout: INSTALL_WITHIN_MS }).status === 0

const hasPython = (): boolean => run("python3", "-c", "import sys, venv; sys.exit(sys.version_info < (3, 10))")

/** Whether Schemathesis is there; a half-made environment is made anew. */
const install = (): boolean => {
  if (existsSync(program) && run(program, "--version")) return true
  rmSync(environment, { recursive: true, force: true })
  const pip = join(environment, "bin/pip")
  return run("python3", "-m", "venv", environment) && run(pip, "install", "--quiet", `schemathesis==${SCHEMATHESIS}`)
}

/**
 * Each connection from another address of the loopback, where the system has them all: wrong secrets are throttled by address, and the
 * checks send many.
 */
const relayTo = (port: number): Promise<net.Server> =>
  new Promise((resolve) => {
    let connections = 0
    const server = net.createServer((client) => {
      connections += 1
      const address =
        process.platform === "linux" ? `127.1.${(connections >> 8) & 255}.${connections & 255}` : undefined
      const service = net.connect({
        port,
        host: "127.0.0.1",
        ...(address === undefined ? {} : { localAddress: address })
      })
      client.on("error", () => service.destroy())
      service.on("error", () => client.destroy())
      client.pipe(service).pipe(client)
    })
    server.listen(0, "127.0.0.1", () => resolve(server))
  })

const portOf = (server: net.Server): number => {
  const address = server.address()
  return typeof address === "object" && address !== null ? address.port : 0
}

const schemathesis = (url: string, secret: string, folder: string): Promise<number> =>
  new Promise((resolve) => {
    const checks = [
      "--exclude-operation-id",
      ENDLESS,
      "--checks",
      "all",
      "--phases",
      "examples,coverage,fuzzing",
      "--max-examples",
      EXAMPLES,
      "--seed",
      SEED
    ]
    const output = ["--continue-on-failure", "--warnings", "off", "--no-color"]
    const headers = ["-H", `X-API-Key: ${secret}`, "-H", "Connection: close"]
    const config = ["--config-file", join(root, "scripts/conformance.toml")]
    const child = spawn(program, [...config, "run", `${url}/openapi.json`, ...headers, ...checks, ...output], {
      cwd: folder,
      stdio: "inherit",
      timeout: RUN_WITHIN_MS
    })
    child.on("error", () => resolve(1))
    child.on("close", (code) => resolve(code ?? 1))
  })

const check = Effect.gen(function* () {
  const folder = mkdtempSync(join(tmpdir(), "greenroom-conformance-"))
  yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(folder, { recursive: true, force: true })))
  const simulator = yield* SimulatorHttp.make()
  const secret = randomBytes(16).toString("hex")
  const service = startService({
    API_SECRET: secret,
    API_PORT: "0",
    DATA_DIR: join(folder, "data"),
    MEDIAMTX_API_URL: simulator.apiUrl,
    LOG_LEVEL: "error"
  })
  yield* Effect.addFinalizer(() =>
    Effect.promise(() => {
      service.child.kill("SIGTERM")
      return service.ended
    })
  )
  const base = new URL(yield* Effect.promise(() => service.ready))
  const relay = yield* Effect.acquireRelease(
    Effect.promise(() => relayTo(Number(base.port))),
    (server) => Effect.sync(() => server.close())
  )
  const code = yield* Effect.promise(() => schemathesis(`http://127.0.0.1:${portOf(relay)}`, secret, folder))
  const errors = service.err().trim()
  if (errors !== "") console.error(`the service logged errors:\n${errors}`)
  return errors === "" ? code : code || 1
})

if (!hasPython()) console.log("conformance: skipped, no Python 3.10 or newer (python3, with venv)")
else if (!install()) {
  // A machine may have Python without ensurepip, or without a way to PyPI: that is not the document's fault.
  console.log(`conformance: skipped, schemathesis ${SCHEMATHESIS} could not be installed with python3 -m venv and pip`)
} else process.exitCode = await Effect.runPromise(Effect.scoped(check))
