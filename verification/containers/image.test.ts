/** The image, run as docs/operating.md runs it: read-only, without capabilities, against one PostgreSQL container. */
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { becomesHealthy, call, exitCodeOf, HARDENED, startApi, startPostgres } from "./api.ts"
import { POSTGRES_IMAGE } from "./chooseDatabase.ts"
import { docker, IMAGE, inspect, logOf, removeAll, run, startNetwork, statusesOf, tryDocker } from "./docker.ts"
import type { StartedPostgres } from "./testcontainers.ts"

const GRACE_SECONDS = 35

let postgres: StartedPostgres | undefined
let api: string

beforeAll(async () => {
  const network = await startNetwork()
  postgres = await startPostgres(POSTGRES_IMAGE, network, "db")
  api = await startApi(network, "db")
  await becomesHealthy(api)
})

afterAll(async () => {
  await postgres?.stop()
  await removeAll()
})

describe("the image in a container", () => {
  it("is ready, and keeps what the API is given", async () => {
    assert.strictEqual((await call(api, "GET", "/readyz")).status, 200)
    const made = await call(api, "POST", "/broadcasters", { display_name: "In a container" })
    assert.strictEqual(made.status, 201, await made.clone().text())
    const { id } = (await made.json()) as { readonly id: string }
    assert.strictEqual((await call(api, "GET", `/broadcasters/${id}`)).status, 200)
  })

  it("runs every process as the user node, without capabilities and without a way to gain one", async () => {
    assert.deepStrictEqual(await statusesOf(api, "Uid"), ["1000"])
    for (const set of ["CapPrm", "CapEff", "CapBnd"])
      assert.deepStrictEqual(await statusesOf(api, set), ["0000000000000000"])
    assert.deepStrictEqual(await statusesOf(api, "NoNewPrivs"), ["1"])
  })

  it("cannot write to its own files", async () => {
    const { code, err } = await tryDocker(["exec", "--user", "root", api, "sh", "-c", "echo > /app/written"])
    assert.notStrictEqual(code, 0)
    assert.include(err, "Read-only file system")
  })

  it("ships no tests and no sources of the repository beside its packages", async () => {
    const files = await docker(["exec", api, "sh", "-c", "ls /app; find /app/packages -name test -o -name '*.test.*'"])
    assert.deepStrictEqual(files.split("\n").sort(), ["node_modules", "package.json", "packages", "sbom.cdx.json"])
  })

  it("logs JSON alone, and no probe at info", async () => {
    // The health check has asked at least once, because the container is healthy; so has the first test.
    const { out, err } = await logOf(api)
    const lines = `${out}${err}`.trim().split("\n")
    assert.isAbove(lines.length, 1)
    for (const line of lines) assert.doesNotThrow(() => JSON.parse(line), line)
    assert.deepStrictEqual(
      lines.filter((line) => line.includes("/readyz")),
      []
    )
  })

  it("ends by SIGTERM with 0, well before it would be killed", async () => {
    const began = performance.now()
    await docker(["stop", "--time", String(GRACE_SECONDS), api])
    assert.strictEqual(await inspect(api, "{{.State.ExitCode}}"), "0")
    assert.isBelow(performance.now() - began, GRACE_SECONDS * 1_000)
  })
})

describe("the image without settings", () => {
  it("ends with a sentence that names the variables, for a person and without a trace", async () => {
    const bare = await run([...HARDENED, IMAGE])
    // EX_CONFIG of sysexits.h
    assert.strictEqual(await exitCodeOf(bare, 60_000), 78)
    const { out, err } = await logOf(bare)
    for (const name of ["DATABASE_URL", "MEDIAMTX_API_URL"]) assert.include(out + err, name)
    assert.notInclude(out + err, "    at ")
  })
})
