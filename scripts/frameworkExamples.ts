/**
 * Runs the examples of embedding in Express, Fastify, Hono and Next.js as a stranger would: from packed tarballs, in a project of its own,
 * beside a fake MediaMTX. Each issues a key, admits its publisher, lists it, and ends whole. `--only express,hono` runs some.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { fakeMediaMtx } from "@greenroom/testing"
import { packAll, root } from "./packPackages.ts"

const SECRET = "an example's secret"
const packed = [
  "@greenroom/core",
  "@greenroom/launcher",
  "@greenroom/mediamtx-simulator",
  "@greenroom/adapters",
  "greenroom"
]

interface Framework {
  readonly versions: Readonly<Record<string, string>>
  /** Before it is started. */
  readonly build?: ReadonlyArray<string>
  readonly start: ReadonlyArray<string>
}

const frameworks: Readonly<Record<string, Framework>> = {
  express: { versions: { express: "5.3.0" }, start: ["node", "express.mjs"] },
  fastify: { versions: { fastify: "5.12.8" }, start: ["node", "fastify.mjs"] },
  hono: { versions: { hono: "4.13.19", "@hono/node-server": "2.1.9" }, start: ["node", "hono.mjs"] },
  next: {
    versions: { next: "16.4.6", react: "19.3.1", "react-dom": "19.3.1" },
    build: ["node_modules/.bin/next", "build"],
    start: ["node_modules/.bin/next", "start", "--hostname", "127.0.0.1"]
  }
}

const run = (command: string, args: ReadonlyArray<string>, cwd: string): string =>
  execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], timeout: 300_000 })

const libraries = (into: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    packAll(into)
      .filter(({ name }) => packed.includes(name))
      .map(({ name, tarball }) => [name, `file:${tarball}`])
  )

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  server.close()
  await once(server, "close")
  return typeof address === "object" && address !== null ? address.port : 0
}

const until = async <A>(what: string, attempt: () => Promise<A | undefined>): Promise<A> => {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; ) {
    const found = await attempt().catch(() => undefined)
    if (found !== undefined) return found
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`${what}: not within a minute`)
}

const json = async <A>(url: string, method = "GET"): Promise<A | undefined> => {
  const answer = await fetch(url, { method })
  return answer.ok ? ((await answer.json()) as A) : undefined
}

interface Created {
  readonly value: string
  readonly ingest: { readonly path: string }
}

const tryOut = async (
  name: string,
  child: ChildProcess,
  port: number,
  media: Awaited<ReturnType<typeof fakeMediaMtx>>
) => {
  const origin = `http://127.0.0.1:${port}`
  await until(`${name} answers`, () => json(`${origin}/live`))
  await media.authenticateAt(`http://mediamtx:${encodeURIComponent(SECRET)}@127.0.0.1:${port}/mtx/auth`)
  const created = await json<Created>(`${origin}/keys/user-4711`, "POST")
  if (created === undefined) throw new Error(`${name} created no key`)
  const publisher = await media.publish({ protocol: "rtmp", path: created.ingest.path, key: created.value })
  if (!publisher.admitted) throw new Error(`${name} did not admit the publisher`)
  const [live] = await until(`${name} lists the publisher`, async () => {
    const list = await json<ReadonlyArray<{ readonly status: string; readonly urls: { readonly hls: string } }>>(
      `${origin}/live`
    )
    return list?.[0]?.status === "active" ? list : undefined
  })
  const stranger = await media.publish({ protocol: "rtmp", path: "live/other", key: `sk_${"x".repeat(43)}` })
  if (stranger.admitted) throw new Error(`${name} admitted a publisher without a key`)
  const exited = once(child, "exit")
  child.kill("SIGTERM")
  const [code] = await Promise.race([
    exited,
    new Promise<never>((_, reject) => setTimeout(() => reject(new Error(`${name} did not end`)), 20_000).unref())
  ])
  return `admitted, ${live?.urls.hls}, ended with ${code ?? "the signal"}`
}

const example = async (
  name: string,
  { versions, build, start }: Framework,
  libraries: Readonly<Record<string, string>>
) => {
  const project = mkdtempSync(join(tmpdir(), `greenroom-${name}-`))
  const media = await fakeMediaMtx()
  const port = await freePort()
  let child: ChildProcess | undefined
  try {
    cpSync(
      join(root, "examples/frameworks", name === "next" ? "next" : `${name}.mjs`),
      name === "next" ? project : join(project, `${name}.mjs`),
      {
        recursive: true
      }
    )
    writeFileSync(
      join(project, "package.json"),
      JSON.stringify(
        { private: true, type: "module", dependencies: { ...versions, ...libraries }, overrides: libraries },
        null,
        2
      )
    )
    run("npm", ["install", "--silent", "--no-audit", "--no-fund", "--prefer-offline"], project)
    const env = {
      ...process.env,
      NODE_OPTIONS: "",
      NEXT_TELEMETRY_DISABLED: "1",
      MEDIAMTX_API_URL: media.apiUrl,
      GREENROOM_SECRET: SECRET,
      PORT: String(port)
    }
    if (build !== undefined)
      execFileSync(build[0] ?? "", build.slice(1), { cwd: project, env, stdio: ["ignore", "ignore", "inherit"] })
    child = spawn(start[0] ?? "", start.slice(1), { cwd: project, env, stdio: ["ignore", "ignore", "inherit"] })
    console.log(`${name}: ${await tryOut(name, child, port, media)}`)
  } finally {
    child?.kill("SIGKILL")
    await media.stop()
    rmSync(project, { recursive: true, force: true })
  }
}

const { values } = parseArgs({ options: { only: { type: "string", default: Object.keys(frameworks).join() } } })
const chosen = Object.entries(frameworks).filter(([name]) => values.only.split(",").includes(name))
const tarballs = mkdtempSync(join(tmpdir(), "greenroom-tarballs-"))
try {
  const found = libraries(tarballs)
  for (const [name, framework] of chosen) await example(name, framework, found)
} finally {
  rmSync(tarballs, { recursive: true, force: true })
}
