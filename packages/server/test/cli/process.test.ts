/** The command line as a process: exit codes, signals, pipes, and help that needs nothing. */
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import { compileCache } from "../../../../verification/worlds/processes.ts"
import { version } from "../../src/http/api/version.ts"
import { page, problem, SECRET, stream, streamWith } from "./support/answers.ts"
import { type FakeService, fakeService } from "./support/fakeService.ts"

const main = fileURLToPath(new URL("./fixtures/main.ts", import.meta.url))

let folder: string
let service: FakeService
let streams: ReadonlyArray<unknown> = []
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "greenroom-cli-"))
  service = await fakeService({
    "GET /streams": ({ headers }) =>
      headers["x-api-key"] === SECRET
        ? { body: page("streams", streams) }
        : { status: 401, body: problem(401, "unauthorized", "Valid credentials are required") }
  })
})
afterAll(async () => {
  await service.close()
  await rm(folder, { recursive: true, force: true })
})

const children: Array<ChildProcess> = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL")
})

/** Runs in an empty folder, with an environment that holds nothing but what is given. */
const start = (args: ReadonlyArray<string>, environment: Readonly<Record<string, string>> = {}) => {
  const child = spawn(process.execPath, ["--conditions=@greenroom/source", main, ...args], {
    cwd: folder,
    env: { ...compileCache, ...environment },
    stdio: ["ignore", "pipe", "pipe"]
  })
  children.push(child)
  const printed = { stdout: "", stderr: "" }
  child.stdout.on("data", (chunk) => {
    printed.stdout += chunk
  })
  child.stderr.on("data", (chunk) => {
    printed.stderr += chunk
  })
  const end = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) =>
    child.on("close", (code) => resolve({ code, ...printed }))
  )
  return { child, printed, end }
}
const run = (args: ReadonlyArray<string>, environment?: Readonly<Record<string, string>>) =>
  start(args, environment).end

const known = () => ({ GREENROOM_URL: service.url, API_SECRET: SECRET })

describe("without any configuration", () => {
  test("--help of the whole names the exit codes", async () => {
    const { stdout } = await run(["--help"])
    const section = stdout.slice(stdout.indexOf("EXIT CODES"))
    expect(section.match(/^ +\d+/gm)?.map(Number)).toEqual([0, 64, 65, 66, 69, 70, 75, 76, 77, 78, 130])
  })

  test("a group alone is help, and no failure", async () => {
    const { code, stdout } = await run(["streams"])
    expect({ code, lists: stdout.includes("watch") }).toEqual({ code: 0, lists: true })
  })

  test("--version", async () => {
    expect(await run(["--version"])).toEqual({ code: 0, stdout: `greenroom v${version}\n`, stderr: "" })
  })
})

test("a result goes to standard output, an error to standard error with its code", async () => {
  const good = await run(["streams", "list", "--json"], known())
  expect({ code: good.code, stderr: good.stderr, body: JSON.parse(good.stdout) }).toEqual({
    code: 0,
    stderr: "",
    body: page("streams", [])
  })
  const refused = await run(["streams", "list", "--json"], { ...known(), API_SECRET: "wrong" })
  expect(refused).toEqual({
    code: 77,
    stdout: "",
    stderr:
      "greenroom: Valid credentials are required: the service refuses the secret or token from API_SECRET (request req-1)\n"
  })
  expect((await run(["streams", "list"])).code).toBe(78)
  expect((await run(["streams", "lst"])).code).toBe(64)
})

test("what the composition fails with is one sentence, too", async () => {
  expect(await run(["migrate"])).toEqual({
    code: 70,
    stdout: "",
    stderr: "greenroom: The database is locked: end the other migration first.\n"
  })
})

describe("signals", () => {
  test.each(["SIGINT", "SIGTERM"] as const)("%s ends serve well", async (signal) => {
    const { child, printed, end } = start(["serve"])
    await expect.poll(() => printed.stdout).toBe("serving\n")
    child.kill(signal)
    expect(await end).toEqual({ code: 0, stdout: "serving\n", stderr: "" })
  })

  test("Ctrl-C ends watch well", async () => {
    streams = [stream]
    const { child, printed, end } = start(["streams", "watch"], known())
    await expect.poll(() => printed.stdout).toContain("on air")
    child.kill("SIGINT")
    const { code, stderr } = await end
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
  })

  test("Ctrl-C while an answer is waited for is an interruption", async () => {
    const silent = await fakeService({ "GET /streams": () => "silence" })
    const { child, end } = start(["streams", "list"], { ...known(), GREENROOM_URL: silent.url })
    await expect.poll(() => silent.asked.length).toBe(1)
    child.kill("SIGINT")
    const { code, stdout, stderr } = await end
    await silent.close()
    expect({ code, stdout, stderr }).toEqual({ code: 130, stdout: "", stderr: "" })
  })
})

test("watch ends when nobody reads on, as after head -1", async () => {
  streams = [stream]
  const { child, printed, end } = start(["streams", "watch", "--json"], known())
  await expect.poll(() => printed.stdout).toContain("on_air")
  child.stdout.destroy()
  streams = [streamWith({ status: "connecting" })]
  const { code, stderr } = await end
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
})

test("a long list arrives whole in a pipe", async () => {
  streams = Array.from({ length: 3000 }, (_, i) => streamWith({ title: `${i} ${"x".repeat(200)}` }))
  const { code, stdout } = await run(["streams", "list", "--json"], known())
  expect({ code, count: JSON.parse(stdout).count }).toEqual({ code: 0, count: 3000 })
})
