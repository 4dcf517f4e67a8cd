/** The examples run, and do what they say. */
import { execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { EmbeddedPostgres } from "@greenroom/launcher"
import { SimulatorHttp } from "@greenroom/mediamtx-simulator/http"
import { Effect } from "effect"
import { expect, test } from "vitest"
import { compileCache, temporaryFolder } from "../verification/worlds/processes.ts"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const run = (file: string) =>
  execFileSync(process.execPath, ["--conditions=@greenroom/source", join(root, "examples", file)], {
    encoding: "utf8",
    env: { ...process.env, ...compileCache },
    timeout: 100_000
  })

test("a store of one's own keeps the laws, under Node's own test runner", () => {
  const laws = join(root, "examples/sqlite-store/laws.ts")
  const output = execFileSync(
    process.execPath,
    ["--conditions=@greenroom/source", "--test", "--test-reporter=tap", laws],
    {
      encoding: "utf8",
      // A test runner inside a test runner would report to the outer one.
      env: { ...process.env, ...compileCache, NODE_TEST_CONTEXT: undefined },
      timeout: 200_000
    }
  )
  const passed = /^# pass (\d+)$/m.exec(output)?.[1]
  expect(readFileSync(join(root, "docs/testing.md"), "utf8")).toContain(`\n${passed} tests. `)
  expect(output).toMatch(/^# fail 0$/m)
  expect(output).toMatch(/^# skipped 0$/m)
})

test("a media worker of one's own comes with its source and goes with it", () => {
  const said = run("media-worker/main.ts").split("\n")
  // Beside what it says itself stands Greenroom's log.
  expect(said.filter((line) => /^(the worker|on the air)/.test(line))).toEqual([
    "the worker reads live/studio-1/in",
    "the worker is running",
    "on the air: live/studio-1/in, live/studio-1/out",
    "the worker is stopped"
  ])
})

const program = (file: string, env: Record<string, string>) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, ["--conditions=@greenroom/source", join(root, "examples", file)], {
        stdio: ["ignore", "pipe", "inherit"],
        env: { ...process.env, ...compileCache, ...env }
      })
    ),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )

// biome-ignore lint/suspicious/noExplicitAny: JSON of the example's own
const askedAt = async (url: string, method: string): Promise<any> => (await fetch(url, { method })).json()

test("a service of one's own lets a key in, shows it on the air, and ends when it is told to", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const { host, username, database } = yield* EmbeddedPostgres.make({ directory: join(folder, "postgres") })
    const simulator = yield* SimulatorHttp.make()
    const service = yield* program("embedding/service.ts", {
      DATABASE_URL: `postgres://${username}@localhost/${database}?host=${encodeURIComponent(host)}`,
      MEDIAMTX_API_URL: simulator.apiUrl,
      API_SECRET: "a secret of the test",
      PORT: "0"
    })
    const lines = createInterface({ input: service.stdout })
    const isReady = () => once(lines, "line").then(([line]: Array<string>) => /^ready at (\d+)$/.exec(line ?? "")?.[1])
    let port: string | undefined
    while (port === undefined) port = yield* Effect.promise(isReady)
    const url = `http://127.0.0.1:${port}`
    yield* simulator.authenticateAt(`${url}/auth`)

    const { path, key } = yield* Effect.promise(() => askedAt(`${url}/keys`, "POST"))
    const stranger = yield* simulator.publish({ protocol: "rtsp", path, password: `sk_${"x".repeat(43)}` })
    expect(yield* stranger.admitted).toBe(false)
    const publisher = yield* simulator.publish({ protocol: "rtsp", path, password: key })
    expect(yield* publisher.admitted).toBe(true)
    yield* publisher.ready
    yield* Effect.promise(() =>
      expect
        .poll(() => askedAt(`${url}/live`, "GET"))
        .toMatchObject([{ path, state: "Active", urls: { hls: expect.stringContaining(path) } }])
    )
    const ended = once(service, "exit")
    service.kill("SIGTERM")
    expect(yield* Effect.promise(() => ended)).toEqual([0, null])
  }).pipe(Effect.scoped, Effect.runPromise))
